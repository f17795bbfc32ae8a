package org.lora4j.classifiers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.CountingBackend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.ModelConfig;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.fixture.SmallClassifiers;
import org.lora4j.nn.Distances;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** What DeBERTa has and other encoders do not. */
class DebertaTest {

    private static final Labels LABELS = Labels.of(List.of("no", "yes"));

    @TempDir
    private Path folder;

    private final Backend backend = Backends.create("reference");

    /** What Transformers 5.18 gives. */
    @Test
    void distancesFarAwayShareBuckets() {
        int[] distances = {0, 1, -1, 127, 128, 129, 130, -130, 150, 200, 255, 256, 300, -400, 511, 600};
        int[] buckets = {0, 1, -1, 127, 128, 129, 130, -130, 143, 169, 192, 192, 207, -233, 255, 255};
        Distances v3 = Distances.logarithmic(256, 512);
        assertThat(v3.rows()).isEqualTo(512);
        assertThat(Arrays.stream(distances).map(v3::row).toArray()).isEqualTo(Arrays.stream(buckets).map(b -> b + 256).toArray());
        Distances small = Distances.logarithmic(8, 24);
        int[] few = {0, 1, 2, 3, 4, 5, 6, 7, 8, -9, 10, 11, 23, 24, 44};
        int[] ofFew = {0, 1, 2, 3, 4, 5, 5, 5, 6, -6, 6, 6, 7, 7, 7}; // 8 and 9 have no row
        assertThat(Arrays.stream(few).map(small::row).toArray()).isEqualTo(Arrays.stream(ofFew).map(b -> b + 8).toArray());
        Distances plain = Distances.plain(3);
        assertThat(new int[] {plain.row(-4), plain.row(-3), plain.row(0), plain.row(2), plain.row(3)}).containsExactly(0, 0, 3, 5, 5);
    }

