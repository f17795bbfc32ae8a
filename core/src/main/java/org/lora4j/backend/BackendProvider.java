package org.lora4j.backend;

import java.util.Optional;

/** Makes one kind of backend; found by {@link java.util.ServiceLoader}, so adding a backend is adding its jar. */
public interface BackendProvider {

    /** The name users type: {@code reference}, {@code cpu}, {@code tornado}. */
    String name();

    /** Why this backend cannot run here and what to do about it, in one line; empty if it can. Must not throw. */
    Optional<String> unavailable();

    /** What it would run on, in one line for {@code doctor}: vector width, cores, device. */
    String describe();

    /**
     * A new backend; the caller closes it.
     *
     * @throws org.lora4j.LoraException with the reason of {@link #unavailable()} if it cannot run here
     */
    Backend create(BackendOptions options);
}
