package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.cli.Main;
import org.lora4j.data.Batch;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.io.DType;
import org.lora4j.io.Safetensors;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.Combination;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraProjection;
import org.lora4j.tuning.lora.MergedWeights;

/**
 * Updates of q, k and v of a Phi-3 with four heads of 4 and two key heads, so that q is 16 wide and k and v are 8; and of gate and
 * up, 22 each.
 */
class UnequalPartsTest {

    private static final Path BASE = Path.of("src/test/resources/decoders/phi3_full/model");
    private static final String QKV = "model.layers.0.self_attn.qkv_proj";
    private static final String GATE_UP = "model.layers.1.mlp.gate_up_proj";
    private static final Batch BATCH = SmallBatches.of(new int[] {6, 9, 4}, SmallBatches.Side.RIGHT, 50, 1, 8);

    @TempDir
    private Path folder;

    private Backend backend = Backends.create("reference");

    @AfterEach
    void close() {
        backend.close();
    }

    private LanguageModel model() {
        return Families.load(BASE, backend);
    }

    private double[] logits(LanguageModel model) {
        return backend.readDoubles(model.logits(BATCH, Workspace.forInference(backend, BATCH.inputIds().length)));
    }

    private void train(LanguageModel model, LoraAdapter adapter, int steps) {
        AdamW adamW = new AdamW(backend, adapter.trainable(), new AdamW.Settings(0.9, 0.999, 1e-8, 0.01, DecayOrder.BEFORE, false));
        Workspace ws = Workspace.forTraining(backend, BATCH.inputIds().length, 1);
        for (int step = 0; step < steps; step++) {
            adapter.trainable().forEach(Parameter::clearGradient);
            model.lossAndGradients(BATCH, 1.0 / BATCH.targets(), 0, step, ws);
            adamW.step(1e-2);
        }
    }

    @Test
    void eachPartHasItsOwnWidthAndWordsOfBothMapsStandInOneList() {
        LoraAdapter adapter = LoraAdapter.attach(model(), LoraConfig.of(3, 6).withParts("v", "q", "gate", "o"), 1);
        assertThat(adapter.projections().get(QKV).loraA().shape()).isEqualTo(Shape.of(2 * 3, 16));
        assertThat(adapter.projections().get(QKV).loraB().shape()).isEqualTo(Shape.of(16 + 8, 3));
        assertThat(adapter.projections().get(GATE_UP).loraB().shape()).isEqualTo(Shape.of(22, 3));
        assertThat(adapter.fusedParts()).containsExactly("v", "q", "gate");
        int o = 3 * (16 + 16);
        assertThat(adapter.parameterCount()).isEqualTo(2 * (3 * (2 * 16 + 24) + 3 * (16 + 22) + o));
    }

    @Test
    void aRankBeyondANarrowPartIsRefused() {
        assertThat(LoraAdapter.attach(model(), LoraConfig.of(9, 6).withParts("q"), 1).projections()).hasSize(2);
        assertThatThrownBy(() -> LoraAdapter.attach(model(), LoraConfig.of(9, 6).withParts("q", "v"), 1)).isInstanceOf(LoraException.class)
                .hasMessageContaining("`rank` 9 is larger than the matrix of v of " + QKV + ", 8 × 16");
    }

    /** A Mistral is a Phi-3 whose maps stand apart: there LoRA on q and v is on maps of their own. */
    @Test
    void itIsLoraOnTheMapsOfAMistral() throws IOException {
        LanguageModel phi = model();
        LanguageModel mistral = Families.load(mistral(), backend);
        LoraConfig config = LoraConfig.of(3, 5).withParts("q", "v", "up");
        LoraAdapter fused = SomeAdapters.random(phi, config, "phi");
        LoraAdapter apart = LoraAdapter.attach(mistral, config, 1);
        assertThat(apart.projections()).hasSize(2 * 3);
        for (int block = 0; block < 2; block++) {
            String name = "model.layers." + block + ".";
            copy(fused.projections().get(name + "self_attn.qkv_proj"), List.of(apart.projections().get(name + "self_attn.q_proj"),
                    apart.projections().get(name + "self_attn.v_proj")));
            copy(fused.projections().get(name + "mlp.gate_up_proj"), List.of(apart.projections().get(name + "mlp.up_proj")));
        }
        assertNear(logits(phi), logits(mistral));

        train(phi, fused, 3);
        train(mistral, apart, 3);
        assertNear(logits(phi), logits(mistral));
    }

    private void copy(LoraProjection from, List<LoraProjection> to) {
        for (int j = 0; j < to.size(); j++) {
            backend.copy(from.updates().get(j).a(), to.get(j).loraA().value().matrix());
            backend.copy(from.updates().get(j).b(), to.get(j).loraB().value().matrix());
        }
    }

