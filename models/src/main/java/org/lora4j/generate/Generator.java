package org.lora4j.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.nn.KeyValueCache;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/**
 * Continues token sequences with a GPT-2. The prompt is read in one pass; after that each token costs one position, since
 * the keys and values of the past are kept in a {@link KeyValueCache}.
 *
 * <p>Prompts of different lengths go together: the shorter ones are padded on the left, the padding is masked, and each
 * counts its positions from its own first token.
 */
public final class Generator {

    /** Told of every new token. */
    @FunctionalInterface
    public interface TokenListener {
        void token(int sequence, int id);
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
        int batch = prompts.size();
        int longest = requireFitting(prompts, maxNewTokens);
        int vocabulary = model.config().vocabSize();
        Backend backend = model.backend();
        Workspace ws = Workspace.forInference(backend, (long) batch * longest);
        KeyValueCache cache = new KeyValueCache(
                backend, model.config().nLayer(), batch, longest + maxNewTokens, model.config().nEmbd());
        Prompts padded = Prompts.of(prompts, longest);
        Sampler sampler = new Sampler(sampling);
        float[] logits = new float[batch * vocabulary];
        List<List<Integer>> written = new ArrayList<>();
        prompts.forEach(prompt -> written.add(new ArrayList<>()));
        boolean[] ended = new boolean[batch];

        ws.begin((long) batch * longest, 0);
        Tensor next = maxNewTokens == 0 ? null
                : model.next(padded.ids, padded.positions, padded.mask(longest), cache, ws);
        int[] ids = new int[batch];
        int[] positions = new int[batch];
        for (int n = 0; n < maxNewTokens; n++) {
            backend.read(next, 0, logits, 0, logits.length);
            boolean all = true;
            for (int b = 0; b < batch; b++) {
                if (!ended[b]) {
                    ids[b] = sampler.draw(logits, b * vocabulary, vocabulary, b, n);
                    ended[b] = stopIds.contains(ids[b]);
                    if (!ended[b]) {
                        written.get(b).add(ids[b]);
                        listener.token(b, ids[b]);
                    }
                }
                positions[b] = prompts.get(b).length + n;
                all &= ended[b];
            }
            if (all || n == maxNewTokens - 1) {
                break;
            }
            ws.begin(batch, n + 1L);
            next = model.next(ids, positions, padded.mask(longest + n + 1), cache, ws);
        }
        return written.stream().map(tokens -> tokens.stream().mapToInt(Integer::intValue).toArray()).toList();
    }

    private int requireFitting(List<int[]> prompts, int maxNewTokens) {
        int longest = 0;
        for (int[] prompt : prompts) {
            if (prompt.length == 0) {
                throw new LoraException("an empty prompt: there is nothing to continue. Give some text");
            }
            longest = Math.max(longest, prompt.length);
        }
        int limit = model.config().nPositions();
        if (longest + maxNewTokens > limit) {
            throw new LoraException("a prompt of " + longest + " tokens and " + maxNewTokens
                    + " new ones are more than the model's " + limit + " positions: shorten the prompt"
                    + (longest < limit ? " or ask for at most " + (limit - longest) + " new tokens" : ""));
        }
        return longest;
    }

    /** Prompts padded on the left to one length. */
    private record Prompts(int[] ids, int[] positions, int[] padding) {

        static Prompts of(List<int[]> prompts, int longest) {
            int batch = prompts.size();
            int[] ids = new int[batch * longest];
            int[] positions = new int[batch * longest];
            int[] padding = new int[batch];
            for (int b = 0; b < batch; b++) {
                int[] prompt = prompts.get(b);
                padding[b] = longest - prompt.length;
                System.arraycopy(prompt, 0, ids, b * longest + padding[b], prompt.length);
                for (int t = 0; t < prompt.length; t++) {
                    positions[b * longest + padding[b] + t] = t;
                }
            }
            return new Prompts(ids, positions, padding);
        }

        /** 1 for every position but the padding, (B, length); null where no prompt is padded. */
        int[] mask(int length) {
            if (Arrays.stream(padding).allMatch(p -> p == 0)) {
                return null;
            }
            int[] mask = new int[padding.length * length];
            Arrays.fill(mask, 1);
            for (int b = 0; b < padding.length; b++) {
                Arrays.fill(mask, b * length, b * length + padding[b], 0);
            }
            return mask;
        }
    }
}
