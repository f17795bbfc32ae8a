package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;
import org.lora4j.analysis.UpdateSpectrum;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.torch.TorchResources;
import org.lora4j.io.torch.TorchWriter;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.lora.BiasMode;

class LoralibFormatTest {

    @TempDir
    Path folder;

    @Test
    void theAuthorsOwnAdapterHasTheNormsAndSingularValuesThatNumpyFound() {
        StoredAdapter adapter = LoralibFormat.toPeft(
                LoralibFormat.read(TorchResources.copy("roberta_base_lora_mnli.bin", folder)),
                LoralibFormat.Options.alpha(16));
        Map<String, StoredUpdate> updates = adapter.updates().stream()
                .collect(Collectors.toMap(StoredUpdate::module, update -> update));
        List<String> golden = new String(TorchResources.resource("roberta_base_lora_mnli.csv"), StandardCharsets.UTF_8)
                .lines().skip(1).toList();

        assertThat(updates).hasSize(24).hasSameSizeAs(golden);
        for (String line : golden) {
            String[] cells = line.split(",");
            double[] expected = Arrays.stream(cells).skip(2).mapToDouble(Double::parseDouble).toArray();
            StoredUpdate update =
                    updates.get("roberta.encoder.layer." + cells[0] + ".attention.self." + cells[1]);
            UpdateSpectrum found = UpdateSpectrum.of(update.a().doubles(), update.b().doubles(), update.rank(),
                    adapter.scaling(update));

            assertThat(update.rank()).isEqualTo(8);
            // the file has six decimals, computed in float32 or better: 5e-7 of rounding and 2^-20 relative
            assertThat(found.normA()).isCloseTo(expected[0], within(1e-6 + expected[0] * 0x1p-20));
            assertThat(found.normB()).isCloseTo(expected[1], within(1e-6 + expected[1] * 0x1p-20));
            assertThat(found.normDelta()).isCloseTo(expected[2], within(1e-6 + expected[2] * 0x1p-20));
            for (int i = 0; i < 8; i++) {
                assertThat(found.singularValues()[i]).isCloseTo(expected[3 + i], within(1e-6 + expected[3] * 0x1p-20));
            }
        }
    }

    @Test
    void theAuthorsClassifierIsAModuleTrainedAsAWhole() {
        StoredAdapter adapter = LoralibFormat.toPeft(
                LoralibFormat.read(TorchResources.copy("roberta_base_lora_mnli.bin", folder)),
                LoralibFormat.Options.alpha(16));

        assertThat(adapter.config().modulesToSave()).containsExactly("classifier");
        assertThat(adapter.config().taskType()).contains("SEQ_CLS");
        assertThat(adapter.others()).extracting(NamedTensor::name).containsExactlyInAnyOrder(
                "base_model.model.classifier.dense.weight", "base_model.model.classifier.dense.bias",
                "base_model.model.classifier.out_proj.weight", "base_model.model.classifier.out_proj.bias");
    }

    /** PEFT has a trained bias of an adapted map in base_layer, and passes over any other name. */
    @Test
    void biasesOfAdaptedMapsHaveTheNamesThatPeftReads() {
        StoredAdapter adapter = fromLoralib("transformer.h.0.attn.c_proj.lora_A", Shape.of(2, 6),
                "transformer.h.0.attn.c_proj.lora_B", Shape.of(4, 2), "transformer.h.0.attn.c_proj.bias", Shape.of(4));
        assertThat(adapter.config().bias()).isEqualTo(BiasMode.LORA_ONLY);
        assertThat(adapter.config().modulesToSave()).isEmpty();
        assertThat(adapter.tensors()).extracting(NamedTensor::name)
                .contains("base_model.model.transformer.h.0.attn.c_proj.base_layer.bias");
    }

