package org.lora4j.generate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.tensor.Tensor;

/**
 * Continues token sequences with a GPT-2: greedily, by drawing, or by {@link BeamSearch}. All three are a choice in the
 * same loop, {@link Decoding}. A prompt is read in one pass; after that each token costs one position.
 */
public final class Generator {

    /** Rows in one pass of beam search: more make it no faster. */
    private static final int ROWS_AT_ONCE = 160;
    /** What their keys and values may take, unless a single input takes more. */
    private static final long BYTES_AT_ONCE = 256L << 20;

    /** Told of every new token. */
    @FunctionalInterface
    public interface TokenListener {
        void token(int sequence, int id);
    }

    /** Told of every input that beam search has finished, as soon as it has. */
    @FunctionalInterface
    public interface BeamListener {
        void found(int input, Hypothesis hypothesis);
    }

    private final Gpt2 model;

    public Generator(Gpt2 model) {
        this.model = model;
    }

    /** One prompt's continuation, without the prompt and the stop token. */
    public int[] generate(int[] prompt, int maxNewTokens, Set<Integer> stopIds, Sampling sampling) {
        return generate(List.of(prompt), maxNewTokens, stopIds, sampling, (sequence, id) -> { }).getFirst();
    }

    /**
     * @param prompts      token ids, none of them empty
     * @param maxNewTokens most tokens to add to each
     * @param stopIds      tokens that end a sequence; they are not part of the result
     * @return for each prompt its new tokens
     * @throws LoraException if a prompt is empty, or prompt and new tokens do not fit the model's positions
     */
    public List<int[]> generate(
            List<int[]> prompts, int maxNewTokens, Set<Integer> stopIds, Sampling sampling, TokenListener listener) {
        return generate(prompts, IntStream.range(0, prompts.size()).boxed().toList(), maxNewTokens, stopIds, sampling, listener,
                (promptOfRow, ws) -> { });
    }

    /**
     * @param numbers  by which each prompt's draws and the listener know it
     * @param adapters of the rows
     */
    List<int[]> generate(
            List<int[]> prompts, List<Integer> numbers, int maxNewTokens, Set<Integer> stopIds, Sampling sampling,
            TokenListener listener, Decoding.RowAdapters adapters) {
        SampledText text = new SampledText(model, numbers, stopIds, sampling, listener);
        new Decoding(model, false).with(adapters).run(prompts, 1, maxNewTokens, text);
        return text.written();
    }

    /**
     * The best hypothesis of beam search for each prompt. An input's result does not depend on the others by a bit (with a
     * base in float32 on {@code cpu}), nor on the number of threads.
     *
     * @param prompts      token ids, none of them empty
     * @param maxNewTokens most tokens of a hypothesis, the stop token included; at least 1
     * @param stopIds      tokens that end a hypothesis
     * @param listener     told of each input when it is finished, which is not in their order
     * @return in the order of the prompts
     * @throws LoraException if a prompt is empty, or prompt and new tokens do not fit the model's positions
     */
    public List<Hypothesis> beam(
            List<int[]> prompts, int maxNewTokens, Set<Integer> stopIds, Beam beam, BeamListener listener) {
        List<Integer> byLength = IntStream.range(0, prompts.size()).boxed()
                .sorted(Comparator.comparing(i -> -prompts.get(i).length)).toList(); // the first need the most room
        Hypothesis[] found = new Hypothesis[prompts.size()];
        Decoding decoding = new Decoding(model, true);
        int from = 0;
        while (from < byLength.size()) {
            List<Integer> some = byLength.subList(from, from + atOnce(byLength, from, prompts, maxNewTokens, beam));
            BeamChoice choice = new BeamChoice(model, some, beam, stopIds, maxNewTokens, (input, hypothesis) -> {
                found[input] = hypothesis;
                listener.found(input, hypothesis);
            });
            decoding.run(some.stream().map(prompts::get).toList(), beam.width(), maxNewTokens, choice);
            from += some.size();
        }
        return List.of(found);
    }

    /** How many inputs from this one on go together. */
    private int atOnce(List<Integer> order, int from, List<int[]> prompts, int maxNewTokens, Beam beam) {
        long perPosition = KeyValuePool.bytesPerPosition(model.config().nLayer(), model.config().nEmbd());
        long bytes = 0;
        int count = 0;
        while (from + count < order.size()) {
            bytes += perPosition * (prompts.get(order.get(from + count)).length + (long) beam.width() * maxNewTokens);
            if (count > 0 && (bytes > BYTES_AT_ONCE || (count + 1) * beam.width() > ROWS_AT_ONCE)) {
                break;
            }
            count++;
        }
        return count;
    }

    /** Draws a token for each sequence, or takes the likeliest. */
    private static final class SampledText implements Decoding.Choice {

        private final Backend backend;
        private final Set<Integer> stopIds;
        private final Sampling sampling;
        private final Sampler sampler;
        private final TokenListener listener;
        private final float[] logits;
        private final Map<Integer, List<Integer>> written = new LinkedHashMap<>();
        private List<Integer> sequences;
        private int steps;

        SampledText(Gpt2 model, List<Integer> sequences, Set<Integer> stopIds, Sampling sampling, TokenListener listener) {
            this.backend = model.backend();
            this.stopIds = stopIds;
            this.sampling = sampling;
            this.listener = listener;
            this.logits = new float[model.config().vocabSize()];
            this.sampler = new Sampler(logits.length);
            this.sequences = sequences;
            sequences.forEach(sequence -> written.put(sequence, new ArrayList<>()));
        }

        @Override
        public void choose(Tensor rows, Decoding.Next next) {
            List<Integer> left = new ArrayList<>();
            for (int row = 0; row < sequences.size(); row++) {
                int sequence = sequences.get(row);
                backend.read(rows, (long) row * logits.length, logits, 0, logits.length);
                int id = sampler.draw(logits, sampling, sequence, 0, steps);
                if (!stopIds.contains(id)) {
                    written.get(sequence).add(id);
                    listener.token(sequence, id);
                    left.add(sequence);
                    next.add(row, id);
                }
            }
            sequences = left;
            steps++;
        }

        List<int[]> written() {
            return written.values().stream().map(tokens -> tokens.stream().mapToInt(Integer::intValue).toArray()).toList();
        }
    }
}
