package org.lora4j.contract;

import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;

class CpuContractTest extends BackendContractTest {

    @Override
    Backend create() {
        return Backends.create("cpu");
    }

    @Override
    public double unitRoundoff() {
        return 0x1p-24;
    }

    @Override
    public double underflow() {
        return Float.MIN_VALUE;
    }
}
