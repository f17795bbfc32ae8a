package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.lora4j.adapters.LoralibFormat;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The adapter that {@code convert} and {@code inspect} work on, of any format, and what a loralib file does not say. */
final class AdapterChoice {

    @Parameters(arity = "0..1", paramLabel = "ADAPTER",
            description = "A PEFT folder (safetensors or .bin), a loralib .pt or .bin, or a GGUF file.")
    private Path positional;

    @Option(names = "--adapter", paramLabel = "PATH", description = "The same, as other commands take it.")
    private Path named;

    @Option(names = "--alpha", paramLabel = "N",
            description = "The alpha a loralib file was trained with, which it does not say.")
    private Double alpha;

    @Option(names = "--parts", split = ",", paramLabel = "q,k,v",
            description = "The parts of fused maps that a loralib file adapts (default: q,v where there are two).")
    private List<String> parts = List.of();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    Path path() {
        if ((positional == null) == (named == null)) {
            throw new ParameterException(command.commandLine(), positional == null
                    ? "name an adapter: a PEFT folder, a loralib file or a GGUF file" : "two adapters are named, " + positional
                            + " and " + named + "; one is needed");
        }
        return positional == null ? named : positional;
    }

    boolean hasAlpha() {
        return alpha != null;
    }

    /** @param base what to write as the base's name; null for nothing */
    LoralibFormat.Options loralib(String base) {
        if (alpha != null && !Double.isFinite(alpha)) {
            throw new ParameterException(command.commandLine(), "--alpha " + alpha + ": expected a finite number");
        }
        for (String part : parts) {
            if (!List.of("q", "k", "v").contains(part)) {
                throw new ParameterException(command.commandLine(), "--parts " + part + ": expected some of q, k and v");
            }
        }
        return new LoralibFormat.Options(alpha == null ? OptionalDouble.empty() : OptionalDouble.of(alpha), parts, base);
    }

    /** The bytes of a file, or of all files of a folder. */
    static long size(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return Files.size(path);
        }
        long size = 0;
        try (Stream<Path> files = Files.list(path)) {
            for (Path file : files.filter(Files::isRegularFile)
                    .filter(file -> file.getFileName().toString().startsWith("adapter_")).toList()) {
                size += Files.size(file);
            }
        }
        return size;
    }
}
