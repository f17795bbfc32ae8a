package org.lora4j.experiments.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.experiments.bench.Measurement.Runs;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Sampling;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Role;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Greedy decoding, one sequence. A token reads every weight once, so memory is the limit; beside it stands how fast the
 * same weights can be read at all, by summing them.
 */
public final class DecodeBenchmark {

    private static final int PROMPT = 16;

    private DecodeBenchmark() {
    }

    /** Tokens a second over {@code length} new tokens, and gigabytes a second of reading the weights. */
    public static Map<String, Measurement> run(
            Backend backend, ModelConfig config, WeightType type, int length, Runs runs) {
        LanguageModel model = Families.random(config, backend, 1, type);
        Map<String, Measurement> results = new LinkedHashMap<>();
        Measurement tokens = Measurement.of("tokens/s", length, runs, decoding(model, length));
        results.put("decode", tokens);
        long bytes = bytesPerToken(model, type);
        double gigabytes = 1e-9 * bytes;
        results.put("weights read in decoding", tokens.in("GB/s", gigabytes));
        Tensor asMany = backend.allocate(Shape.of(Math.toIntExact(bytes / Float.BYTES)));
        results.put("weights read by a sum", Measurement.of("GB/s", gigabytes, runs, () -> backend.sum(asMany)));
        return results;
    }

    /** Writes {@code length} tokens behind a prompt. */
    static Runnable decoding(LanguageModel model, int length) {
        Generator generator = new Generator(model);
        int[] prompt = IntStream.rangeClosed(1, PROMPT).toArray();
        return () -> generator.generate(prompt, length, Set.of(), Sampling.GREEDY);
    }

    /** Every weight but the positions', of which a token reads one row. */
    static long bytesPerToken(LanguageModel model, WeightType type) {
        Set<Parameter> positions = model.embeddings().stream().filter(slot -> slot.role() == Role.POSITIONS)
                .flatMap(slot -> slot.parameters().stream()).collect(Collectors.toSet());
        return model.parameters().stream().filter(parameter -> !positions.contains(parameter))
                .mapToLong(parameter -> parameter.size()
                        * (model.names().isMatrix(parameter.name()) ? type.bytes() : Float.BYTES)).sum();
    }
}
