package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.AdapterFormat;
import org.lora4j.adapters.AdapterHead;
import org.lora4j.adapters.LoralibFormat;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.adapters.StoredUpdate;
import org.lora4j.analysis.UpdateSpectrum;
import org.lora4j.io.NamedTensor;
import org.lora4j.tuning.AdapterMethod;
import org.lora4j.tuning.lora.LoraScaling;
import org.lora4j.tuning.lora.WholeModules;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j inspect}. */
@Command(
        name = "inspect",
        description = {
            "Shows what an adapter is: rank, alpha, targets, norms, singular values.",
            "",
            "Needs no model. For each module: the Frobenius norms of A, B and dW = s*B*A, dW's singular values, and its effective "
                    + "rank, e to the entropy of the singular values: how many directions the update really uses. A loralib file "
                    + "does not say alpha; without --alpha, dW is B*A alone. Of another method than LoRA: its settings and each tensor's shape "
                    + "and norm.",
        },
        footer = {
            "  lora4j inspect my-adapter",
            "  lora4j inspect roberta_base_lora_mnli.bin --alpha 16 --json",
        })
final class InspectCommand extends LoraCommand {

    private static final int SHOWN_VALUES = 8;

    @Mixin
    private AdapterChoice adapter;

    @Option(names = "--json", description = "Print JSON, for programs, with all singular values.")
    private boolean json;

    /** One module's line. */
    private record Line(StoredUpdate update, Double alpha, Double scaling, UpdateSpectrum spectrum) {
    }

    @Override
    protected int run() throws Exception {
        Path path = adapter.path();
        Optional<AdapterMethod> other = MethodFolder.method(path);
        if (other.isPresent()) {
            InspectedMethod.show(path, other.get(), json, ui());
            return ExitCode.OK;
        }
        AdapterFormat format = AdapterFiles.formatOf(path);
        boolean scaled = format != AdapterFormat.LORALIB || adapter.hasAlpha();
        LoralibFormat.Options options = adapter.loralib(null);
        StoredAdapter stored = AdapterFiles.read(path, scaled ? options
                : new LoralibFormat.Options(OptionalDouble.of(1), options.parts(), null));
        List<Line> lines = new ArrayList<>();
        for (StoredUpdate update : stored.updates()) {
            Double alpha = scaled ? stored.config().alphaOf(update.module()) : null;
            Double scaling = scaled ? stored.scaling(update) : null;
            lines.add(new Line(update, alpha, scaling, spectrum(stored, update, scaled ? scaling : 1)));
        }
        if (lines.isEmpty()) {
            throw new LoraException(Names.oneLine(path + ": has no lora_A, so there is nothing to show"));
        }
        if (!scaled) {
            ui().warn("a loralib file holds A and B, but not alpha: dW is shown as B*A, without the factor alpha/r. Give the alpha "
                    + "it was trained with, as --alpha 16");
        }
        if (json) {
            ui().printJson(asMap(path, format, stored, lines, scaled));
        } else {
            print(path, format, stored, lines, scaled);
        }
        return ExitCode.OK;
    }

    private static UpdateSpectrum spectrum(StoredAdapter stored, StoredUpdate update, double scaling) {
        try {
            return UpdateSpectrum.of(update.a().doubles(), update.b().doubles(), update.rank(), scaling);
        } catch (LoraException e) {
            throw new LoraException(Names.oneLine(stored.path() + ": " + update.module() + ": " + e.getMessage()), e);
        }
    }

    // ------------------------------------------------------------------------------------------------ for people

    private void print(Path path, AdapterFormat format, StoredAdapter stored, List<Line> lines, boolean scaled)
            throws Exception {
        ui().print(ui().bold(path.toString()) + "  " + format.text() + ", " + Bytes.text(AdapterChoice.size(path)));
        ui().print("base      " + stored.config().baseModel().orElse("not said"));
        ui().print("rank      " + ranks(lines) + ", alpha " + (scaled ? alphas(lines) : "not said")
                + (stored.config().scaling() == LoraScaling.ALPHA_OVER_SQRT_R ? ", scaling alpha/sqrt(r)" : ", scaling alpha/r")
                + (stored.config().field("use_dora").asBoolean() ? ", DoRA" : ""));
        ui().print("targets   " + targets(lines) + " (" + lines.size() + " modules)");
        stored.config().taskType().ifPresent(type -> ui().print("task      " + Names.oneLine(type) + head(stored)));
        ui().print("numbers   %,d in A and B".formatted(parameters(lines)) + others(stored));
        ui().print("");
        int width = lines.stream().mapToInt(line -> line.update().module().length()).max().orElse(6);
        String header = "%-" + width + "s %4s %10s %10s %10s %9s  %s";
        ui().print(ui().dim(header.formatted("module", "r", "|A|", "|B|", "|dW|", "eff.rank", "singular values of dW")));
        for (Line line : lines) {
            double[] values = line.spectrum().singularValues();
            String shown = Arrays.stream(values).limit(SHOWN_VALUES).mapToObj(value -> String.format(Locale.ROOT, "%.4g", value))
                    .collect(Collectors.joining(" ")) + (values.length > SHOWN_VALUES ? " …" : "");
            ui().print(String.format(Locale.ROOT, "%-" + width + "s %4d %10.4f %10.4f %10.4f %9.2f  %s",
                    Names.oneLine(line.update().module()), line.update().rank(), line.spectrum().normA(),
                    line.spectrum().normB(), line.spectrum().normDelta(), line.spectrum().effectiveRank(), shown));
        }
    }

