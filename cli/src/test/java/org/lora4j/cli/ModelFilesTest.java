package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.io.DType;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.Safetensors;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.tensor.Shape;

/** Models as others write them: what their files hold is what computes, whatever the configuration says, and by any name. */
class ModelFilesTest {

    private static final String TABLE = "transformer.wte.weight";
    private static final String HEAD = "lm_head.weight";

    @TempDir
    Path temp;

    private Path model;

    @BeforeEach
    void write() throws IOException {
        model = TinyModel.write(temp.resolve("model"));
    }

    // ------------------------------------------------------------------------------------------------ the two tables

    @ParameterizedTest
    @ValueSource(strings = {"", "\"tie_word_embeddings\": true, "})
    void aHeadThatDiffersFromTheTableIsKeptThoughTheConfigurationTiesThem(String ties) throws IOException {
        addOtherHead();
        configure("{", "{\"tie_word_embeddings\": false, ");
        double[] untied = logits(model);
        configure("\"tie_word_embeddings\": false, ", ties);

        Run run = trace(model, "kept.safetensors");

        assertThat(run.err()).containsOnlyOnce("lora4j: warning: ").contains("has a tensor lm_head.weight that differs");
        assertThat(logitsOf("kept.safetensors")).isEqualTo(untied);
    }

    @Test
    void everyCommandSaysOnceThatItUsesTheFilesHead() throws IOException {
        addOtherHead();
        Path data = Files.writeString(temp.resolve("pairs.jsonl"), "{\"context\": \"a b\", \"completion\": \"c d\"}\n");
        for (String line : List.of("generate --prompt x --max-new-tokens 1", "evaluate --data " + data,
                "train --steps 1 --targets lm_head --base-dtype bf16 --data " + data + " --out " + temp.resolve("run"),
                "compare --steps 1 --random 1x4 --out " + temp.resolve("c.html"))) {
            Run run = Run.of((line + " --model " + model).split(" "));
            assertThat(run.exitCode()).as(run.err()).isZero();
            assertThat(run.err()).containsOnlyOnce("differs from the token embedding");
        }
    }

    @Test
    void aHeadThatEqualsTheTableIsTheTable() throws IOException {
        double[] tied = logits(model);
        rewrite(tensors -> {
            tensors.add(tensors.getFirst().as(HEAD));
            return tensors;
        });
        Run run = trace(model, "equal.safetensors");
        assertThat(run.err()).doesNotContain("warning");
        assertThat(logitsOf("equal.safetensors")).isEqualTo(tied);
    }

    @ParameterizedTest
    @CsvSource({"true, false", "true, true", "false, true"})
    void aFileThatKeepsTheTableAsItsHeadOnlyLoads(boolean ties, boolean noted) throws IOException {
        double[] tied = logits(model);
        configure("{", "{\"tie_word_embeddings\": " + ties + ", ");
        rewrite(tensors -> {
            tensors.set(0, tensors.getFirst().as(HEAD));
            return tensors;
        }, noted ? Map.of(TABLE, HEAD) : Map.of());

        assertThat(logits(model)).isEqualTo(tied);
    }

    @Test
    void aMissingHeadOfAnUntiedModelIsNamed() throws IOException {
        configure("{", "{\"tie_word_embeddings\": false, ");
        assertThat(trace(model, "none").err()).contains("no tensor 'lm_head.weight', although config.json says").hasLineCount(1);
    }

    @Test
    void aMergedModelKeepsTheHeadOfItsBase() throws IOException {
        addOtherHead();
        Path adapter = adapter("c_attn");
        Path merged = temp.resolve("merged");
        Run run = merge(adapter, merged);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(new ObjectMapper().readTree(Files.readString(merged.resolve("config.json"))).get("tie_word_embeddings")
                .booleanValue()).isFalse();
        try (Safetensors base = Safetensors.open(model.resolve("model.safetensors"));
                Safetensors written = Safetensors.open(merged.resolve("model.safetensors"))) {
            assertThat(written.floats(HEAD)).isEqualTo(base.floats(HEAD));
            assertThat(written.floats(TABLE)).isEqualTo(base.floats(TABLE));
        }
        assertThat(trace(merged, "m.safetensors").err()).doesNotContain("warning");
    }

    // ------------------------------------------------------------------------------------------------ names