    private static void assertNear(double[] actual, double[] expected) {
        double size = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < expected.length; i++) {
            assertThat(Math.abs(actual[i] - expected[i])).isLessThan(1e-12 * size);
        }
    }

    /** The same weights under a Mistral's names. */
    private Path mistral() throws IOException {
        Path written = Files.createDirectories(folder.resolve("mistral"));
        ObjectMapper json = new ObjectMapper();
        ObjectNode config = (ObjectNode) json.readTree(BASE.resolve("config.json").toFile());
        json.writeValue(written.resolve("config.json").toFile(), config.put("model_type", "mistral"));
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        try (Safetensors file = Safetensors.open(BASE.resolve("model.safetensors"))) {
            for (String name : file.names()) {
                double[] values = file.doubles(name);
                List<FusedPart> parts = name.contains("qkv") ? FusedPart.of(List.of("q", "k", "v"), List.of(16, 8, 8))
                        : name.contains("gate_up") ? FusedPart.equal(List.of("gate", "up"), 44) : List.of();
                if (parts.isEmpty()) {
                    writer.add(name, DType.F32, file.shape(name), values);
                }
                for (FusedPart part : parts) {
                    writer.add(name.replaceFirst("qkv|gate_up", part.name()), DType.F32, Shape.of(part.width(), 16),
                            Arrays.copyOfRange(values, 16 * part.first(), 16 * (part.first() + part.width())));
                }
            }
        }
        writer.write(written.resolve("model.safetensors"));
        return written;
    }

    @ParameterizedTest
    @CsvSource({"cpu, false", "cpu, true", "reference, false"})
    void trainedSavedAndLoadedItIsTheSame(String name, boolean dora) {
        backend.close();
        backend = Backends.create(name);
        LanguageModel model = model();
        double[] before = logits(model);
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(3, 6).withParts("q", "v", "up").withDora(dora), 1);
        assertThat(logits(model)).isEqualTo(before);
        train(model, adapter, 2);
        PeftFormat.save(adapter, folder, "phi", Map.of());
        List<float[]> trained = adapter.trainable().stream().map(p -> backend.readFloats(p.value())).toList();
        double[] expected = logits(model);
        assertThat(expected).isNotEqualTo(before);
        adapter.detach();
        assertThat(logits(model)).isEqualTo(before);

        LoraAdapter loaded = PeftFormat.load(model, folder);
        assertThat(loaded.trainable().stream().map(p -> backend.readFloats(p.value())).toList()).usingRecursiveComparison().isEqualTo(trained);
        if (name.equals("cpu")) { // the file has floats
            assertThat(logits(model)).isEqualTo(expected);
        }
        double[] ours = logits(model);
        try (MergedWeights merged = MergedWeights.of(loaded)) {
            assertThat(merged).isNotNull();
            Bounds.assertClose(logits(model), ours, backend);
        }
        PeftFormat.save(loaded, folder.resolve("again"), "phi", Map.of());
        assertThat(folder.resolve("again/adapter_model.safetensors")).hasSameBinaryContentAs(folder.resolve("adapter_model.safetensors"));
    }

    /** PEFT has no parts: it reads the file as one update of rank 2r of the whole map. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void withoutTheMetadataItIsAnUpdateOfTheWholeMap(boolean dora) throws IOException {
        LanguageModel model = model();
        LoraAdapter adapter = SomeAdapters.random(model, LoraConfig.of(3, 6).withParts("q", "v").withDora(dora), "parts");
        PeftFormat.save(adapter, folder, "phi", Map.of());
        double[] expected = logits(model);
        adapter.detach();
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        Path tensors = folder.resolve("adapter_model.safetensors");
        try (Safetensors file = Safetensors.open(tensors)) {
            assertThat(file.metadata()).containsEntry("lora4j.parts", "q,v");
            assertThat(file.shape("base_model.model." + QKV + ".lora_B.weight")).isEqualTo(Shape.of(32, 6));
            file.names().forEach(name -> writer.add(name, DType.F32, file.shape(name), file.doubles(name)));
        }
        writer.write(tensors);
        LoraAdapter whole = PeftFormat.load(model, folder);
        assertThat(whole.projections().get(QKV).updates()).hasSize(1);
        double size = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertThat(logits(model)).usingComparatorWithPrecision(1e-5 * size).containsExactly(expected);
    }

    /** loralib's parts are equal, so it gets one Linear of rank 2r. */
    @Test
    void loralibGetsTheWholeMap() {
        LanguageModel model = model();
        LoraAdapter adapter = SomeAdapters.random(model, LoraConfig.of(3, 6).withParts("q", "v", "gate"), "parts");
        PeftFormat.save(adapter, folder, "phi", Map.of());
        adapter.detach();
        StoredAdapter stored = AdapterFiles.read(folder, LoralibFormat.Options.alpha(1));
        List<String> remarks = new ArrayList<>();
        double alpha = LoralibFormat.write(stored, folder.resolve("lora.pt"), remarks);
        StoredAdapter again = AdapterFiles.read(folder.resolve("lora.pt"), LoralibFormat.Options.alpha(alpha));
        LoraAdapter first = PeftFormat.load(model, folder);
        double[] expected = delta(first.projections().get(QKV));
        first.detach();
        LoraAdapter second = PeftFormat.load(model, folder, again.config(), again.source(), remark -> { });
        assertThat(second.projections().get(QKV).updates()).hasSize(1);
        assertThat(delta(second.projections().get(QKV))).usingComparatorWithPrecision(1e-6).containsExactly(expected);
    }

    private double[] delta(LoraProjection lora) {
        Tensor delta = backend.allocate(Shape.of(lora.outFeatures(), lora.inFeatures()));
        lora.addDeltaWeight(backend, delta);
        return backend.readDoubles(delta);
    }

    /** The nearest update of rank 10 has only 8 ranks in v, which is 8 wide: zeros fill it up. */
    @Test
    void aSumOfPartsIsOneOfTheSameParts() {
        AdapterSet set = new AdapterSet(model());
        set.load("one", base -> SomeAdapters.random(base, LoraConfig.of(7, 3).withParts("q", "v"), "one"));
        set.load("two", base -> SomeAdapters.random(base, LoraConfig.of(7, 2).withParts("q", "v"), "two"));
        LoraProjection exact = set.combine("cat", Map.of("one", 1.0, "two", 0.5)).projections().get(QKV);
        LoraProjection near = set.combine("svd", Map.of("one", 1.0, "two", 0.5), Combination.SVD, 10).projections().get(QKV);
        assertThat(List.of(exact.rank(), near.rank())).containsExactly(14, 10);
        double[] expected = delta(exact);
        double[] actual = delta(near);
        int v = 24 * 16;
        assertThat(Arrays.copyOfRange(actual, v, actual.length)).as("v, exactly").usingComparatorWithPrecision(1e-12)
                .containsExactly(Arrays.copyOfRange(expected, v, expected.length));
        assertThat(Arrays.copyOfRange(actual, 16 * 16, v)).as("k").containsOnly(0);
        assertThat(Arrays.equals(actual, 0, 16 * 16, expected, 0, 16 * 16)).as("q, of rank 14").isFalse();
    }

    @Test
    void pissaTakesThePrincipalPartsOfEach() {
        LanguageModel model = model();
        double[] before = logits(model);
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(3, 6).withParts("q", "v").withPissa(0), 1);
        assertNear(logits(model), before);
        train(model, adapter, 2);
        double[] expected = logits(model);
        PeftFormat.save(adapter, folder, "phi", Map.of());
        adapter.detach();
        PeftFormat.load(model, folder);
        double size = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertThat(logits(model)).usingComparatorWithPrecision(1e-5 * size).containsExactly(expected);
    }

    /** Without the base's configuration nobody knows how wide q is. */
    @Test
    void analyseShowsThePartsWhereTheBaseSaysHowWideTheyAre() throws IOException {
        LoraAdapter adapter = SomeAdapters.random(model(), LoraConfig.of(3, 6).withParts("q", "v", "up"), "parts");
        PeftFormat.save(adapter, folder.resolve("adapter"), "phi", Map.of());
        JsonNode known = analyse("--model", BASE.toString());
        List<String> shown = new ArrayList<>();
        known.get("maps").forEach(map -> shown.add(map.get("part").asText() + " " + map.at("/updates/0/r").asInt()));
        assertThat(shown).startsWith("null 3", "up 3", "null 6", "q 3", "v 3").hasSize(10);
        assertThat(known.get("remarks")).isEmpty();
        JsonNode unknown = analyse();
        assertThat(unknown.get("maps")).hasSize(6);
        assertThat(unknown.get("remarks")).singleElement().asString().contains("how wide the parts q, k, v of");
    }

    private JsonNode analyse(String... more) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        List<String> args = new ArrayList<>(List.of("analyse", folder.resolve("adapter").toString(), "--json", "--out",
                folder.resolve("page.html").toString()));
        args.addAll(List.of(more));
        int code = Main.run(new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8),
                args.toArray(String[]::new));
        assertThat(code).as(err.toString(StandardCharsets.UTF_8)).isZero();
        return new ObjectMapper().readTree(out.toByteArray());
    }

    @Test
    void thePartsOfAnotherModelsWidthsAreRefused() throws IOException {
        LanguageModel model = model();
        LoraAdapter adapter = SomeAdapters.random(model, LoraConfig.of(3, 6).withParts("q", "v"), "parts");
        PeftFormat.save(adapter, folder, "phi", Map.of());
        adapter.detach();
        ObjectMapper json = new ObjectMapper();
        ObjectNode config = (ObjectNode) json.readTree(BASE.resolve("config.json").toFile());
        // 32 outputs too: six heads of 4 and one key head
        config.put("num_attention_heads", 6).put("num_key_value_heads", 1).put("head_dim", 4);
        Path file = folder.resolve("config.json");
        json.writeValue(file.toFile(), config);
        LanguageModel other = Families.random(Families.of(folder).config(file), backend, 1, WeightType.FLOAT32);
        assertThat(other.projections().getFirst().parts()).extracting(FusedPart::width).containsExactly(24, 4, 4);
        assertThatThrownBy(() -> PeftFormat.load(other, folder)).isInstanceOf(LoraException.class)
                .hasMessageContaining("is not zero outside the blocks of q,v");
    }
}
