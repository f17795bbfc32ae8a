package org.lora4j.contract;

import net.jqwik.api.lifecycle.AfterContainer;
import org.lora4j.backend.Backends;

class ReferenceProperties extends BackendProperties {

    private static final Subject SUBJECT = new Open(Backends.create("reference"), 0x1p-53, Double.MIN_VALUE);

    ReferenceProperties() {
        super(SUBJECT);
    }

    @AfterContainer
    static void close() {
        SUBJECT.backend().close();
    }
}
