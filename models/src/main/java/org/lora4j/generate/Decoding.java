package org.lora4j.generate;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.Past;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * The one loop in which every text is written, whether its tokens are drawn, the likeliest, or found by beam search:
 *
 * <pre>
 *   logits = read all prompts at once                       one row for each
 *   again and again:   a {@link Choice} says which rows go on, and with what     none: done
 *                      logits = one position more of each row
 * </pre>
 *
 * <p>A row that goes on from another names the same keys and values, see {@link KeyValuePool}; a row that nothing goes on
 * from costs nothing any more. Prompts of different lengths need no padding but in the one pass that reads them.
 */
final class Decoding {

    /**
     * A matrix product of few rows sums in another order than one of many, so for bits that do not depend on the company
     * there are at least so many, some of them computed for nothing.
     */
    private static final int MANY_ROWS = 16;

    private final LanguageModel model;
    private final Backend backend;
    private final boolean sameBits;
    private final Next next = new Next();
    private KeyValuePool pool;
    private Workspace ws;
    private int[][] trails;
    private int[] lengths;
    private RowAdapters adapters = (promptOfRow, workspace) -> { };
    private int[] promptOfRow;

    /** Decides what rows write next. */
    interface Choice {

        /**
         * @param logits of the rows there are, (rows or more, V); may be written
         * @param next   to be told which rows go on, in the order in which they shall stand from now on
         */
        void choose(Tensor logits, Next next);
    }

    /** Tells the next pass which adapter each of its rows uses, by the prompt that the row began with. */
    @FunctionalInterface
    interface RowAdapters {
        void apply(int[] promptOfRow, Workspace ws);
    }

    /** The rows that go on. */
    static final class Next {

        private int[] parents = new int[16];
        private int[] tokens = new int[16];
        private int count;

        /** A row goes on with a token; the same row may do so with several. */
        void add(int row, int token) {
            if (count == parents.length) {
                parents = Arrays.copyOf(parents, 2 * count);
                tokens = Arrays.copyOf(tokens, 2 * count);
            }
            parents[count] = row;
            tokens[count++] = token;
        }
    }

    /** @param sameBits whether a row's bits shall not depend on the rows beside it; a single row is slower then */
    Decoding(LanguageModel model, boolean sameBits) {
        this.model = model;
        this.backend = model.backend();
        this.sameBits = sameBits;
    }

    /** The same, with an adapter for each row; not where rows are added for the sake of the bits. */
    Decoding with(RowAdapters rowAdapters) {
        adapters = rowAdapters;
        return this;
    }

    private int rows(int wanted) {
        return sameBits ? Math.max(MANY_ROWS, wanted) : wanted;
    }

    /**
     * Writes behind some prompts. May be called again with others, in the same memory.
     *
     * @param prompts      none of them empty
     * @param width        most rows of a prompt
     * @param maxNewTokens most tokens of a row
     * @throws LoraException if a prompt is empty, or prompt and new tokens do not fit the model's positions
     */
    void run(List<int[]> prompts, int width, int maxNewTokens, Choice choice) {
        int longest = requireFitting(model, prompts, maxNewTokens);
        if (maxNewTokens == 0) {
            return;
        }
        makeRoom(prompts, rows(longest), rows(prompts.size() * width), maxNewTokens);
        Tensor logits = read(prompts, rows(longest), maxNewTokens);
        for (int n = 0; n < maxNewTokens; n++) {
            next.count = 0;
            choice.choose(logits, next);
            if (next.count == 0 || n == maxNewTokens - 1) {
                return;
            }
            while (next.count < rows(next.count)) {
                next.add(next.parents[0], next.tokens[0]);
            }
            logits = step(n + 1);
        }
    }

    private void makeRoom(List<int[]> prompts, int length, int rows, int maxNewTokens) {
        long positions = prompts.stream().mapToLong(prompt -> prompt.length).sum() + (long) rows * (maxNewTokens - 1);
        if (positions * model.sizes().width() > Integer.MAX_VALUE) {
            throw new LoraException(rows + " rows of " + maxNewTokens + " new tokens each have more keys and values than an array "
                    + "holds: ask for fewer tokens, or a narrower beam");
        }
        int capacity = (int) positions;
        if (pool == null || pool.capacity() < capacity) {
            pool = new KeyValuePool(backend, model.sizes().blocks(), capacity, model.sizes().width());
            ws = Workspace.forInference(backend, Math.max(rows, (long) prompts.size() * length));
        }
        pool.clear();
    }

