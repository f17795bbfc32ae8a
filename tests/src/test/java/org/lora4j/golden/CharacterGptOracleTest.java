package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.io.JsonFile;
import org.lora4j.io.Safetensors;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** A trained character GPT with exact GELU and a tied head: ten logits, and its losses on the text it was trained on. */
class CharacterGptOracleTest {

    private static final Path FOLDER = Path.of("src/test/resources/oracles/slm4096");
    private static final JsonNode REFERENCE = JsonFile.read(FOLDER.resolve("reference.json"));
    private static final int LENGTH = 128;
    private static final int VOCABULARY = 54;
    private static final double UNIT_ROUNDOFF = 0x1p-24;

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void logitsAndLossesAreThoseOfPyTorch(String backendName) {
        try (Backend backend = Backends.create(backendName)) {
            Gpt2 model = model(backend);
            int[] text = text();
            Workspace ws = Workspace.forInference(backend, LENGTH);

            double[] logits = backend.readDoubles(model.logits(
                    new Batch(1, LENGTH, Arrays.copyOf(text, LENGTH), null, null), ws));
            double[] expected = new double[10];
            Arrays.setAll(expected, i -> REFERENCE.get("logits_pos127_first10").get(i).asDouble());
            double[] last = Arrays.copyOfRange(logits, 127 * VOCABULARY, 127 * VOCABULARY + 10);
            // the rounding of PyTorch's float32, measured with the reference at 9.5, and on cpu as much again
            double units = backendName.equals("reference") ? 16 : 32;
            assertThat(GoldenValuesTest.relativeError(last, expected) / UNIT_ROUNDOFF).isLessThan(units);

            double first = loss(logits, text, 0);
            double sum = first;
            int windows = 1;
            for (int from = LENGTH; from + LENGTH < text.length; from += LENGTH) {
                int[] window = Arrays.copyOfRange(text, from, from + LENGTH);
                sum += loss(backend.readDoubles(model.logits(new Batch(1, LENGTH, window, null, null), ws)), text, from);
                windows++;
            }
            // −log p is a difference of numbers of the logits' size, up to 17; a mean of many differs by far less
            double bound = UNIT_ROUNDOFF * 17;
            assertThat(first - REFERENCE.get("loss_first128").asDouble()).isBetween(-bound, bound);
            assertThat(sum / windows - REFERENCE.get("mean_loss_128_windows").asDouble()).isBetween(-bound, bound);
        }
    }

    private static Gpt2 model(Backend backend) {
        Gpt2Config config = Gpt2Config.of(VOCABULARY, LENGTH, 64, 4, 4, 256).withActivation(Activation.GELU_ERF);
        try (Safetensors file = Safetensors.open(FOLDER.resolve("model.safetensors"))) {
            return new Gpt2(config, backend, name -> {
                String stored = name.replace("transformer.", "").replaceFirst("^h\\.", "blocks.")
                        .replace("wte", "tok_emb").replace("wpe", "pos_emb");
                file.requireShape(stored, config.shapeOf(name).toArray());
                Tensor tensor = backend.allocate(config.shapeOf(name));
                backend.upload(file.floats(stored), tensor);
                return new Parameter(name, backend, tensor);
            }, 0);
        }
    }

    /** The corpus as ids. */
    private static int[] text() {
        try {
            return Files.readString(FOLDER.resolve("corpus.txt")).chars()
                    .map(c -> REFERENCE.get("stoi").required(String.valueOf((char) c)).asInt()).toArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The mean of −log p of the characters after each of a window's. */
    private static double loss(double[] logits, int[] text, int from) {
        double sum = 0;
        for (int t = 0; t < LENGTH; t++) {
            double[] z = Arrays.copyOfRange(logits, t * VOCABULARY, (t + 1) * VOCABULARY);
            double top = Arrays.stream(z).max().orElseThrow();
            sum += top + Math.log(Arrays.stream(z).map(v -> Math.exp(v - top)).sum()) - z[text[from + t + 1]];
        }
        return sum / LENGTH;
    }
}