    @ParameterizedTest
    @CsvSource({"_orig_mod.%s", "module.%s", "module._orig_mod.%s", "_fsdp_wrapped_module.%s", "transformer:transformer._orig_mod",
        ".attn.:._orig_mod.attn.", "transformer.:''", "transformer.:_orig_mod."})
    void namesThatPyTorchsWrappersLeftInAFileAreUnderstood(String change) throws IOException {
        double[] expected = logits(model);
        String[] pair = change.split(":");
        renameAll(name -> pair.length == 1 ? change.formatted(name) : name.replace(pair[0], pair[1].replace("''", "")));

        assertThat(logits(model)).isEqualTo(expected);
        Path adapter = adapter("c_attn");
        assertThat(merge(adapter, temp.resolve("merged")).exitCode()).isZero();
        try (Safetensors merged = Safetensors.open(temp.resolve("merged/model.safetensors"))) {
            assertThat(merged.names()).contains(TABLE, "transformer.h.1.attn.c_attn.bias");
        }
    }

    @Test
    void soAreThoseInShards() throws IOException {
        double[] expected = logits(model);
        renameAll("_orig_mod.%s"::formatted);
        List<NamedTensor> tensors = tensors();
        ObjectNode index = new ObjectMapper().createObjectNode();
        ObjectNode map = index.putObject("weight_map");
        List<SafetensorsWriter> shards = List.of(new SafetensorsWriter(), new SafetensorsWriter());
        for (int i = 0; i < tensors.size(); i++) {
            shards.get(i % 2).add(tensors.get(i));
            map.put(tensors.get(i).name(), "model-" + i % 2 + ".safetensors");
        }
        shards.get(0).write(model.resolve("model-0.safetensors"));
        shards.get(1).write(model.resolve("model-1.safetensors"));
        Files.writeString(model.resolve("model.safetensors.index.json"), index.toString());
        Files.delete(model.resolve("model.safetensors"));

        assertThat(logits(model)).isEqualTo(expected);
    }

    @Test
    void twoTensorsForOnePlaceAreRefused() throws IOException {
        rewrite(tensors -> {
            tensors.add(tensors.getFirst().as("module." + TABLE));
            return tensors;
        });
        assertThat(trace(model, "o").err()).contains("are two tensors for one place", "'module.transformer.wte.weight'")
                .hasLineCount(1);
    }

