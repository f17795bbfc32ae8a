package org.lora4j.cli;

import java.util.List;
import java.util.stream.Collectors;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.Backends;
import org.lora4j.backend.Precision;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code --backend} and {@code --threads}, for commands that compute: {@code @Mixin BackendChoice backend;} and
 * {@code try (Backend b = backend.open()) { … }}.
 */
final class BackendChoice {

    /** What runs when nothing is asked for. */
    static final String DEFAULT = "cpu";

    @Option(names = "--backend", defaultValue = DEFAULT, paramLabel = "NAME",
            description = "What computes: reference, cpu or tornado (default: ${DEFAULT-VALUE}).")
    private String name;

    @Option(names = "--threads", defaultValue = "0", paramLabel = "N",
            description = "Threads to use, 0 for one per core (default: ${DEFAULT-VALUE}).")
    private int threads;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Threads that will compute: one per core where none were asked for. */
    int threads() {
        return new BackendOptions(threads, Precision.STRICT).effectiveThreads();
    }

    /** A new backend; the caller closes it. A backend that cannot run is an error, never another backend. */
    Backend open() {
        if (threads < 0) {
            throw new ParameterException(command.commandLine(), "--threads " + threads + ": must be 0 or more");
        }
        List<BackendProvider> providers = Backends.providers();
        if (providers.stream().noneMatch(provider -> provider.name().equals(name))) {
            throw new ParameterException(command.commandLine(), "--backend " + name + ": there is no such backend here; found "
                    + providers.stream().map(BackendProvider::name).collect(Collectors.joining(", ")));
        }
        return Backends.create(name, new BackendOptions(threads, Precision.STRICT));
    }
}
