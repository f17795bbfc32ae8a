package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.fixture.ReferenceAndCpu;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.CausalSelfAttention;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.FeedForward;
import org.lora4j.nn.LayerNorm;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * A trained minGPT with every intermediate value of one forward pass in PyTorch's float32.
 *
 * <p>The steps of the first block are each fed PyTorch's own input, so that each is judged alone; then whole models of
 * one, two and three layers. An error is counted in units of u·max|expected|, u = 2⁻²⁴. PyTorch's values have rounding of
 * their own: {@code reference}, which has none, shows how much, and {@code cpu} may have as much again.
 */
class MinGptOracleTest extends ReferenceAndCpu {

    private static final Path FOLDER = Path.of("src/test/resources/oracles/gpt-nano-sort");
    private static final TensorsInJson MODEL = TensorsInJson.read(FOLDER.resolve("gpt-nano-sort-model.json"));
    private static final TensorsInJson EXPECTED = TensorsInJson.read(FOLDER.resolve("gpt-nano-sort-t0-partials.json"));

    private static final int BATCH = 3;
    private static final int LENGTH = 11;
    private static final int ROWS = BATCH * LENGTH;
    private static final int WIDTH = 48;
    private static final int HEADS = 3;
    private static final int HEAD_SIZE = 16;
    private static final int LAYERS = 3;
    private static final int LETTERS = 3;

