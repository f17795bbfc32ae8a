package org.lora4j.contract;

import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;

class ReferenceContractTest extends BackendContractTest {

    ReferenceContractTest() {
        super(0x1p-53, Double.MIN_VALUE);
    }

    @Override
    Backend create() {
        return Backends.create("reference");
    }
}
