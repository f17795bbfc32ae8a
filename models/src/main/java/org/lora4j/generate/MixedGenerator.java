package org.lora4j.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lora4j.LoraException;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.tuning.lora.AdapterSet;

/**
 * Continues prompts that each use an adapter of a set, or none, in one batch: the base is computed once for all of them,
 * each adapter's update for its own rows. Inside, prompts of one adapter stand side by side; results come in the order in
 * which they were asked.
 *
 * <p>Adapters that cannot share a batch ({@link AdapterSet#canShareBatch}) get one of their own, so every adapter can be
 * asked for.
 *
 * <p>Each prompt gets what it gets alone, up to the rounding of products with more rows or fewer; a draw depends on the
 * prompt's place among the requests, not on its adapter.
 */
public final class MixedGenerator {

    private final AdapterSet set;
    private final Generator generator;

    /** @param set over a {@link Gpt2} */
    public MixedGenerator(AdapterSet set) {
        this.set = set;
        this.generator = new Generator((Gpt2) set.model());
    }

    /**
     * A prompt and the adapter to continue it with.
     *
     * @param adapter a name in the set, or {@link AdapterSet#BASE}
     * @param prompt  token ids, at least one
     */
    public record Request(String adapter, int[] prompt) {
    }

    /**
     * @param maxNewTokens most tokens to add to each
     * @param stopIds      tokens that end a sequence; they are not part of the result
     * @param listener     told of every new token, with the number of its request
     * @return for each request its new tokens
     * @throws LoraException if an adapter is unknown, a prompt is empty, or prompt and new tokens do not fit the model's
     *                       positions
     */
    public List<int[]> generate(
            List<Request> requests, int maxNewTokens, Set<Integer> stopIds, Sampling sampling,
            Generator.TokenListener listener) {
        Map<String, List<Integer>> byAdapter = new LinkedHashMap<>();
        for (int i = 0; i < requests.size(); i++) {
            byAdapter.computeIfAbsent(requests.get(i).adapter(), name -> new ArrayList<>()).add(i);
        }
        List<Integer> together = new ArrayList<>();
        Set<String> apart = new LinkedHashSet<>();
        byAdapter.forEach((name, numbers) -> {
            if (set.canShareBatch(name)) {
                together.addAll(numbers);
            } else {
                apart.add(name);
            }
        });
        int[][] written = new int[requests.size()][];
        String active = set.active();
        try {
            if (!together.isEmpty()) {
                set.switchTo(AdapterSet.BASE); // biases of one that is switched on would reach all rows
                List<String> adapters = together.stream().map(number -> requests.get(number).adapter()).toList();
                put(written, together, generate(requests, together, maxNewTokens, stopIds, sampling, listener,
                        (promptOfRow, ws) ->
                                set.mix(Arrays.stream(promptOfRow).mapToObj(adapters::get).toList()).applyTo(ws)));
            }
            for (String name : apart) {
                set.switchTo(name);
                List<Integer> numbers = byAdapter.get(name);
                put(written, numbers, generate(requests, numbers, maxNewTokens, stopIds, sampling, listener,
                        (promptOfRow, ws) -> { }));
            }
        } finally {
            set.switchTo(active);
        }
        return Arrays.asList(written);
    }

    private List<int[]> generate(
            List<Request> requests, List<Integer> numbers, int maxNewTokens, Set<Integer> stopIds, Sampling sampling,
            Generator.TokenListener listener, Decoding.RowAdapters adapters) {
        List<int[]> prompts = numbers.stream().map(number -> requests.get(number).prompt()).toList();
        return generator.generate(prompts, numbers, maxNewTokens, stopIds, sampling, listener, adapters);
    }

    private static void put(int[][] written, List<Integer> numbers, List<int[]> texts) {
        for (int i = 0; i < texts.size(); i++) {
            written[numbers.get(i)] = texts.get(i);
        }
    }
}
