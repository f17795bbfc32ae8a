/** The backend on {@code jdk.incubator.vector}: whoever depends on it finds it through {@code Backends}. */
module org.lora4j.backend.cpu {
    requires jdk.incubator.vector;
    requires org.lora4j.core;

    exports org.lora4j.backend.cpu to org.lora4j.cli;

    provides org.lora4j.backend.BackendProvider with org.lora4j.backend.cpu.CpuProvider;
}