    // ------------------------------------------------------------------------------------------------ config.json

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "n_embd | 1000000000 | n_embd is 1000000000, expected at most 536870911",
        "n_embd | 8.0 | field 'n_embd' is 8.0, expected a whole number",
        "n_embd | \"8\" | field 'n_embd' is \"8\", expected a whole number",
        "n_embd | null | field 'n_embd' is null, expected a positive whole number",
        "n_embd | 2147483648 | field 'n_embd' is 2147483648, expected a whole number below 2^31",
        "n_layer | 1000000000 | n_layer is 1000000000, expected at most 65536",
        "n_layer | -1 | field 'n_layer' is -1, expected a positive whole number",
        "n_head | 0 | field 'n_head' is 0, expected a positive whole number",
        "n_head | 3 | n_head 3 does not divide n_embd 8",
        "n_head | true | field 'n_head' is true, expected a whole number",
        "n_inner | \"32\" | field 'n_inner' is \"32\", expected a whole number",
        "n_inner | 1000000000 | has shape (8, 32), expected (8, 1000000000)",
        "n_positions | 2000000000 | has shape (64, 8), expected (2000000000, 8)",
        "hidden_size | 16 | expected (4096, 16)",
        "tie_word_embeddings | null | field 'tie_word_embeddings' is null, expected true or false",
        "tie_word_embeddings | \"false\" | field 'tie_word_embeddings' is \"false\", expected true or false",
        "scale_attn_weights | 0 | field 'scale_attn_weights' is 0, expected true or false",
        "scale_attn_by_inverse_layer_idx | \"no\" | is \"no\", expected true or false",
        "add_cross_attention | 0 | field 'add_cross_attention' is 0, expected true or false",
        "layer_norm_epsilon | \"1e-5\" | field 'layer_norm_epsilon' is \"1e-5\", expected a number",
        "layer_norm_epsilon | -1e-5 | field 'layer_norm_epsilon' is -1.0E-5, expected 0 or more",
        "layer_norm_epsilon | 1e999 | expected a number",
        "activation_function | [\"gelu\"] | field 'activation_function' is [\"gelu\"], expected a text",
        "activation_function | \"mish\" | activation_function is 'mish', expected one of ",
    }, quoteCharacter = '`')
    void aFieldThatCannotBeIsRefusedByName(String field, String value, String says) throws IOException {
        set(field, value);
        Run run = trace(model, "o");
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains(says, field.equals("hidden_size") ? "wte" : model.toString()).hasLineCount(1)
                .doesNotContain("a mistake in lora4j");
    }

    @ParameterizedTest
    @CsvSource({"n_inner, null", "n_inner, 32", "hidden_size, 8", "num_attention_heads, 2", "activation_function, \"gelu_fast\"",
        "summary_activation, null", "attn_pdrop, 0", "tie_word_embeddings, true"})
    void whatTransformersWritesIsTaken(String field, String value) throws IOException {
        double[] expected = logits(model);
        set(field, value);
        assertThat(logits(model)).isEqualTo(expected);
    }

    @Test
    void theSizesNamesInOtherModelsWinAsInTransformers() throws IOException {
        double[] expected = logits(model);
        set("n_head", "4");
        set("num_attention_heads", "2");
        assertThat(logits(model)).isEqualTo(expected);
    }

    @Test
    void doctorSaysThatAStepRunsNowhereWhereItDoes() throws IOException {
        set("n_embd", "500000000");
        assertThat(Run.of("doctor", "--model", model.toString()).err()).contains("500000000 wide", "it runs nowhere")
                .hasLineCount(1);
    }

    @Test
    void anAdaptersFolderIsNoModel() throws IOException {
        Path adapter = adapter("c_attn");
        assertThat(trace(adapter, "o").err()).contains("it is an adapter's folder", "give it as --adapter").hasLineCount(1);
    }

    // ------------------------------------------------------------------------------------------------ merging

    @Test
    void allThatATokenizerMayNeedComesAlong() throws IOException {
        Files.move(model.resolve("merges.txt"), model.resolve("vocab.bpe"));
        List<String> companions = List.of("vocab.json", "vocab.bpe", "tokenizer.json", "tokenizer.model", "tokenizer_config.json",
                "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "chat_template.json",
                "generation_config.json");
        for (String name : companions.subList(2, companions.size())) {
            Files.writeString(model.resolve(name), "{}");
        }
        Files.writeString(model.resolve("tokenizer.json"), tokenizerJson());
        Files.createDirectory(model.resolve("additional_chat_templates"));
        Files.writeString(model.resolve("additional_chat_templates/tools.jinja"), "x");
        Files.writeString(model.resolve("training_args.bin"), "x");
        Path merged = Files.createDirectory(temp.resolve("merged"));
        Files.writeString(merged.resolve("merges.txt"), "of a model that was here before");
        Path adapter = adapter("c_attn");
        Run run = Run.of("merge", "--model", model.toString(), "--adapter", adapter.toString(), "--out", merged.toString(),
                "--overwrite");

        assertThat(run.exitCode()).as(run.err()).isZero();
        try (var files = Files.list(merged)) {
            List<String> expected = new ArrayList<>(companions);
            expected.addAll(List.of("config.json", "model.safetensors", "merge_report.json", "additional_chat_templates"));
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrderElementsOf(expected);
        }
        assertThat(merged.resolve("additional_chat_templates/tools.jinja")).hasContent("x");
        assertThat(merged.resolve("vocab.bpe")).hasSameBinaryContentAs(model.resolve("vocab.bpe"));
        assertThat(Run.of("generate", "--model", merged.toString(), "--prompt", "x", "--max-new-tokens", "1").exitCode()).isZero();
    }

    private String tokenizerJson() throws IOException {
        return """
                {"pre_tokenizer": {"type": "ByteLevel"}, "decoder": {"type": "ByteLevel"},
                 "model": {"type": "BPE", "merges": [], "vocab": %s}}""".formatted(Files.readString(model.resolve("vocab.json")));
    }

    @Test
    void aLinkOutOfTheFolderIsNotFollowed() throws IOException {
        Path secret = Files.writeString(temp.resolve("secret.txt"), "secret");
        Files.createSymbolicLink(model.resolve("chat_template.jinja"), secret);
        Path elsewhere = Files.createDirectory(temp.resolve("elsewhere"));
        Files.move(model.resolve("vocab.json"), elsewhere.resolve("vocab.json"));
        Files.createSymbolicLink(model.resolve("vocab.json"), elsewhere.resolve("vocab.json"));
        Path merged = temp.resolve("merged");

        Run run = merge(adapter("c_attn"), merged);

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).contains("chat_template.jinja is a link out of the folder, to " + secret);
        assertThat(merged.resolve("chat_template.jinja")).doesNotExist();
        assertThat(merged.resolve("vocab.json")).hasSameBinaryContentAs(elsewhere.resolve("vocab.json"));
        assertThat(Files.isSymbolicLink(merged.resolve("vocab.json"))).isFalse();
    }

    @Test
    void theHubsCacheIsMadeOfLinksAndMergesLikeAnyFolder() throws IOException {
        Path adapter = adapter("c_attn");
        Path blobs = Files.createDirectories(temp.resolve("models--x/blobs"));
        Path snapshot = Files.createDirectories(temp.resolve("models--x/snapshots/abc"));
        for (String name : List.of("config.json", "model.safetensors", "vocab.json", "merges.txt")) {
            Files.copy(model.resolve(name), blobs.resolve("sha-of-" + name));
            Files.createSymbolicLink(snapshot.resolve(name), Path.of("../../blobs/sha-of-" + name));
        }
        Path merged = temp.resolve("merged");
        Run run = Run.of("merge", "--model", snapshot.toString(), "--adapter", adapter.toString(), "--out", merged.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(merged.resolve("merges.txt")).hasSameBinaryContentAs(model.resolve("merges.txt"));
    }

    @Test
    void aBaseWithNaNIsSaidInTheReport() throws IOException {
        Path adapter = adapter("c_attn");
        rewrite(tensors -> {
            NamedTensor positions = tensors.get(1);
            double[] values = positions.doubles();
            values[5] = Double.NaN;
            values[70] = Double.NEGATIVE_INFINITY;
            tensors.set(1, NamedTensor.of(positions.name(), DType.F32, positions.shape(), values));
            return tensors;
        });
        Run run = merge(adapter, temp.resolve("merged"));
        assertThat(run.err()).contains("lora4j: warning: the base holds NaN or infinity in transformer.wpe.weight");
        assertThat(new ObjectMapper().readTree(temp.resolve("merged/merge_report.json").toFile()).path("not_finite_in_base"))
                .hasToString("{\"transformer.wpe.weight\":2}");
    }

    // ------------------------------------------------------------------------------------------------ arranging

    private void addOtherHead() throws IOException {
        rewrite(tensors -> {
            Shape shape = tensors.getFirst().shape();
            tensors.add(NamedTensor.of(HEAD, DType.F32, shape, new Random(7).doubles(shape.size(), -0.3, 0.3).toArray()));
            return tensors;
        });
    }

    private void renameAll(UnaryOperator<String> by) throws IOException {
        rewrite(tensors -> new ArrayList<>(tensors.stream().map(tensor -> tensor.as(by.apply(tensor.name()))).toList()));
    }

    private void rewrite(UnaryOperator<List<NamedTensor>> change) throws IOException {
        rewrite(change, Map.of());
    }

    private void rewrite(UnaryOperator<List<NamedTensor>> change, Map<String, String> metadata) throws IOException {
        List<NamedTensor> changed = change.apply(tensors());
        SafetensorsWriter writer = new SafetensorsWriter();
        new LinkedHashMap<>(metadata).forEach(writer::metadata);
        changed.forEach(writer::add);
        writer.write(model.resolve("model.safetensors"));
    }

    /** The token embedding first, then the positions. */
    private List<NamedTensor> tensors() {
        try (Safetensors file = Safetensors.open(model.resolve("model.safetensors"))) {
            List<NamedTensor> all = new ArrayList<>(file.names().stream().map(name -> NamedTensor.copyOf(file, name)).toList());
            all.sort((a, b) -> Boolean.compare(b.name().contains("wpe"), a.name().contains("wpe")));
            all.sort((a, b) -> Boolean.compare(b.name().contains("wte"), a.name().contains("wte")));
            return all;
        }
    }

    private void configure(String found, String by) throws IOException {
        TinyModel.replace(model.resolve("config.json"), found, by);
    }

    private void set(String field, String json) throws IOException {
        Path file = model.resolve("config.json");
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode config = (ObjectNode) mapper.readTree(file.toFile());
        config.put(field, "HERE");
        Files.writeString(file, mapper.writeValueAsString(config).replace("\"HERE\"", json));
    }

    private Path adapter(String targets) throws IOException {
        Path data = Files.writeString(temp.resolve("adapter.jsonl"), "{\"context\": \"a b\", \"completion\": \"c d\"}\n");
        Path adapter = temp.resolve("adapter");
        Run run = Run.of("train", "--model", model.toString(), "--data", data.toString(), "--steps", "2", "--rank", "2",
                "--targets", targets, "--out", adapter.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        return adapter;
    }

    private Run merge(Path adapter, Path out) {
        return Run.of("merge", "--model", model.toString(), "--adapter", adapter.toString(), "--out", out.toString());
    }

    private Run trace(Path traced, String out) {
        return Run.of("trace", "--model", traced.toString(), "--backend", "reference", "--batch",
                TinyModel.batch(temp.resolve("batch.safetensors"), 3, 1, 4, 1, 5, 9).toString(), "--out",
                temp.resolve(out).toString(), "--quiet");
    }

    private double[] logits(Path traced) {
        Run run = trace(traced, "out.safetensors");
        assertThat(run.exitCode()).as(run.err()).isZero();
        return logitsOf("out.safetensors");
    }

    private double[] logitsOf(String out) {
        try (Safetensors file = Safetensors.open(temp.resolve(out))) {
            return file.doubles("logits");
        }
    }
}
