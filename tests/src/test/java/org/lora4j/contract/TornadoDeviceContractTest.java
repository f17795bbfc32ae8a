package org.lora4j.contract;

import org.lora4j.backend.Backend;
import org.lora4j.fixture.TornadoDevice;

/** The contract on a device of TornadoVM's. */
class TornadoDeviceContractTest extends BackendContractTest {

    @Override
    Backend create() {
        return TornadoDevice.openOrSkip();
    }

    @Override
    public double unitRoundoff() {
        return 0x1p-24;
    }

    /** A device may flush denormals. */
    @Override
    public double underflow() {
        return Float.MIN_NORMAL;
    }
}
