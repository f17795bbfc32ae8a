package org.lora4j.minilm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.io.Safetensors;
import org.lora4j.nn.Tap;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tokenizer.Encoding;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Truncation;

/**
 * MiniLM out of its artifact: what our BERT makes of sentences is what those who trained it print. Runs where the artifact is on
 * the class path, in the profile {@code minilm}.
 */
@EnabledIf("org.lora4j.minilm.MiniLm#isHere")
class MiniLmTest {

    private static final int WIDTH = 384;
    /** The first three are those of sentence-transformers' own example, which prints 0.6660, 0.1046 and 0.1411. */
    private static final List<String> SENTENCES = List.of("The weather is lovely today.", "It's so sunny outside!",
            "He drove to the stadium.", "A man is playing a guitar.", "Someone plays an instrument.",
            "The stock market fell sharply on Monday.");

    @TempDir
    static Path folder;

    @BeforeAll
    static void make() throws IOException {
        MiniLm.main(new String[] {folder.toString()});
    }

    /** Transformers in float64, from the same folder; reference computes in doubles too, cpu in floats. */
    @ParameterizedTest
    @CsvSource({"reference, 1e-12", "cpu, 2e-6"})
    void similaritiesOfSentencesAreThoseThatTheAuthorsPrint(String backendName, double bound) {
        try (Backend backend = Backends.create(backendName)) {
            double[][] vectors = embeddings(backend);
            assertThat(cosine(vectors[0], vectors[1])).isCloseTo(0.6659553441780003, within(bound));
            assertThat(cosine(vectors[0], vectors[2])).isCloseTo(0.10458400822835409, within(bound));
            assertThat(cosine(vectors[1], vectors[2])).isCloseTo(0.1411446233242339, within(bound));
            assertThat(cosine(vectors[0], vectors[1])).isCloseTo(0.6660, within(5e-5)); // as printed
            assertThat(cosine(vectors[3], vectors[4])).isGreaterThan(0.6); // a guitar, an instrument
            for (int other = 0; other < 5; other++) {
                assertThat(Math.abs(cosine(vectors[5], vectors[other]))).isLessThan(0.2); // and the stock market
            }
        }
    }

    @Test
    void theTokenizerGivesTheTokensOfItsOwnLibrary() {
        assertThat(tokenizer().encodePair(SENTENCES.get(1), null, Truncation.NONE).ids())
                .containsExactly(101, 2009, 1005, 1055, 2061, 11559, 2648, 999, 102);
        assertThat(tokenizer().encodePair(SENTENCES.get(0), SENTENCES.get(2), Truncation.NONE).typeIds())
                .containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1);
    }

    @Test
    void theFolderHoldsAWholeBertAndNothingElse() {
        try (Safetensors file = Safetensors.open(folder.resolve("model.safetensors"))) {
            assertThat(file.names()).hasSize(5 + 6 * 16 + 2);
            assertThat(file.shape("encoder.layer.5.intermediate.dense.weight")).isEqualTo(Shape.of(4 * WIDTH, WIDTH));
        }
        assertThat(Families.config(folder).parameterCount()).isEqualTo(22_713_216); // as the model card counts, with the pooler
    }

    private Tokenizer tokenizer() {
        return Families.tokenizer(folder);
    }

    /** The mean of the last block's features over the tokens of each sentence. */
    private double[][] embeddings(Backend backend) {
        SequenceClassifier model = Families.classifier(folder, backend, ClassifierHead.asStored());
        Batch batch = batch();
        Workspace ws = Workspace.forInference(backend, batch.inputIds().length);
        List<Tensor> last = new ArrayList<>();
        ws.watch(new Tap() {
            @Override
            public void value(String place, Tensor value) {
                if (place.equals("bert.encoder.layer.5.output.LayerNorm")) {
                    Tensor copy = backend.allocate(value.shape());
                    backend.copy(value.matrix(), copy.matrix());
                    last.add(copy);
                }
            }

            @Override
            public void gradient(String place, Tensor gradient) {
                throw new AssertionError("nothing is derived");
            }
        });
        model.scores(new LabelledBatch(batch, null), ws);
        double[] features = backend.readDoubles(last.getFirst());
        double[][] means = new double[batch.size()][WIDTH];
        for (int row = 0; row < batch.inputIds().length; row++) {
            for (int c = 0; c < WIDTH && batch.attentionMask()[row] == 1; c++) {
                means[row / batch.length()][c] += features[row * WIDTH + c]; // the length of a sum plays no part in a cosine
            }
        }
        return means;
    }

    private Batch batch() {
        List<Encoding> encoded = SENTENCES.stream().map(text -> tokenizer().encodePair(text, null, Truncation.NONE)).toList();
        int length = encoded.stream().mapToInt(Encoding::length).max().orElseThrow();
        int[] ids = new int[encoded.size() * length];
        int[] mask = new int[ids.length];
        for (int row = 0; row < encoded.size(); row++) {
            System.arraycopy(encoded.get(row).ids(), 0, ids, row * length, encoded.get(row).length());
            Arrays.fill(mask, row * length, row * length + encoded.get(row).length(), 1);
        }
        return new Batch(encoded.size(), length, ids, mask, null, null);
    }

    private static double cosine(double[] a, double[] b) {
        double product = 0;
        double lengthA = 0;
        double lengthB = 0;
        for (int i = 0; i < a.length; i++) {
            product += a[i] * b[i];
            lengthA += a[i] * a[i];
            lengthB += b[i] * b[i];
        }
        return product / Math.sqrt(lengthA * lengthB);
    }
}