    /** Reads the prompts in a pass of that length; the logits behind the last token of each. */
    private Tensor read(List<int[]> prompts, int length, int maxNewTokens) {
        int count = prompts.size();
        int[] ids = new int[count * length];
        int[] positions = new int[count * length];
        int[] last = new int[rows(count)]; // those beyond count: row 0, for nothing
        int[] first = new int[count];
        lengths = new int[count];
        trails = new int[count][];
        for (int b = 0; b < count; b++) {
            int[] prompt = prompts.get(b);
            System.arraycopy(prompt, 0, ids, b * length, prompt.length);
            lengths[b] = prompt.length;
            last[b] = b * length + prompt.length - 1;
            first[b] = pool.reserve(prompt.length);
            trails[b] = new int[prompt.length + maxNewTokens];
            for (int t = 0; t < prompt.length; t++) {
                positions[b * length + t] = t;
                trails[b][t] = first[b] + t;
            }
        }
        promptOfRow = IntStream.range(0, count).toArray();
        adapters.apply(promptOfRow, ws);
        ws.begin(ids.length, 0);
        return model.next(ids, positions, pool.prompts(first, lengths, length), last, ws);
    }

    /** One position more of the rows that go on. */
    private Tensor step(int number) {
        int rows = next.count;
        int first = pool.reserve(rows);
        int[][] nextTrails = new int[rows][];
        int[] nextLengths = new int[rows];
        int[] positions = new int[rows];
        int[] nextPrompts = new int[rows];
        int keys = 0;
        for (int row = 0; row < rows; row++) {
            int parent = next.parents[row];
            positions[row] = lengths[parent];
            nextPrompts[row] = promptOfRow[parent];
            nextTrails[row] = trails[parent].clone();
            nextTrails[row][lengths[parent]] = first + row;
            nextLengths[row] = lengths[parent] + 1;
            keys = Math.max(keys, nextLengths[row]);
        }
        trails = nextTrails;
        lengths = nextLengths;
        promptOfRow = nextPrompts;
        adapters.apply(promptOfRow, ws);
        ws.begin(rows, number);
        int[] tokens = Arrays.copyOf(next.tokens, rows);
        return model.next(tokens, positions, past(first, keys), null, ws);
    }

    /** The trails side by side, the shorter ones filled up with what the mask hides. */
    private Past past(int first, int keys) {
        int rows = trails.length;
        int[] table = new int[rows * keys];
        int[] mask = new int[rows * keys];
        boolean masked = false;
        for (int row = 0; row < rows; row++) {
            System.arraycopy(trails[row], 0, table, row * keys, lengths[row]);
            Arrays.fill(mask, row * keys, row * keys + lengths[row], 1);
            masked |= lengths[row] < keys;
        }
        IntTensor tableTensor = ws.ints(this, "trails", table.length).as(Shape.of(rows, keys));
        backend.upload(table, 0, tableTensor, table.length);
        IntTensor maskTensor = null;
        if (masked) {
            maskTensor = ws.ints(this, "mask", mask.length).as(Shape.of(rows, keys));
            backend.upload(mask, 0, maskTensor, mask.length);
        }
        return pool.next(first, tableTensor, maskTensor);
    }

    private static int requireFitting(LanguageModel model, List<int[]> prompts, int maxNewTokens) {
        int longest = 0;
        for (int[] prompt : prompts) {
            if (prompt.length == 0) {
                throw new LoraException("an empty prompt: there is nothing to continue. Give some text");
            }
            longest = Math.max(longest, prompt.length);
        }
        int limit = model.sizes().positions();
        if ((long) longest + maxNewTokens > limit) {
            throw new LoraException("a prompt of " + longest + " tokens and " + maxNewTokens
                    + " new ones are more than the model's " + limit + " positions: shorten the prompt"
                    + (longest < limit ? " or ask for at most " + (limit - longest) + " new tokens" : ""));
        }
        return longest;
    }
}
