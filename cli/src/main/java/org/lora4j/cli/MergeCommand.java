package org.lora4j.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.AdapterHead;
import org.lora4j.adapters.MergeError;
import org.lora4j.adapters.ModelMerger;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.data.Batch;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.family.ClassifierFields;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.ModelCompanions;
import org.lora4j.family.ModelConfig;
import org.lora4j.family.ModelFamily;
import org.lora4j.family.ModelTensors;
import org.lora4j.io.AtomicFolder;
import org.lora4j.io.DType;
import org.lora4j.io.JsonFile;
import org.lora4j.io.NotFinite;
import org.lora4j.io.Safetensors;
import org.lora4j.tensor.Philox;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Truncation;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j merge}. */
@Command(
        name = "merge",
        description = {
            "Writes a model with an adapter merged in, which Transformers loads.",
            "",
            "W = W0 + s*B*A is computed in double and rounded once to the type that is written. The report says what that cost: the "
                    + "largest and the mean error in ulps of the type, the error relative to the update (in bf16 and f16 rounding "
                    + "can hide much of a small update), and how much the logits of a sample differ between base + adapter and "
                    + "the merged model. It is written beside the model as merge_report.json. The tokenizer's files, chat templates "
                    + "and generation_config.json are copied. An adapter with NaN or infinite values, and a sum too large for the "
                    + "type, are errors.",
        },
        footer = "  lora4j merge --model my-base --adapter my-adapter --dtype bf16 --out my-merged")
final class MergeCommand extends LoraCommand {

    private static final String REPORT = "merge_report.json";
    private static final int SAMPLE_ROWS = 4;
    private static final int SAMPLE_LENGTH = 32;

    @Option(names = "--model", required = true, paramLabel = "DIR",
            description = "A model's folder in Hugging Face layout, a .gguf file, or base-6m for the embedded one.")
    private String model;