    @ParameterizedTest
    @MethodSource("backends")
    void embeddings(Backend backend) {
        Workspace ws = Workspace.forInference(backend, ROWS);
        int[] places = new int[ROWS];
        Arrays.setAll(places, i -> i % LENGTH);
        Tensor x = zeros(backend, ROWS, WIDTH);
        new Embedding(parameter(backend, "transformer.wte.weight")).forward(ints(backend, ids()), x, 0, ws);
        assertClose(x, "tok_emb", 0, backend);
        new Embedding(parameter(backend, "transformer.wpe.weight")).forward(ints(backend, places), x, 1, ws);
        assertClose(x, "x", 1, backend);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void layerNorms(Backend backend) {
        assertClose(layerNorm(backend, "transformer.h.0.ln_1", "x"), "ln1", 4, backend);
        assertClose(layerNorm(backend, "transformer.h.0.ln_2", "attnResid"), "ln2", 4, backend);
        assertClose(layerNorm(backend, "transformer.ln_f", "block2"), "ln_f", 4, backend);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void queriesKeysAndValues(Backend backend) {
        Tensor qkv = linear(backend, "transformer.h.0.attn.c_attn", "ln1", 3 * WIDTH);
        assertClose(qkv, "qkv", 8, backend);
        List<String> names = List.of("q", "k", "v");
        for (int part = 0; part < 3; part++) {
            Tensor copy = zeros(backend, ROWS, WIDTH);
            backend.copy(qkv.columns(part * WIDTH, WIDTH), copy.matrix());
            double[] expected = headsSideBySide(EXPECTED.doubles(names.get(part)));
            assertClose(backend.readDoubles(copy), expected, names.get(part), 8, backend);
        }
    }

    /** Scores of positions that are to come are −∞ in PyTorch's, and here never made. */
    @ParameterizedTest
    @MethodSource("backends")
    void attentionScores(Backend backend) {
        Tensor q = tensor(backend, headsSideBySide(EXPECTED.doubles("q")), ROWS, WIDTH);
        Tensor k = tensor(backend, headsSideBySide(EXPECTED.doubles("k")), ROWS, WIDTH);
        Tensor scores = zeros(backend, BATCH * HEADS * LENGTH, LENGTH);
        for (int i = 0; i < BATCH * HEADS; i++) {
            int from = i / HEADS * LENGTH;
            int column = i % HEADS * HEAD_SIZE;
            backend.matmul(
                    q.rows(from, LENGTH).columns(column, HEAD_SIZE), k.rows(from, LENGTH).columns(column, HEAD_SIZE).t(),
                    scores.rows(i * LENGTH, LENGTH), 1 / Math.sqrt(HEAD_SIZE), 0);
        }
        double[] actual = backend.readDoubles(scores);
        double[] expected = EXPECTED.doubles("att");
        for (int i = 0; i < expected.length; i++) {
            boolean toCome = i % LENGTH > i / LENGTH % LENGTH;
            assertThat(expected[i] == Double.NEGATIVE_INFINITY).isEqualTo(toCome);
            actual[i] = toCome ? 0 : actual[i];
            expected[i] = toCome ? 0 : expected[i];
        }
        assertClose(actual, expected, "att", 4, backend);
    }

    /** With the unit vectors as values, what attention gives is its probabilities. */
    @ParameterizedTest
    @MethodSource("backends")
    void attentionProbabilities(Backend backend) {
        double[] unitVectors = new double[ROWS * WIDTH];
        for (int row = 0; row < ROWS; row++) {
            for (int head = 0; head < HEADS; head++) {
                unitVectors[row * WIDTH + head * HEAD_SIZE + row % LENGTH] = 1;
            }
        }
        Tensor y = attend(backend, tensor(backend, unitVectors, ROWS, WIDTH));
        double[] probabilities = new double[BATCH * HEADS * LENGTH * LENGTH];
        double[] values = backend.readDoubles(y);
        Arrays.setAll(probabilities, i -> {
            int key = i % LENGTH;
            int query = i / LENGTH % LENGTH;
            int head = i / (LENGTH * LENGTH) % HEADS;
            int b = i / (LENGTH * LENGTH * HEADS);
            return values[(b * LENGTH + query) * WIDTH + head * HEAD_SIZE + key];
        });
        assertClose(probabilities, EXPECTED.doubles("attSm"), "attSm", 4, backend);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void attention(Backend backend) {
        Tensor v = tensor(backend, headsSideBySide(EXPECTED.doubles("v")), ROWS, WIDTH);
        assertClose(attend(backend, v), "y", 4, backend);
        assertClose(linear(backend, "transformer.h.0.attn.c_proj", "y", WIDTH), "yProj", 8, backend);

        Tensor whole = zeros(backend, ROWS, WIDTH);
        attentionOf(backend, 0).forward(
                expected(backend, "ln1", ROWS, WIDTH), whole, new Sequences(BATCH, LENGTH, null),
                Workspace.forInference(backend, ROWS));
        assertClose(whole, "yProj", 12, backend);
        backend.add(expected(backend, "x", ROWS, WIDTH), whole);
        assertClose(whole, "attnResid", 12, backend);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void perceptron(Backend backend) {
        assertClose(linear(backend, "transformer.h.0.mlp.c_fc", "ln2", 4 * WIDTH), "fc", 8, backend);
        Tensor a = zeros(backend, ROWS, 4 * WIDTH);
        backend.activate(Activation.GELU_TANH, expected(backend, "fc", ROWS, 4 * WIDTH), a);
        assertClose(a, "gelu", 4, backend);
        assertClose(linear(backend, "transformer.h.0.mlp.c_proj", "gelu", WIDTH), "mlp", 8, backend);

        Tensor whole = zeros(backend, ROWS, WIDTH);
        new FeedForward(slot(backend, "transformer.h.0.mlp.c_fc"), slot(backend, "transformer.h.0.mlp.c_proj"), Activation.GELU_TANH)
                .forward(expected(backend, "ln2", ROWS, WIDTH), whole, Workspace.forInference(backend, ROWS));
        assertClose(whole, "mlp", 12, backend);
        backend.add(expected(backend, "attnResid", ROWS, WIDTH), whole);
        assertClose(whole, "mlpResid", 12, backend);
    }

    /** With the unit matrix as its head, a model's logits are its last LayerNorm's output. */
    @ParameterizedTest
    @MethodSource("backends")
    void theOutputOfEveryBlockOfTheWholeModel(Backend backend) {
        for (int layers = 1; layers <= LAYERS; layers++) {
            double[] normed = normalised(EXPECTED.doubles("block" + (layers - 1)));
            assertClose(logits(backend, layers, WIDTH), normed, "ln_f(block" + (layers - 1) + ")", 16, backend);
        }
        assertClose(logits(backend, LAYERS, WIDTH), EXPECTED.doubles("ln_f"), "ln_f", 16, backend);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void logitsAndProbabilitiesOfTheWholeModel(Backend backend) {
        double[] logits = logits(backend, LAYERS, LETTERS);
        assertClose(logits, EXPECTED.doubles("lm_head"), "lm_head", 16, backend);
        // an error e of the logits, of at most 9, multiplies a probability by exp(e)
        assertClose(softmax(logits), EXPECTED.doubles("probs"), "probs", 16, backend);
    }

    // ------------------------------------------------------------------------------------------------ the model

    /** @param vocabulary the letters, or as many as there are features, and then the head is the unit matrix */
    private static double[] logits(Backend backend, int layers, int vocabulary) {
        Gpt2Config config = Gpt2Config.of(vocabulary, LENGTH, WIDTH, layers, HEADS, 4 * WIDTH)
                .withTieWordEmbeddings(false);
        Gpt2 model = new Gpt2(config, backend, name -> switch (name) {
            case "lm_head.weight" -> vocabulary == LETTERS ? parameter(backend, name) : unitMatrix(backend, name);
            case "transformer.wte.weight" -> new Parameter(name, backend, tensor(
                    backend, Arrays.copyOf(MODEL.doubles(name), vocabulary * WIDTH), vocabulary, WIDTH));
            default -> parameter(backend, name);
        }, 0);
        Workspace ws = Workspace.forInference(backend, ROWS);
        return backend.readDoubles(model.logits(new Batch(BATCH, LENGTH, ids(), null, null), ws));
    }

    private static Parameter unitMatrix(Backend backend, String name) {
        double[] values = new double[WIDTH * WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            values[i * WIDTH + i] = 1;
        }
        return new Parameter(name, backend, tensor(backend, values, WIDTH, WIDTH));
    }

    private static Parameter parameter(Backend backend, String name) {
        float[] values = MODEL.floats(name);
        int[] shape = new int[MODEL.root().get(name).get("shape").size()];
        Arrays.setAll(shape, i -> MODEL.root().get(name).get("shape").get(i).asInt());
        Tensor tensor = zeros(backend, shape);
        backend.upload(values, tensor);
        return new Parameter(name, backend, tensor);
    }

    private static Slot<Projection> slot(Backend backend, String name) {
        return new Slot<>(name, Role.UP, new Linear(parameter(backend, name + ".weight"), parameter(backend, name + ".bias")));
    }

    private static CausalSelfAttention attentionOf(Backend backend, int layer) {
        String name = "transformer.h." + layer + ".attn";
        return new CausalSelfAttention(
                layer, HEADS, 1 / Math.sqrt(HEAD_SIZE), new Dropout(0, 0), slot(backend, name + ".c_attn"),
                slot(backend, name + ".c_proj"));
    }

    // ------------------------------------------------------------------------------------------------ single steps

    private static Tensor layerNorm(Backend backend, String name, String input) {
        Tensor y = zeros(backend, ROWS, WIDTH);
        new LayerNorm(parameter(backend, name + ".weight"), parameter(backend, name + ".bias"), 1e-5)
                .forward(expected(backend, input, ROWS, WIDTH), y, Workspace.forInference(backend, ROWS));
        return y;
    }

    private static Tensor linear(Backend backend, String name, String input, int outFeatures) {
        Projection map = slot(backend, name).get();
        Tensor y = zeros(backend, ROWS, outFeatures);
        map.forward(expected(backend, input, ROWS, map.inFeatures()), y, Workspace.forInference(backend, ROWS));
        return y;
    }

    /** Attention with PyTorch's queries and keys. */
    private static Tensor attend(Backend backend, Tensor v) {
        Tensor y = zeros(backend, ROWS, WIDTH);
        Tensor q = tensor(backend, headsSideBySide(EXPECTED.doubles("q")), ROWS, WIDTH);
        Tensor k = tensor(backend, headsSideBySide(EXPECTED.doubles("k")), ROWS, WIDTH);
        backend.attention(Attention.of(q.matrix(), k.matrix(), v.matrix(),
                AttentionShape.self(BATCH, LENGTH, HEADS, HEAD_SIZE, true)), new AttentionOutput(y.matrix(), null));
        return y;
    }

    /** (B, heads, T, size) as (B·T, heads·size). */
    private static double[] headsSideBySide(double[] values) {
        double[] result = new double[values.length];
        Arrays.setAll(result, i -> {
            int column = i % WIDTH;
            int t = i / WIDTH % LENGTH;
            int b = i / (WIDTH * LENGTH);
            return values[((b * HEADS + column / HEAD_SIZE) * LENGTH + t) * HEAD_SIZE + column % HEAD_SIZE];
        });
        return result;
    }

    /** The last LayerNorm of these rows, in doubles. */
    private double[] normalised(double[] x) {
        Backend reference = backends().getFirst();
        Tensor y = zeros(reference, ROWS, WIDTH);
        new LayerNorm(parameter(reference, "transformer.ln_f.weight"), parameter(reference, "transformer.ln_f.bias"), 1e-5)
                .forward(tensor(reference, x, ROWS, WIDTH), y, Workspace.forInference(reference, ROWS));
        return reference.readDoubles(y);
    }

    private static double[] softmax(double[] logits) {
        double[] probabilities = new double[logits.length];
        for (int from = 0; from < logits.length; from += LETTERS) {
            double sum = 0;
            for (int i = from; i < from + LETTERS; i++) {
                sum += Math.exp(logits[i]);
            }
            for (int i = from; i < from + LETTERS; i++) {
                probabilities[i] = Math.exp(logits[i]) / sum;
            }
        }
        return probabilities;
    }

    // ------------------------------------------------------------------------------------------------ numbers

    private static int[] ids() {
        return Arrays.stream(EXPECTED.doubles("idx")).mapToInt(id -> (int) id).toArray();
    }

    private static Tensor zeros(Backend backend, int... extents) {
        return backend.allocate(Shape.of(extents));
    }

    private static Tensor tensor(Backend backend, double[] values, int... extents) {
        Tensor tensor = zeros(backend, extents);
        backend.upload(values, tensor);
        return tensor;
    }

    private static Tensor expected(Backend backend, String name, int... extents) {
        return tensor(backend, EXPECTED.doubles(name), extents);
    }

    private static IntTensor ints(Backend backend, int[] values) {
        IntTensor tensor = backend.allocateInts(Shape.of(values.length));
        backend.upload(values, 0, tensor, values.length);
        return tensor;
    }

    private static void assertClose(Tensor actual, String name, double units, Backend backend) {
        assertClose(backend.readDoubles(actual), EXPECTED.doubles(name), name, units, backend);
    }

    /** @param units what {@code reference} may differ by, in u·max|expected|; the other backends twice as much */
    private static void assertClose(double[] actual, double[] expected, String name, double units, Backend backend) {
        double error = GoldenValuesTest.relativeError(actual, expected) / 0x1p-24;
        double bound = backend.name().equals("reference") ? units : 2 * units;
        assertThat(error).as("%s on %s, in units of u·max|%s|", name, backend.name(), name).isLessThanOrEqualTo(bound);
    }
}
