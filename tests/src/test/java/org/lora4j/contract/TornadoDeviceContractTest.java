package org.lora4j.contract;

import org.lora4j.backend.Backend;
import org.lora4j.fixture.TornadoDevice;

/** The contract on a device of TornadoVM's. */
class TornadoDeviceContractTest extends BackendContractTest {

    TornadoDeviceContractTest() {
        super(0x1p-24, Float.MIN_NORMAL); // a device may flush denormals
    }

    @Override
    Backend create() {
        return TornadoDevice.openOrSkip();
    }
}
