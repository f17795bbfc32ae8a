package org.lora4j.contract;

import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;

class CpuContractTest extends BackendContractTest {

    CpuContractTest() {
        super(0x1p-24, Float.MIN_VALUE);
    }

    @Override
    Backend create() {
        return Backends.create("cpu");
    }
}
