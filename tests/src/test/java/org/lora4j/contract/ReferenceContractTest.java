package org.lora4j.contract;

import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;

class ReferenceContractTest extends BackendContractTest {

    @Override
    Backend create() {
        return Backends.create("reference");
    }

    @Override
    public double unitRoundoff() {
        return 0x1p-53;
    }

    @Override
    public double underflow() {
        return Double.MIN_VALUE;
    }
}
