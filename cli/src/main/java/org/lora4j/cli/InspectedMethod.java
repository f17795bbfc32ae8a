package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.Names;
import org.lora4j.adapters.PeftConfig;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.io.JsonFields;
import org.lora4j.io.JsonFile;
import org.lora4j.io.TensorFiles;
import org.lora4j.io.TensorSource;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.AdapterMethod;

/** What {@code inspect} shows of a folder that is not LoRA's: the method, and each tensor's shape and norm. */
final class InspectedMethod {

    private record Line(String name, Shape shape, double norm) {
    }

    private InspectedMethod() {
    }

    static void show(Path folder, AdapterMethod method, boolean json, Ui ui) throws IOException {
        JsonFields config = new JsonFields(folder, JsonFile.read(folder.resolve(PeftConfig.FILE_NAME)));
        List<Line> lines = new ArrayList<>();
        Map<String, String> metadata;
        try (TensorSource source = TensorFiles.open(folder, TensorFiles.ADAPTER)) {
            metadata = Map.copyOf(source.metadata());
            for (String name : source.names()) {
                lines.add(new Line(name.startsWith(PeftFormat.PREFIX) ? name.substring(PeftFormat.PREFIX.length()) : name,
                        source.shape(name), norm(source.doubles(name))));
            }
        }
        long parameters = lines.stream().mapToLong(line -> line.shape.size()).sum();
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("path", folder.toString());
            result.put("peft_type", method.peftType());
            result.put("method", method.name());
            result.put("bytes", AdapterChoice.size(folder));
            result.put("base", config.text("base_model_name_or_path").orElse(null));
            result.put("task_type", config.text("task_type").orElse(null));
            result.put("parameters", parameters);
            result.put("merges", false);
            result.put("why_not", method.whyNotMerged());
            result.put("tensors", lines.stream().map(InspectedMethod::asMap).toList());
            result.put("metadata", metadata);
            ui.printJson(result);
            return;
        }
        ui.print(ui.bold(folder.toString()) + "  " + Names.oneLine(method.title()) + ", " + Bytes.text(AdapterChoice.size(folder)));
        ui.print("method    " + method.name() + " (peft_type " + method.peftType() + ")");
        ui.print("base      " + config.text("base_model_name_or_path").map(Names::oneLine).orElse("not said"));
        config.text("task_type").ifPresent(type -> ui.print("task      " + Names.oneLine(type)));
        ui.print("numbers   %,d in %d tensors".formatted(parameters, lines.size()));
        ui.print("merging   not possible: " + method.whyNotMerged());
        ui.print("");
        int width = lines.stream().mapToInt(line -> line.name.length()).max().orElse(6);
        ui.print(ui.dim(String.format(Locale.ROOT, "%-" + width + "s %14s %10s", "tensor", "shape", "norm")));
        for (Line line : lines) {
            ui.print(String.format(Locale.ROOT, "%-" + width + "s %14s %10.4f", Names.oneLine(line.name), line.shape, line.norm));
        }
    }

    private static double norm(double[] values) {
        double squares = 0;
        for (double value : values) {
            squares += value * value;
        }
        return Math.sqrt(squares);
    }

    private static Map<String, Object> asMap(Line line) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("tensor", line.name);
        result.put("shape", line.shape.toArray());
        result.put("norm", line.norm);
        return result;
    }
}