    private static String head(StoredAdapter stored) {
        return AdapterHead.of(stored).map(head -> ", with a head for " + head.answers())
                .orElse(stored.config().modulesToSave().stream().anyMatch(WholeModules.HEADS::contains)
                        ? ", without its head, which was not saved" : "");
    }

    private static String ranks(List<Line> lines) {
        return lines.stream().map(line -> line.update().rank()).distinct().sorted().map(String::valueOf)
                .collect(Collectors.joining(", "));
    }

    private static String alphas(List<Line> lines) {
        return lines.stream().map(Line::alpha).distinct().sorted()
                .map(Names::number)
                .collect(Collectors.joining(", "));
    }

    private static String targets(List<Line> lines) {
        Set<String> ends = new LinkedHashSet<>();
        lines.forEach(line -> ends.add(line.update().module().replaceFirst("^.*\\.\\d+\\.", "")));
        return Names.some(ends, 12);
    }

    private static long parameters(List<Line> lines) {
        return lines.stream().mapToLong(line -> line.update().a().shape().size() + line.update().b().shape().size()).sum();
    }

    private static String others(StoredAdapter stored) {
        List<NamedTensor> others = stored.others();
        return others.isEmpty() ? "" : ", %,d in %d other tensors: ".formatted(
                others.stream().mapToLong(tensor -> tensor.shape().size()).sum(), others.size())
                + Names.some(others.stream().map(tensor -> tensor.name().replaceFirst("^base_model\\.model\\.", "")).toList(), 4);
    }

    // ------------------------------------------------------------------------------------------------ for programs

    private Map<String, Object> asMap(
            Path path, AdapterFormat format, StoredAdapter stored, List<Line> lines, boolean scaled) throws Exception {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("path", path.toString());
        result.put("format", format.text());
        result.put("bytes", AdapterChoice.size(path));
        result.put("base", stored.config().baseModel().orElse(null));
        result.put("r", stored.config().r());
        result.put("alpha", scaled ? stored.config().alpha() : null);
        result.put("scaling", stored.config().scaling() == LoraScaling.ALPHA_OVER_SQRT_R ? "alpha/sqrt(r)" : "alpha/r");
        result.put("dora", stored.config().field("use_dora").asBoolean());
        result.put("task_type", stored.config().taskType().orElse(null));
        result.put("modules_to_save", stored.config().modulesToSave().stream().distinct().toList());
        result.put("head", AdapterHead.of(stored).map(InspectCommand::asMap).orElse(null));
        result.put("bias", stored.config().bias().text());
        result.put("targets", lines.stream().map(line -> line.update().module().replaceFirst("^.*\\.\\d+\\.", ""))
                .distinct().toList());
        result.put("parameters", parameters(lines));
        result.put("layers", lines.stream().map(InspectCommand::asMap).toList());
        result.put("others", stored.others().stream().map(tensor -> Map.of("tensor", tensor.name(), "dtype",
                tensor.dtype().name(), "shape", tensor.shape().toArray())).toList());
        result.put("metadata", stored.metadata());
        return result;
    }

    private static Map<String, Object> asMap(AdapterHead head) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("labels", head.labels());
        result.put("names", head.names().orElse(null));
        return result;
    }

    private static Map<String, Object> asMap(Line line) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("module", line.update().module());
        result.put("kind", line.update().embedding() ? "embedding" : "linear");
        result.put("r", line.update().rank());
        result.put("alpha", line.alpha());
        result.put("scaling", line.scaling());
        result.put("in", line.update().inFeatures());
        result.put("out", line.update().outFeatures());
        result.put("dtype", line.update().a().dtype().name());
        result.put("norm_A", line.spectrum().normA());
        result.put("norm_B", line.spectrum().normB());
        result.put("norm_delta", line.spectrum().normDelta());
        result.put("singular_values", line.spectrum().singularValues());
        result.put("effective_rank", line.spectrum().effectiveRank());
        result.put("stable_rank", line.spectrum().stableRank());
        return result;
    }
}