    /** Table 2 of the paper: LoRA on XXL has 4.7 M, r = 16 on queries and values. */
    @Test
    void xxlAndItsLora() {
        ModelConfig xxl = Families.shape("deberta-v2-xxlarge");
        assertThat(xxl.parameterCount()).isEqualTo(1_564_549_632L);
        SequenceClassifier model = Families.of(xxl.names()).emptyClassifier(xxl, LABELS, new CountingBackend());
        assertThat(model.parameterCount()).isEqualTo(xxl.parameterCount() + 1536 * 1537 + 2 * 1537);
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(16, 32).withParts("q", "v"), 1);
        long updates = adapter.projections().values().stream()
                .mapToLong(update -> update.loraA().size() + update.loraB().size()).sum();
        assertThat(updates).isEqualTo(4_718_592);
    }

    @Test
    void v3BaseHasTheSizesOfTheHub() {
        assertThat(Families.shape("deberta-v3-base").parameterCount()).isEqualTo(183_831_552L);
    }

    /** As bench trains one: with the dropout that it is given, and not that of a configuration without files. */
    @Test
    void oneThatIsMadeOfItsSizesDrops() {
        ModelConfig config = Families.config(SmallClassifiers.write("deberta-v2", LABELS, folder));
        double[] losses = new double[2];
        for (int i = 0; i < 2; i++) {
            SequenceClassifier model = Families.of(config.names()).randomClassifier(
                    config, LABELS, backend, 1, WeightType.FLOAT32, i == 0 ? BaseDropout.NONE : BaseDropout.everywhere(0.3));
            LabelledBatch batch = SmallClassifiers.batch(model);
            losses[i] = model.loss(batch, 0, Workspace.forTraining(backend, 21, 1));
        }
        assertThat(losses[1]).isNotEqualTo(losses[0]);
    }

    private Path config(String from, String to) throws IOException {
        Path file = folder.resolve("config.json");
        String text = "{" + SmallClassifiers.config("deberta-v2") + "}";
        assertThat(text).contains(from);
        Files.writeString(file, text.replace(from, to));
        return folder;
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', value = {
        "\"conv_kernel_size\": 3; \"conv_kernel_size\": 4; conv_kernel_size is 4",
        "\"p2c|c2p\"; \"p2c|p2p\"; pos_att_type has 'p2p'",
        "\"layer_norm\"; \"rms\"; norm_rel_ebd is 'rms'",
        "\"position_buckets\": 4; \"position_buckets\": 1; position_buckets is 1",
        "\"vocab_size\": 13; \"vocab_size\": 13, \"attention_head_size\": 3; attention_head_size is 3, expected 4",
        "\"vocab_size\": 13; \"vocab_size\": 13, \"pooler_hidden_size\": 4; pooler_hidden_size is 4, expected 8",
        "\"deberta-v2\"; \"deberta\"; model_type is 'deberta', expected one of",
        "\"hidden_size\": 8; \"hidden_size\": 9; 2 heads do not divide a width of 9"})
    void whatCannotBeComputedIsRefusedByName(String from, String to, String message) throws IOException {
        Path model = config(from, to);
        assertThatThrownBy(() -> Families.config(model)).isInstanceOf(LoraException.class).hasMessageContaining(message);
    }

    private SequenceClassifier small(String from, String to, String name) throws IOException {
        SequenceClassifier model = Families.randomClassifier(
                Families.config(config(from, to)), LABELS, backend, 1, WeightType.FLOAT32);
        SmallClassifiers.randomise(backend, model.parameters());
        Families.write(model, folder.resolve(name));
        return model;
    }

    private double[] scores(SequenceClassifier model, Batch batch) {
        return backend.readDoubles(model.scores(new LabelledBatch(batch, null), Workspace.forInference(backend, 64)));
    }

    @Test
    void aTextMayBeLongerThanTheTableWherePositionsAreNotAdded() throws IOException {
        int[] ids = new int[12];
        Arrays.fill(ids, 5);
        Batch batch = new Batch(1, 12, ids, null, null);
        SequenceClassifier free = small("\"max_position_embeddings\": 9", "\"max_position_embeddings\": 9", "free");
        assertThat(scores(free, batch)).doesNotContain(Double.NaN);
        SequenceClassifier bound = small("\"position_biased_input\": false", "\"position_biased_input\": true", "bound");
        assertThatThrownBy(() -> scores(bound, batch)).isInstanceOf(LoraException.class)
                .hasMessageContaining("a sequence of 12 tokens is longer than the model's position table of 9");
    }

    /** The hub's files have them, since the masks' head was pretrained with positions. */
    @Test
    void positionsThatAreNotAddedAreLeftOut() throws IOException {
        SequenceClassifier with = small("\"position_biased_input\": false", "\"position_biased_input\": true", "model");
        Path config = folder.resolve("model/config.json");
        Files.writeString(config, Files.readString(config).replaceAll("\"position_biased_input\" : true", "\"position_biased_input\" : false"));
        List<String> remarks = new ArrayList<>();
        SequenceClassifier without = Families.classifier(folder.resolve("model"), backend, ClassifierHead.asStored(),
                BaseDropout.NONE, WeightType.FLOAT32, remarks::add);
        assertThat(remarks).isEmpty();
        assertThat(without.parameters().stream().map(Parameter::name)).doesNotContain("deberta.embeddings.position_embeddings.weight");
        assertThat(without.parameters()).hasSize(with.parameters().size() - 1);
    }

    @Test
    void tokenTypesAreIgnoredByAModelWithoutThem() throws IOException {
        SequenceClassifier model = small("\"vocab_size\": 13", "\"vocab_size\": 13", "model");
        int[] ids = {4, 5, 6, 7};
        Batch plain = new Batch(1, 4, ids, null, null);
        assertThat(scores(model, new Batch(1, 4, ids, null, new int[] {0, 0, 1, 1}, null))).isEqualTo(scores(model, plain));
    }

    /** Padding on the right is seen by nobody, in a convolution neither. */
    @Test
    void paddingOnTheRightChangesNothing() throws IOException {
        SequenceClassifier model = small("\"vocab_size\": 13", "\"vocab_size\": 13", "model");
        double[] alone = scores(model, new Batch(1, 4, new int[] {4, 5, 6, 7}, null, null));
        double[] padded = scores(model, new Batch(2, 6, new int[] {4, 5, 6, 7, 0, 0, 8, 9, 8, 9, 8, 9},
                new int[] {1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1}, null));
        for (int i = 0; i < alone.length; i++) {
            assertThat(padded[i]).isCloseTo(alone[i], within(1e-12));
        }
    }

    @Test
    void severalAdaptersInOneBatchAreRefused() throws IOException {
        SequenceClassifier model = small("\"vocab_size\": 13", "\"vocab_size\": 13", "model");
        AdapterSet set = new AdapterSet(model);
        Workspace ws = Workspace.forInference(backend, 64);
        set.mix(List.of(AdapterSet.BASE, AdapterSet.BASE)).applyTo(ws);
        Batch batch = new Batch(2, 4, new int[] {4, 5, 6, 7, 7, 6, 5, 4}, null, null);
        assertThatThrownBy(() -> model.scores(new LabelledBatch(batch, null), ws)).isInstanceOf(LoraException.class)
                .hasMessageContaining("Give the sequences of each adapter a batch of their own");
    }
}
