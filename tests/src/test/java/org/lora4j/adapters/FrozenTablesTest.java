package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Names;
import org.lora4j.io.DType;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.io.TensorFiles;
import org.lora4j.io.TensorSource;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.select.TargetSelector;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** Adapters whose file brings frozen weights of the base along, or lacks what its configuration promises, as PEFT's may. */
class FrozenTablesTest {

    private static final String WTE = "base_model.model.transformer.wte.weight";
    private static final String HEAD = "base_model.model.lm_head.weight";
    private static final LoraConfig Q_AND_V = LoraConfig.of(2, 4).withParts("q", "v");
    private static final LoraConfig ON_HEAD = LoraConfig.of(2, 4).withTargets(TargetSelector.byNames(List.of("lm_head")));

    @TempDir
    Path folder;

    private final Backend backend = Backends.create("reference");
    private final Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);
    private final List<String> remarks = new ArrayList<>();

    @Test
    void aTableOfAResizedVocabularyTakesThePlaceOfBothViews() {
        double[] base = logits(model);
        save(Q_AND_V);
        double[] table = table();
        for (int i = 9 * 8; i < table.length; i++) { // two rows that were added and never trained
            table[i] = 0.5f - 0.01f * i;
        }
        edit(tensors -> {
            tensors.put(WTE, tensor(WTE, table));
            tensors.put(HEAD, tensor(HEAD, table));
        });
        LoraAdapter adapter = PeftFormat.load(model, folder, remarks::add);
        double[] found = logits(model);
        adapter.detach();
        assertThat(logits(model)).isEqualTo(base);
        assertThat(remarks).singleElement().asString().contains("brings lm_head along, with 2 of 11 rows other than the base's");

        Gpt2 resized = SmallGpt2.of(SmallGpt2.TIED, backend);
        backend.upload(table, ((Embedding) resized.embeddings().getFirst().get()).table().value());
        edit(tensors -> tensors.keySet().removeAll(List.of(WTE, HEAD)));
        PeftFormat.load(resized, folder);
        assertThat(found).isEqualTo(logits(resized)).isNotEqualTo(base);
    }

    @Test
    void aSetSwitchesTheTableToo() throws Exception {
        double[] base = logits(model);
        save(Q_AND_V);
        double[] table = Arrays.stream(table()).map(value -> 2 * value).toArray();
        edit(tensors -> tensors.put(HEAD, tensor(HEAD, table)));
        LoraAdapter alone = PeftFormat.load(model, folder, remarks::add);
        double[] expected = logits(model);
        assertThat(remarks).singleElement().asString().contains("11 of 11 rows").contains("Was it made for another base?");
        PeftFormat.save(alone, folder.resolve("again"), "base", Map.of());
        alone.detach();
        try (AdapterSet set = new AdapterSet(model)) {
            set.load("a", m -> PeftFormat.load(m, folder));
            assertThat(logits(model)).isEqualTo(base);
            set.switchTo("a");
            assertThat(logits(model)).isEqualTo(expected);
            assertThat(set.canShareBatch("a")).isFalse();
            assertThatThrownBy(() -> set.combine("sum", Map.of("a", 1.0))).isInstanceOf(LoraException.class)
                    .hasMessageContaining("has tables of its own, lm_head.weight");
            set.switchTo(AdapterSet.BASE);
            assertThat(logits(model)).isEqualTo(base);
        }
        PeftFormat.load(model, folder.resolve("again"));
        assertThat(logits(model)).isEqualTo(expected);
    }

    @Test
    void anotherVocabularyIsAnErrorThatSaysTheSizes() {
        save(Q_AND_V);
        edit(tensors -> tensors.put(WTE, NamedTensor.of(WTE, DType.F32, Shape.of(13, 8), new double[13 * 8])));
        assertThatThrownBy(() -> PeftFormat.load(model, folder)).isInstanceOf(LoraException.class)
                .hasMessageContaining(WTE + " has shape (13, 8), expected (11, 8)")
                .hasMessageContaining("a vocabulary of 13 tokens, this one's has 11")
                .hasMessageContaining("resize_token_embeddings(13)");
    }

    /** PEFT stores the frozen weight of an adapted head, as floats or in the 16 bits in which it trained. */
    @ParameterizedTest
    @EnumSource
    void aCopyOfTheBasesHeadFitsABaseInAnyType(WeightType type) {
        save(ON_HEAD);
        String key = "base_model.model.lm_head.base_layer.weight";
        edit(tensors -> tensors.put(key, tensor(key, table())));
        Backend cpu = Backends.create("cpu");
        Gpt2 small = held(cpu, type);
        LoraAdapter adapter = PeftFormat.load(small, folder, remarks::add);
        double[] expected = logits(small);
        assertThat(remarks).isEmpty();
        adapter.detach();

        edit(tensors -> tensors.put(key, tensor(key, table()).as(DType.BF16)));
        PeftFormat.load(small, folder, remarks::add);
        // bfloat16 has 8 bits, and int8 about 7 of each row's largest: both are far below a logit
        double[] rounded = logits(small);
        for (int i = 0; i < expected.length; i++) {
            assertThat(Math.abs(rounded[i] - expected[i])).isLessThan(0.1);
        }
        if (type.ofTables() == WeightType.BF16) {
            assertThat(rounded).isEqualTo(expected); // rounding twice is rounding once
        } else {
            assertThat(remarks).singleElement().asString().contains("copy of lm_head is the base's, rounded to BF16");
        }
    }

    @Test
    void biasesThatNoFileHoldsAreTheBases() {
        double[] expected = save(Q_AND_V);
        PeftConfig.read(folder).with("bias", "lora_only").write(folder.resolve(PeftConfig.FILE_NAME));
        PeftFormat.load(model, folder, remarks::add);
        assertThat(remarks).singleElement().asString().contains("bias lora_only, and its file holds no bias")
                .contains("the base's biases are used, as PEFT does");
        assertThat(logits(model)).isEqualTo(expected);
    }

    @Test
    void someOfTheBiasesAreADamagedFile() {
        save(Q_AND_V.withBias(BiasMode.ALL));
        edit(tensors -> tensors.remove("base_model.model.transformer.h.1.ln_1.bias"));
        assertThatThrownBy(() -> PeftFormat.load(model, folder)).isInstanceOf(LoraException.class)
                .hasMessageContaining("has no tensor base_model.model.transformer.h.1.ln_1.bias");
    }

    @Test
    void valuesThatAreNotFiniteAreARemark() {
        save(Q_AND_V);
        String key = "base_model.model.transformer.h.1.attn.c_attn.lora_A.weight";
        edit(tensors -> {
            double[] values = tensors.get(key).doubles();
            values[3] = Double.NaN;
            tensors.put(key, NamedTensor.of(key, DType.F32, tensors.get(key).shape(), values));
        });
        PeftFormat.load(model, folder, remarks::add);
        assertThat(remarks).singleElement().asString().contains("holds NaN or infinite values, in " + key);
    }

    // ------------------------------------------------------------------------------------------------ helpers

    /** Writes an adapter of random numbers and takes it out again; returns its logits. */
    private double[] save(LoraConfig config) {
        LoraAdapter adapter = LoraAdapter.attach(model, config, 1);
        SmallGpt2.randomise(backend, adapter.trainable());
        double[] logits = logits(model);
        PeftFormat.save(adapter, folder, "base", Map.of());
        adapter.detach();
        return logits;
    }

    private void edit(Consumer<Map<String, NamedTensor>> change) {
        Map<String, NamedTensor> tensors = new LinkedHashMap<>();
        Map<String, String> metadata;
        try (TensorSource source = TensorFiles.open(folder, TensorFiles.ADAPTER)) {
            source.names().forEach(name -> tensors.put(name, NamedTensor.copyOf(source, name)));
            metadata = Map.copyOf(source.metadata());
        }
        change.accept(tensors);
        SafetensorsWriter writer = new SafetensorsWriter();
        metadata.forEach(writer::metadata);
        tensors.values().forEach(writer::add);
        writer.write(folder.resolve("adapter_model.safetensors"));
        assertThat(Files.exists(folder.resolve("adapter_config.json"))).isTrue();
    }

    private double[] table() {
        return backend.readDoubles(((Embedding) model.embeddings().getFirst().get()).table().value());
    }

    private static NamedTensor tensor(String name, double[] table) {
        return NamedTensor.of(name, DType.F32, Shape.of(11, 8), table);
    }

    /** The same model on another backend, its matrices held in a smaller type. */
    private Gpt2 held(Backend other, WeightType type) {
        Map<String, Parameter> parameters = new LinkedHashMap<>();
        model.parameters().forEach(parameter -> parameters.put(parameter.name(), parameter));
        return new Gpt2(SmallGpt2.TIED, other, name -> {
            Parameter parameter = parameters.get(name);
            WeightType matrix = name.equals(new Gpt2Names().tokenTable()) ? type.ofTables() : type;
            Tensor value = other.allocateWeight(parameter.shape(), new Gpt2Names().isMatrix(name) ? matrix : WeightType.FLOAT32);
            float[] values = backend.readFloats(parameter.value());
            other.upload(values, 0, value, 0, values.length);
            return new Parameter(name, other, value);
        }, 0);
    }

    private static double[] logits(Gpt2 model) {
        Batch batch = new Batch(1, 6, new int[] {3, 10, 4, 1, 5, 9}, null, null, null);
        return model.backend().readDoubles(model.logits(batch, Workspace.forInference(model.backend(), 6)));
    }
}
