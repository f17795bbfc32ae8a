package org.lora4j.experiments.bench;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.bench.Measurement.Runs;
import org.lora4j.experiments.data.E2e;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Beam;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Hypothesis;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tuning.lora.MergedWeights;

/**
 * Beam search as the paper's, over inputs of E2E's test set with the embedded base: distinct inputs number 0, k, 2k, …, so
 * that another program can decode the very same.
 */
public final class BeamBenchmark {

    private static final int MAX_NEW_TOKENS = 64;

    private BeamBenchmark() {
    }

    /**
     * Inputs and written tokens a second.
     *
     * @param adapter merged into the base; null for the base alone, which rambles to the last token
     * @param inputs  how many, at most 630
     */
    public static Map<String, Measurement> run(Backend backend, Path adapter, int inputs, Runs runs) {
        LanguageModel model = Families.load(EmbeddedBase.folder(), backend);
        if (adapter != null) {
            MergedWeights.of(PeftFormat.load(model, adapter));
        }
        Tokenizer tokenizer = Families.tokenizer(EmbeddedBase.folder());
        ExampleEncoder encoder = new ExampleEncoder(tokenizer, model.sizes().positions());
        List<String> contexts = List.copyOf(TextPair.completionsByContext(E2e.embedded(Split.TEST)).keySet());
        if (inputs > contexts.size()) {
            throw new LoraException("`inputs` " + inputs + ": E2E's test set has " + contexts.size() + " distinct ones");
        }
        int stride = contexts.size() / inputs;
        List<int[]> prompts =
                IntStream.range(0, inputs).mapToObj(i -> encoder.encodePrompt(contexts.get(i * stride))).toList();
        Generator generator = new Generator(model);
        long[] tokens = new long[1];
        Measurement measured = Measurement.of("inputs/s", inputs, runs, () -> tokens[0] = generator.beam(
                prompts, MAX_NEW_TOKENS, Set.of(tokenizer.endOfText()), Beam.PAPER, (input, hypothesis) -> { })
                .stream().map(Hypothesis::tokens).mapToLong(written -> written.length).sum());
        Map<String, Measurement> results = new LinkedHashMap<>();
        results.put("beam search", measured);
        results.put("beam search, tokens of the results", measured.in("tokens/s", (double) tokens[0] / inputs));
        return results;
    }
}
