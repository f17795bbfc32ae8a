package org.lora4j.backend.tornado;

import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.BackendProvider;

/** Makes the tornado backend, where TornadoVM and a device are. */
public final class TornadoProvider implements BackendProvider {

    @Override
    public String name() {
        return "tornado";
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.of("not yet");
    }

    @Override
    public String describe() {
        return unavailable().orElse("");
    }

    @Override
    public Backend create(BackendOptions options) {
        unavailable().ifPresent(reason -> {
            throw new LoraException("the tornado backend cannot run here: " + reason);
        });
        throw new LoraException("not yet");
    }

    /**
     * The backend with its kernels run as the plain Java they are, slowly, on any JVM: for tests of the kernels and of what
     * is recorded. No provider makes it, so nobody who asks for {@code tornado} ends up here.
     */
    public static Backend inPlainJava() {
        return inPlainJava(true);
    }

    static TornadoBackend inPlainJava(boolean fusing) {
        DeviceMemory memory = new DeviceMemory();
        return new TornadoBackend(new Machine(memory, new Recording(fusing), new JavaExecutor(memory)));
    }
}
