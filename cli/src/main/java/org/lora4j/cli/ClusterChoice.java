package org.lora4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The options that say which cluster trains. */
final class ClusterChoice {

    private static final List<String> OPTIONS = List.of("--spark", "--workers", "--ship");
    private static final List<String> SHIPPABLE = List.of("model", "data");
    private static final List<String> FILES = List.of("DIR", "PATH", "FILE", "TEXT|FILE");

    @Option(names = "--spark", paramLabel = "MASTER",
            description = "Train on Apache Spark: spark://HOST:PORT, yarn, k8s://…, or local-cluster[2,1,4096] for two executors of one "
                    + "core and 4,096 MB here. Model, data and --out are folders that all machines see. The bits are those of one "
                    + "machine, see docs/spark.md.")
    private String master;

    @Option(names = "--workers", paramLabel = "N",
            description = "With --spark: share the --accumulate batches of a step among N workers (default: one each).")
    private Integer workers;

    @Option(names = "--ship", split = ",", paramLabel = "WHAT",
            description = "With --spark: send model, data or both (model,data) to the executors once, where they do not see this "
                    + "machine's folders. --out they must see all the same.")
    private List<String> shipped = List.of();

    @Spec(Target.MIXEE)
    private CommandSpec command;

    boolean isGiven() {
        return master != null;
    }

    /** @param accumulation micro-batches of a step, of which each worker has at least one */
    void check(int accumulation) {
        if (!shipped.isEmpty() && master == null) {
            throw wrongUse("--ship: to which cluster? Give --spark too");
        }
        if (workers != null && master == null) {
            throw wrongUse("--workers " + workers + ": of which cluster? Give --spark too");
        }
        if (workers != null && (workers < 1 || workers > accumulation)) {
            throw wrongUse("--workers " + workers + ": expected 1 to " + accumulation + ", since --accumulate " + accumulation
                    + " gives a step as many batches to share out" + (workers > accumulation
                    ? "; --accumulate " + workers + " gives each worker one" : ""));
        }
    }

    Cluster.Work work(int accumulation) {
        List<String> others = others();
        return new Cluster.Work(master, workers == null ? accumulation : workers, others, shipped.stream().map(this::path).toList());
    }

    /** The arguments as they were given, without these options; files by absolute paths, since workers stand elsewhere. */
    private List<String> others() {
        List<String> others = new ArrayList<>();
        for (OptionSpec option : command.commandLine().getParseResult().matchedOptions()) {
            for (String value : option.originalStringValues()) {
                if (!OPTIONS.contains(option.longestName())) {
                    others.add(option.longestName() + "=" + (FILES.contains(option.paramLabel()) ? absolute(option, value) : value));
                }
            }
        }
        return others;
    }

    /** The file or folder that an option names. */
    private Path path(String option) {
        if (!SHIPPABLE.contains(option)) {
            throw wrongUse("--ship " + option + ": expected model, data or both");
        }
        String name = String.valueOf(command.commandLine().getParseResult().matchedOptionValue("--" + option, ""));
        if (!Files.exists(Path.of(name))) {
            throw wrongUse("--ship " + option + ": " + name + " is no file or folder here, and all machines have what lora4j embeds");
        }
        return Path.of(name).toAbsolutePath().normalize();
    }

    private static String absolute(OptionSpec option, String value) {
        Path path = Path.of(value);
        return option.type() == Path.class || Files.exists(path) ? path.toAbsolutePath().normalize().toString() : value;
    }

    private ParameterException wrongUse(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
