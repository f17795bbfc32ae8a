/**
 * The backend on TornadoVM. TornadoVM's API comes from an SDK and is looked for when the backend is asked for, so it is not
 * required here; on the module path give {@code --add-modules tornado.api --add-reads org.lora4j.backend.tornado=tornado.api}.
 */
module org.lora4j.backend.tornado {
    requires org.lora4j.core;

    exports org.lora4j.backend.tornado to org.lora4j.cli;

    provides org.lora4j.backend.BackendProvider with org.lora4j.backend.tornado.TornadoProvider;
}
