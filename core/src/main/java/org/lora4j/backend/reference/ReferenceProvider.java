package org.lora4j.backend.reference;

import java.util.Optional;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.BackendProvider;

/** Makes the {@link ReferenceBackend}, which runs anywhere and has nothing to choose. */
public final class ReferenceProvider implements BackendProvider {

    @Override
    public String name() {
        return ReferenceBackend.NAME;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public String describe() {
        return ReferenceBackend.DESCRIPTION;
    }

    @Override
    public long capacity() {
        return Runtime.getRuntime().maxMemory() / Double.BYTES;
    }

    @Override
    public Backend create(BackendOptions options) {
        return new ReferenceBackend();
    }
}
