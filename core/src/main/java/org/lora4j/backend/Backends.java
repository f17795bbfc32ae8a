package org.lora4j.backend;

import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.lora4j.LoraException;

/** Finds backends by the names users type. What was asked for is what runs, or an error: there is no silent fallback. */
public final class Backends {

    private Backends() {
    }

    /** Every provider on the class path, in the order of their names. */
    public static List<BackendProvider> providers() {
        return ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .sorted((a, b) -> a.name().compareTo(b.name()))
                .toList();
    }

    /**
     * A new backend; the caller closes it.
     *
     * @throws LoraException if there is none of this name, or it cannot run here, with the reason and what to do
     */
    public static Backend create(String name, BackendOptions options) {
        List<BackendProvider> providers = providers();
        BackendProvider provider = providers.stream()
                .filter(candidate -> candidate.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new LoraException("`backend` " + name + ": there is no such backend here; found "
                        + providers.stream().map(BackendProvider::name).collect(Collectors.joining(", ")) + "."));
        provider.unavailable().ifPresent(reason -> {
            throw new LoraException("`backend` " + name + ": " + reason);
        });
        return provider.create(options);
    }

    /** A new backend with {@link BackendOptions#DEFAULT}; the caller closes it. */
    public static Backend create(String name) {
        return create(name, BackendOptions.DEFAULT);
    }
}