    @Test
    void whereOnlyTheHeadIsAdaptedTheModelIsNoModuleTrainedAsAWhole() {
        StoredAdapter adapter = fromLoralib("lm_head.lora_A", Shape.of(2, 6), "lm_head.lora_B", Shape.of(9, 2),
                "transformer.h.0.ln_1.bias", Shape.of(6), "transformer.h.0.attn.c_attn.bias", Shape.of(18));
        assertThat(adapter.config().bias()).isEqualTo(BiasMode.ALL);
        assertThat(adapter.config().modulesToSave()).isEmpty();

        StoredAdapter saved = fromLoralib("lm_head.lora_A", Shape.of(2, 6), "lm_head.lora_B", Shape.of(9, 2),
                "transformer.ln_f.weight", Shape.of(6), "transformer.ln_f.bias", Shape.of(6));
        assertThat(saved.config().modulesToSave()).containsExactly("transformer.ln_f");
        assertThat(saved.config().bias()).isEqualTo(BiasMode.NONE);
    }

    /** Of the families that are known and of those that are not: GPT-2 with what wraps it and alone, RoBERTa, Llama, GPT-NeoX. */
    @ParameterizedTest
    @CsvSource({"transformer.wte, true", "wpe, true", "lm.transformer.wte, true",
        "roberta.embeddings.word_embeddings, true", "model.embed_tokens, true", "gpt_neox.embed_in, true",
        "embed_out, false", "lm_head, false", "vision.patch_embed.proj, false", "model.layers.0.self_attn.q_proj, false"})
    void whatIsAnEmbeddingIsSeenByTheName(String module, boolean embedding) {
        StoredAdapter adapter = fromLoralib(module + ".lora_A", Shape.of(2, 6), module + ".lora_B", Shape.of(9, 2));
        assertThat(adapter.updates()).singleElement().matches(update -> update.embedding() == embedding);
    }

    @ParameterizedTest
    @CsvSource({"transformer.h.0.attn.c_attn, true, CAUSAL_LM", "h.0.mlp.c_proj, true, CAUSAL_LM",
        "roberta.encoder.layer.0.attention.self.query, false,", "model.layers.0.self_attn.q_proj, false, CAUSAL_LM",
        "gpt_neox.layers.0.attention.dense, false,"})
    void howTheBasesWeightsLieIsTheFamilysToSay(String module, boolean turned, String task) {
        StoredAdapter adapter = fromLoralib(module + ".lora_A", Shape.of(2, 6), module + ".lora_B", Shape.of(9, 2));
        assertThat(adapter.config().field("fan_in_fan_out").booleanValue()).isEqualTo(turned);
        assertThat(adapter.config().taskType()).isEqualTo(Optional.ofNullable(task));
    }

    @Test
    void namesLoseWhatWrappersPutIntoThem() {
        StoredAdapter adapter = fromLoralib("module._orig_mod.h.0.attn.c_proj.lora_A", Shape.of(2, 6),
                "_orig_mod.h.0.attn.c_proj.lora_B", Shape.of(4, 2), "module.h.0._orig_mod.ln_1.bias", Shape.of(6));
        assertThat(adapter.tensors()).extracting(NamedTensor::name).containsExactly(
                "base_model.model.h.0.attn.c_proj.lora_A.weight", "base_model.model.h.0.attn.c_proj.lora_B.weight",
                "base_model.model.h.0.ln_1.bias");
    }

    @Test
    void twoNamesOfOneTensorAreAnErrorOfOneLine() {
        assertThatThrownBy(() -> fromLoralib("h.0.attn.c_proj.lora_A", Shape.of(2, 6), "h.0.attn.c_proj.lora_B", Shape.of(4, 2),
                "h.0.attn.c_proj.lora_A.weight", Shape.of(2, 6))).isInstanceOf(FormatException.class)
                .hasMessageContaining("tensor 'base_model.model.h.0.attn.c_proj.lora_A.weight' is there twice");
        assertThatThrownBy(() -> fromLoralib("h.0.attn.c_proj.lora_A", Shape.of(2, 6), "h.0.attn.c_proj.lora_B", Shape.of(4, 2),
                "module.h.0.attn.c_proj.lora_A", Shape.of(2, 6))).isInstanceOf(FormatException.class)
                .hasMessageContaining("twice");
        StoredAdapter both = new StoredAdapter(Path.of("both"), PeftConfig.create(2, 4), List.of(
                tensor("base_model.model.h.lora_A.weight", Shape.of(2, 6)), tensor("base_model.model.h.lora_B.weight", Shape.of(4, 2)),
                tensor("base_model.model.h.bias", Shape.of(4)), tensor("base_model.model.h.base_layer.bias", Shape.of(4))),
                Map.of());
        PeftConfig targeted = both.config().with("target_modules", List.of("h"));
        StoredAdapter adapter = new StoredAdapter(both.path(), targeted, both.tensors(), Map.of());
        assertThatThrownBy(() -> LoralibFormat.write(adapter, folder.resolve("both.pt"), new ArrayList<>()))
                .isInstanceOf(FormatException.class).hasMessageContaining("'h.bias' is there twice");
    }

