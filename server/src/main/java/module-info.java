/** One base and many adapters behind OpenAI's protocol. */
module org.lora4j.server {
    requires com.fasterxml.jackson.databind;
    requires io.helidon.common.configurable;
    requires io.helidon.common.pki;
    requires io.helidon.common.tls;
    requires io.helidon.http;
    requires io.helidon.webserver;
    requires java.logging;
    requires transitive org.lora4j.models;
    requires static org.jspecify;

    exports org.lora4j.server;
}
