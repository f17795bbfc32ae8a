package org.lora4j.contract;

import org.lora4j.backend.Backend;
import org.lora4j.backend.tornado.TornadoProvider;

/** The tornado backend's recording, fusion and kernels, the kernels run as the plain Java they are. */
class TornadoInJavaContractTest extends BackendContractTest {

    @Override
    Backend create() {
        return TornadoProvider.inPlainJava();
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
