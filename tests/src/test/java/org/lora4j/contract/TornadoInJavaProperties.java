package org.lora4j.contract;

import net.jqwik.api.lifecycle.AfterContainer;
import org.lora4j.backend.tornado.TornadoProvider;

class TornadoInJavaProperties extends BackendProperties {

    private static final Subject SUBJECT = new Open(TornadoProvider.inPlainJava(), 0x1p-24, Float.MIN_VALUE);

    TornadoInJavaProperties() {
        super(SUBJECT);
    }

    @AfterContainer
    static void close() {
        SUBJECT.backend().close();
    }
}