    @Mixin
    private AdapterChoice adapter;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "The folder of the merged model.")
    private Path out;

    @Option(names = "--dtype", paramLabel = "TYPE",
            description = "f32, bf16 or f16: the type to write (default: the base's own).")
    private String dtype;

    @Option(names = "--gguf", description = "Write llama.cpp's model.gguf instead of model.safetensors; the base must be one too, whose "
            + "vocabulary and tensors that do not change are kept as they are.")
    private boolean gguf;

    @Option(names = "--prompt", paramLabel = "TEXT",
            description = "A text to compare logits on; may be given several times (default: drawn tokens).")
    private List<String> prompts = List.of();

    @Option(names = "--overwrite", description = "Replace the model that --out holds.")
    private boolean overwrite;

    @Option(names = "--json", description = "Print the report as JSON, for programs.")
    private boolean json;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() throws Exception {
        try (RunFolder locked = RunFolder.open(out)) {
            return merge();
        }
    }

    private int merge() throws Exception {
        DType type = dtype == null ? null : Types.named(dtype).orElseThrow(() -> wrongUse("--dtype " + dtype
                + ": expected f32, bf16 or f16"));
        Path folder = EmbeddedBase.resolve(model);
        ModelConfig config = Families.config(folder);
        Path from = adapter.path();
        Destination.requireFolder(out, overwrite);
        Destination.reading("--model", folder).and("--adapter", from).requireFolderApart(out);
        StoredAdapter stored = AdapterFiles.read(from, adapter.loralib(model),
                JsonFile.read(EmbeddedBase.resolve(model).resolve("config.json")));
        boolean classifies = Families.isClassifier(folder) || AdapterHead.of(stored).isPresent();
        ClassifierHead head = classifies ? ClassifierHead.forAdapter(stored, folder) : null;
        MergeSample sample = new MergeSample(batches(folder, config, classifies), backend, ui(), head);
        List<double[]> expected = sample.withAdapter(folder, stored);
        Map<String, Long> notFinite = new LinkedHashMap<>();
        List<MergeError> errors = write(folder, config, stored, type, notFinite, head);
        MergeSample.Change change = sample.change(expected, sample.of(out));
        Map<String, Object> report = report(errors, change, from, notFinite, classifies);
        AtomicFolder.write(out, staging -> Files.write(staging.resolve(REPORT), new ObjectMapper()
                .enable(SerializationFeature.INDENT_OUTPUT).writeValueAsBytes(report)));
        print(report, errors, change, classifies);
        return ExitCode.OK;
    }

    // ------------------------------------------------------------------------------------------------ writing

    private List<MergeError> write(
            Path folder, ModelConfig config, StoredAdapter stored, DType type, Map<String, Long> notFinite, ClassifierHead head) {
        List<MergeError> errors = new ArrayList<>();
        ModelFamily family = Families.of(folder);
        try (ModelTensors base = head == null ? family.tensors(folder)
                : ModelTensors.openClassifier(folder, family.names(), !head.anew())) {
            if (gguf && !base.isGguf()) {
                throw wrongUse("--gguf: " + folder + " is not a model of llama.cpp's. Convert the merged folder with its "
                        + "convert_hf_to_gguf.py instead");
            }
            ModelMerger merger = head == null ? new ModelMerger(base, stored, family.names())
                    : ModelMerger.ofClassifier(base, stored, family.names());
            if (head != null && !merger.hasClassifier()) {
                ui().warn("neither the base nor the adapter has a head that classifies: the merged model is a body without one");
            }
            if (merger.unties()) {
                ui().info("the adapter changes one view of the tied embedding: the merged model has a head of its own");
            }
            notFinite.putAll(NotFinite.in(base));
            if (!notFinite.isEmpty()) {
                ui().warn("the base holds NaN or infinity in " + Names.some(notFinite.keySet(), 3) + ", and so does the merged "
                        + "model. Take another copy of the base");
            }
            ObjectNode written = configuration(folder, config, family,
                    head != null ? config.isTied() : base.tied() && !merger.unties(), type);
            if (head != null && merger.hasClassifier()) {
                classifies(written, head, family);
            }
            AtomicFolder.write(out, staging -> {
                errors.addAll(merger.write(staging.resolve("model.safetensors"), type));
                if (gguf) {
                    toGguf(base, staging);
                }
                Files.write(staging.resolve("config.json"), new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT)
                        .writeValueAsString(written).getBytes(StandardCharsets.UTF_8));
                ModelCompanions.copyFiles(folder, staging, ui()::warnOnce);
            });
            ModelCompanions.finish(folder, out, ui()::warnOnce);
        }
        return errors;
    }

    /** What {@code config.json} says of a classifier; the fields of the labels stay as they are where the head is the base's. */
    private static void classifies(ObjectNode written, ClassifierHead head, ModelFamily family) {
        written.putArray("architectures").add(family.classifierArchitecture());
        if (head.labels() != null) {
            Map<String, Object> fields = new LinkedHashMap<>();
            ClassifierFields.put(head.labels(), fields);
            fields.forEach((name, value) -> written.set(name, new ObjectMapper().valueToTree(value)));
        }
    }

    /** Puts llama.cpp's file in the place of Hugging Face's. */
    private static void toGguf(ModelTensors base, Path staging) throws IOException {
        Path tensors = staging.resolve("model.safetensors");
        try (Safetensors merged = Safetensors.open(tensors)) {
            base.writeGguf(merged, staging.resolve("model.gguf"));
        }
        Files.delete(tensors);
    }

    private static ObjectNode configuration(
            Path folder, ModelConfig config, ModelFamily family, boolean tied, DType type) {
        ObjectNode written = JsonFile.read(folder.resolve("config.json"));
        written.remove("quantization_config"); // what was in few bits is written in many
        if (tied != config.isTied()) {
            written.put("tie_word_embeddings", tied);
        }
        if (type != null) {
            written.put(written.has("dtype") ? "dtype" : "torch_dtype", Types.inConfiguration(type));
        }
        if (!written.has("architectures")) {
            written.putArray("architectures").add(family.architecture());
        }
        return written;
    }

    // ------------------------------------------------------------------------------------------------ the sample

    private List<Batch> batches(Path folder, ModelConfig config, boolean classifies) {
        List<Batch> sample = new ArrayList<>();
        if (prompts.isEmpty()) {
            int length = Math.min(SAMPLE_LENGTH, config.sizes().positions());
            int[] ids = new int[SAMPLE_ROWS * length];
            double[] drawn = new double[ids.length];
            new Philox(0).fillUniform(drawn, 0, config.sizes().vocabulary(), 0, Philox.site("merge sample"));
            for (int i = 0; i < ids.length; i++) {
                ids[i] = Math.min(config.sizes().vocabulary() - 1, (int) drawn[i]);
            }
            return List.of(new Batch(SAMPLE_ROWS, length, ids, null, null, null));
        }
        Tokenizer tokenizer = Families.tokenizer(folder);
        for (String prompt : prompts) {
            int[] ids = classifies ? tokenizer.encodePair(prompt, null, Truncation.NONE).ids() : tokenizer.encode(prompt);
            tokenizer.requireRows(config.sizes().vocabulary(), ids);
            if (ids.length == 0 || ids.length > config.sizes().positions()) {
                throw wrongUse("--prompt of " + ids.length + " tokens: expected 1 to " + config.sizes().positions());
            }
            sample.add(new Batch(1, ids.length, ids, null, null, null));
        }
        return sample;
    }

    // ------------------------------------------------------------------------------------------------ the report

    private Map<String, Object> report(
            List<MergeError> errors, MergeSample.Change change, Path from, Map<String, Long> notFinite, boolean classifier) {
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("model", model);
        report.put("adapter", from.toString());
        report.put("dtype", dtype == null ? "as the base" : dtype);
        report.put("merged_tensors", errors.size());
        report.put("max_error_ulps", errors.stream().mapToDouble(MergeError::maxUlps).max().orElse(0));
        report.put("mean_error_ulps", meanUlps(errors));
        report.put("max_error_of_update", errors.stream().mapToDouble(MergeError::ofUpdate).max().orElse(0));
        report.put("logits_max_change", change.largest());
        report.put("logits_mean_change", change.mean());
        report.put("logits_max_change_relative", change.relative());
        report.put(classifier ? "same_label" : "logits_same_top_token", change.sameTop());
        report.put(classifier ? "sequences" : "logits_positions", change.positions());
        report.put("not_finite_in_base", notFinite);
        report.put("tensors", errors);
        return report;
    }

    private static double meanUlps(List<MergeError> errors) {
        double weighted = errors.stream().mapToDouble(error -> error.meanUlps() * error.elements()).sum();
        return errors.isEmpty() ? 0 : weighted / errors.stream().mapToLong(MergeError::elements).sum();
    }

    private void print(Map<String, Object> report, List<MergeError> errors, MergeSample.Change change, boolean classifier) {
        if (json) {
            ui().printJson(report);
            return;
        }
        ui().print("wrote " + out + ": " + errors.size() + " merged tensors, " + (dtype == null ? "in the base's types" : dtype));
        ui().print(String.format(Locale.ROOT, "rounding  at most %.3f ulp, %.3f in the mean; at most %.2g of an update's norm",
                report.get("max_error_ulps"), report.get("mean_error_ulps"), report.get("max_error_of_update")));
        ui().print(String.format(Locale.ROOT, (classifier ? "scores" : "logits") + "    changed by at most %.2g (%.2g of the "
                + "largest), %.2g in the mean; same " + (classifier ? "label for %.1f %% of %d sequences"
                : "first token at %.1f %% of %d positions"), change.largest(), change.relative(), change.mean(),
                100 * change.sameTop(), change.positions()));
    }
}
