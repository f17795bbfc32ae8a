package org.lora4j.backend.cpu;

import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.CountingBackend;

/**
 * Offers {@link CpuBackend} as {@code cpu}. Loads without {@code jdk.incubator.vector}, so that a JVM that was started
 * without that module gets a sentence instead of a NoClassDefFoundError.
 */
public final class CpuProvider implements BackendProvider {

    private static final String VECTOR_MODULE = "jdk.incubator.vector";

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public Optional<String> unavailable() {
        if (ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent()) {
            return Optional.empty();
        }
        return Optional.of("this JVM runs without the module " + VECTOR_MODULE + ". Start it with --add-modules "
                + VECTOR_MODULE + ", as the lora4j launcher does, or use `backend` reference.");
    }

    @Override
    public String describe() {
        return unavailable().orElseGet(() -> CpuBackend.describe(BackendOptions.DEFAULT.effectiveThreads()));
    }

    @Override
    public long capacity() {
        return Runtime.getRuntime().maxMemory() / Float.BYTES;
    }

    @Override
    public long besides(CountingBackend counted) {
        return FrozenPanels.foretold(counted);
    }

    @Override
    public Backend create(BackendOptions options) {
        unavailable().ifPresent(reason -> {
            throw new LoraException("`backend` cpu: " + reason);
        });
        return new CpuBackend(options);
    }
}
