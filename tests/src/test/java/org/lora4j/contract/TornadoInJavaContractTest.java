package org.lora4j.contract;

import org.lora4j.backend.Backend;
import org.lora4j.backend.tornado.TornadoProvider;

/** The tornado backend's recording, fusion and kernels, the kernels run as the plain Java they are. */
class TornadoInJavaContractTest extends BackendContractTest {

    TornadoInJavaContractTest() {
        super(0x1p-24, Float.MIN_VALUE);
    }

    @Override
    Backend create() {
        return TornadoProvider.inPlainJava();
    }
}