    private StoredAdapter fromLoralib(Object... namesAndShapes) {
        TorchWriter writer = new TorchWriter("adapter");
        for (int i = 0; i < namesAndShapes.length; i += 2) {
            writer.add(tensor((String) namesAndShapes[i], (Shape) namesAndShapes[i + 1]));
        }
        Path file = folder.resolve("adapter.pt");
        writer.write(file);
        return LoralibFormat.toPeft(LoralibFormat.read(file), LoralibFormat.Options.alpha(4));
    }

    private static NamedTensor tensor(String name, Shape shape) {
        double[] values = new double[(int) shape.size()];
        Arrays.setAll(values, i -> i - 2.5);
        return NamedTensor.of(name, DType.F32, shape, values);
    }

    @Test
    void withoutAlphaTheErrorSaysWhatTheFileDoesNotSay() {
        Path file = TorchResources.copy("roberta_base_lora_mnli.bin", folder);
        var options = new LoralibFormat.Options(OptionalDouble.empty(), List.of(), null);
        assertThatThrownBy(() -> LoralibFormat.toPeft(LoralibFormat.read(file), options)).isInstanceOf(LoraException.class)
                .hasMessageContainingAll("roberta_base_lora_mnli.bin", "but not alpha", "r = 8 follows from the shapes",
                        "`alpha` 16");
    }

    @Test
    void aMergedLinearOfQAndVBecomesOneUpdateOfTwiceTheRankAndAlpha() {
        int width = 6;
        int rank = 4;
        NamedTensor a = random("transformer.h.0.attn.c_attn.lora_A", 2 * rank, width);
        NamedTensor b = random("transformer.h.0.attn.c_attn.lora_B", 2 * width, rank);
        Path file = write(a, b);
        StoredAdapter adapter = LoralibFormat.toPeft(LoralibFormat.read(file), LoralibFormat.Options.alpha(32));
        StoredUpdate update = adapter.updates().getFirst();

        assertThat(adapter.config().r()).isEqualTo(8);
        assertThat(adapter.config().alpha()).isEqualTo(64);
        assertThat(adapter.config().fanInFanOut()).isTrue();
        assertThat(adapter.metadata()).containsEntry(PeftFormat.PARTS, "q,v");
        assertThat(update.a().sameBits(a)).isTrue();
        assertThat(update.b().shape()).isEqualTo(Shape.of(3 * width, 2 * rank));
        // s·B·A is loralib's ΔW exactly: the zeros add nothing, and 64/8 is 32/4
        double[] dense = product(update.b().doubles(), update.a().doubles(), 2 * rank);
        double[] q = product(Arrays.copyOf(b.doubles(), width * rank), Arrays.copyOf(a.doubles(), rank * width), rank);
        double[] v = product(Arrays.copyOfRange(b.doubles(), width * rank, 2 * width * rank),
                Arrays.copyOfRange(a.doubles(), rank * width, 2 * rank * width), rank);
        assertThat(Arrays.copyOf(dense, width * width)).isEqualTo(q);
        assertThat(Arrays.copyOfRange(dense, width * width, 2 * width * width)).containsOnly(0);
        assertThat(Arrays.copyOfRange(dense, 2 * width * width, 3 * width * width)).isEqualTo(v);
        assertThat(adapter.scaling(update)).isEqualTo(8);
    }

