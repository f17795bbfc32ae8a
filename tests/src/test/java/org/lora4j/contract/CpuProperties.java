package org.lora4j.contract;

import net.jqwik.api.lifecycle.AfterContainer;
import org.lora4j.backend.Backends;

class CpuProperties extends BackendProperties {

    private static final Subject SUBJECT = new Open(Backends.create("cpu"), 0x1p-24, Float.MIN_VALUE);

    CpuProperties() {
        super(SUBJECT);
    }

    @AfterContainer
    static void close() {
        SUBJECT.backend().close();
    }
}
