package org.lora4j.backend.tornado;

import java.util.List;
import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.Precision;

/** Makes the tornado backend, where TornadoVM and a device are. */
public final class TornadoProvider implements BackendProvider {

    @Override
    public String name() {
        return "tornado";
    }

    @Override
    public Optional<String> unavailable() {
        Optional<String> problem = Installation.problem();
        if (problem.isPresent()) {
            return problem;
        }
        Installation.configure();
        return Tornado.unavailable();
    }

    @Override
    public String describe() {
        return unavailable().orElseGet(() -> Tornado.describe(Tornado.device()));
    }

    @Override
    public List<Detail> details() {
        return unavailable().isPresent() ? List.of() : Details.all();
    }

    @Override
    public long capacity() {
        return unavailable().isPresent() ? 0 : Details.capacity();
    }

    @Override
    public Backend create(BackendOptions options) {
        unavailable().ifPresent(reason -> {
            throw new LoraException(reason);
        });
        return onDevice(true, options.precision());
    }

    static TornadoBackend onDevice(boolean fusing, Precision precision) {
        DeviceMemory memory = new DeviceMemory();
        return new TornadoBackend(new Machine(memory, new Recording(fusing),
                new GraphExecutor(memory, Tornado.device(), CompilerFlags.of(precision))));
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