    @Test
    void whatBecamePeftBecomesTheSameLoralibFileAgain() {
        NamedTensor[] tensors = {random("transformer.h.0.attn.c_attn.lora_A", 8, 6),
            random("transformer.h.0.attn.c_attn.lora_B", 12, 4), random("transformer.h.1.attn.c_attn.lora_A", 8, 6),
            random("transformer.h.1.attn.c_attn.lora_B", 12, 4), random("transformer.wte.lora_A", 4, 20),
            random("transformer.wte.lora_B", 6, 4)};
        Path file = write(tensors);
        StoredAdapter adapter = LoralibFormat.toPeft(LoralibFormat.read(file), LoralibFormat.Options.alpha(32));
        List<String> remarks = new ArrayList<>();
        Path again = folder.resolve("again/adapter.pt");
        double alpha = LoralibFormat.write(adapter, again, remarks);

        assertThat(alpha).isEqualTo(32);
        assertThat(remarks).isEmpty();
        assertThat(again).hasSameBinaryContentAs(file);
    }

    @Test
    void aSinglePartOfAFusedMapMustBeNamed() {
        Path file = write(random("transformer.h.0.attn.c_attn.lora_A", 4, 6),
                random("transformer.h.0.attn.c_attn.lora_B", 6, 4));
        assertThatThrownBy(() -> LoralibFormat.toPeft(LoralibFormat.read(file), LoralibFormat.Options.alpha(8)))
                .isInstanceOf(FormatException.class).hasMessageContainingAll("updates of 1 of the parts q, k and v", "`parts` q");

        StoredAdapter adapter = LoralibFormat.toPeft(LoralibFormat.read(file),
                new LoralibFormat.Options(OptionalDouble.of(8), List.of("k"), null));
        assertThat(adapter.updates().getFirst().b().shape()).isEqualTo(Shape.of(18, 4));
        assertThat(Arrays.copyOf(adapter.updates().getFirst().b().doubles(), 24)).containsOnly(0);
    }

    @Test
    void shapesThatDoNotGoTogetherAreRefused() {
        Path file = write(random("a.lora_A", 5, 6), random("a.lora_B", 12, 4));
        assertThatThrownBy(() -> LoralibFormat.read(file)).isInstanceOf(FormatException.class)
                .hasMessageContaining("'a' has lora_A (5, 6) and lora_B (12, 4)");
        Path lonely = write(random("a.lora_A", 4, 6), random("b.weight", 12, 4));
        assertThatThrownBy(() -> LoralibFormat.read(lonely)).hasMessageContaining("'a.lora_A' has no lora_B beside it");
        Path none = write(random("b.weight", 12, 4));
        assertThatThrownBy(() -> LoralibFormat.read(none)).hasMessageContaining("it is no loralib file");
    }

    @Test
    void namesOfAModelThatWasWrappedForSeveralDevicesLoseThePrefix() {
        Path file = write(random("module.transformer.h.0.attn.c_attn.lora_A", 8, 6),
                random("module.transformer.h.0.attn.c_attn.lora_B", 12, 4));
        assertThat(LoralibFormat.read(file).updates().getFirst().module()).isEqualTo("transformer.h.0.attn.c_attn");
    }

    private Path write(NamedTensor... tensors) {
        TorchWriter writer = new TorchWriter("adapter");
        Arrays.stream(tensors).forEach(writer::add);
        Path file = folder.resolve("adapter.pt");
        writer.write(file);
        return file;
    }

    private static NamedTensor random(String name, int rows, int columns) {
        double[] values = new Random(name.hashCode()).doubles((long) rows * columns, -1, 1).map(x -> (float) x).toArray();
        return NamedTensor.of(name, DType.F32, Shape.of(rows, columns), values);
    }

    /** (m, r)·(r, n), summed over r in order. */
    private static double[] product(double[] b, double[] a, int rank) {
        int m = b.length / rank;
        int n = a.length / rank;
        double[] c = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int k = 0; k < rank; k++) {
                for (int j = 0; j < n; j++) {
                    c[i * n + j] += b[i * rank + k] * a[k * n + j];
                }
            }
        }
        return c;
    }
}
