package org.lora4j.experiments.explain;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.experiments.explain.Explanation.Expected;
import org.lora4j.experiments.explain.Explanation.LabelLine;
import org.lora4j.experiments.explain.Explanation.Likely;
import org.lora4j.experiments.explain.Explanation.StageLine;
import org.lora4j.experiments.explain.Explanation.Summary;
import org.lora4j.experiments.explain.Explanation.TokenLine;
import org.lora4j.experiments.explain.Explanation.Word;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;
import org.lora4j.tokenizer.Tokenizer;

/**
 * Explains an answer by one pass for the base, and one for each layer with an update as those from below are switched on:
 *
 * <pre>
 *   z₀ = logits of the base      z_k = logits with ΔW in the first k layers that have one      z_L = logits of the adapted model
 * </pre>
 *
 * What layer k is said to do is the step from z_{k−1} to z_k; the steps add up to all that the adapter does.
 */
public final class Explainer {

    /** Logits that are held at once, twice. */
    private static final long MOST = 1L << 28;

    private final int top;
    private final BiConsumer<Integer, Integer> progress;

    /**
     * Explains by the likeliest words.
     *
     * @param top      how many words to name
     * @param progress told how many passes are done, of how many
     */
    public Explainer(int top, BiConsumer<Integer, Integer> progress) {
        this.top = top;
        this.progress = progress;
    }

    // ------------------------------------------------------------------------------------------------ texts

    /**
     * Of a language model.
     *
     * @param attach puts the adapter into the model, and says whether it trains anything as a whole, biases say
     * @throws LoraException if there are too many tokens, or a logit is not finite
     */
    public Explanation explain(LanguageModel model, Supplier<Boolean> attach, int[] ids, Tokenizer tokenizer) {
        if (ids.length > model.maxLength() || (long) ids.length * model.vocabularySize() > MOST) {
            throw new LoraException("`prompt` has " + ids.length + " tokens, expected at most "
                    + Math.min(model.maxLength(), MOST / model.vocabularySize()) + ". Shorten it");
        }
        Batch batch = new Batch(1, ids.length, ids, null, null);
        Workspace ws = Workspace.forInference(model.backend(), ids.length);
        Supplier<Distribution[]> pass = () -> rows(model.backend(), model.logits(batch, ws), ids.length);
        Distribution[] base = pass.get();
        boolean whole = attach.get();
        LayerStages stages = LayerStages.of(model);
        List<StageLine> lines = new ArrayList<>();
        Distribution[] before = base;
        int passes = stages.count() + (whole ? 2 : 1);
        progress.accept(1, passes);
        if (whole) {
            stages.use(0);
            Distribution[] now = pass.get();
            lines.add(step("trained as a whole", Slot.NO_BLOCK, before, now, ids));
            before = now;
            progress.accept(2, passes);
        }
        for (int stage = 0; stage < stages.count(); stage++) {
            stages.use(stage + 1);
            Distribution[] now = pass.get();
            lines.add(step(stages.name(stage), stages.layer(stage), before, now, ids));
            before = now;
            progress.accept(stage + (whole ? 3 : 2), passes);
        }
        Distribution[] adapted = before;
        List<TokenLine> tokens = new ArrayList<>();
        for (int t = 0; t < ids.length; t++) {
            boolean last = t == ids.length - 1;
            tokens.add(new TokenLine(t, ids[t], text(tokenizer, t == 0 ? -1 : ids[t - 1], ids[t]),
                    last ? null : new Word(ids[t + 1], text(tokenizer, ids[t], ids[t + 1])),
                    expected(base[t], last ? -1 : ids[t + 1], tokenizer, ids[t]), expected(adapted[t], last ? -1 : ids[t + 1], tokenizer, ids[t])));
        }
        return new Explanation(tokens, List.of(), lines, new Summary(mean(base, ids), mean(adapted, ids), false, false));
    }

    private static Distribution[] rows(Backend backend, Tensor logits, int rows) {
        int columns = Math.toIntExact(logits.size() / rows);
        Distribution[] read = new Distribution[rows];
        for (int row = 0; row < rows; row++) {
            float[] values = new float[columns];
            backend.read(logits, (long) row * columns, values, 0, columns);
            read[row] = new Distribution(values);
            if (!read[row].isFinite()) {
                throw new LoraException("logits are not finite: the model's weights, or the adapter's, hold values that are not finite. "
                        + "Take another copy of them");
            }
        }
        return read;
    }

    private static StageLine step(String name, int layer, Distribution[] before, Distribution[] now, int[] ids) {
        double moved = 0;
        double divergence = 0;
        double[] changes = new double[ids.length];
        for (int t = 0; t < ids.length; t++) {
            moved += now[t].movedFrom(before[t]) / ids.length;
            divergence += now[t].divergenceFrom(before[t]) / ids.length;
            changes[t] = t + 1 < ids.length ? now[t].logProbability(ids[t + 1]) - before[t].logProbability(ids[t + 1]) : Double.NaN;
        }
        return new StageLine(name, layer, Arrays.stream(changes).filter(Double::isFinite).average().orElse(Double.NaN), moved, divergence,
                changes);
    }

    private static double mean(Distribution[] rows, int[] ids) {
        return IntStream.range(0, ids.length - 1).mapToDouble(t -> rows[t].logProbability(ids[t + 1])).average().orElse(Double.NaN);
    }

    private Expected expected(Distribution row, int next, Tokenizer tokenizer, int before) {
        List<Likely> likely = Arrays.stream(row.top(top)).mapToObj(id ->
                new Likely(id, text(tokenizer, before, id), Math.exp(row.logProbability(id)))).toList();
        return next < 0 ? new Expected(likely, 0, Double.NaN) : new Expected(likely, row.rank(next), row.logProbability(next));
    }

    private static String text(Tokenizer tokenizer, int before, int id) {
        return new String(tokenizer.decodeBytesBehind(before, id), StandardCharsets.UTF_8);
    }

    // ------------------------------------------------------------------------------------------------ labels

    /**
     * Of a classifier with its adapter attached: what the adapter trains as a whole, its head, stays on, since a base alone has none.
     *
     * @throws LoraException if a score is not finite
     */
    public Explanation explain(SequenceClassifier model, Batch sequence) {
        LabelledBatch batch = new LabelledBatch(sequence, null);
        Workspace ws = Workspace.forInference(model.backend(), sequence.inputIds().length);
        LayerStages stages = LayerStages.of(model);
        Supplier<Distribution> pass = () -> rows(model.backend(), model.scores(batch, ws), 1)[0];
        boolean regression = model.answers().regression();
        Distribution[] all = new Distribution[stages.count() + 1];
        for (int k = 0; k <= stages.count(); k++) {
            stages.use(k);
            all[k] = pass.get();
            progress.accept(k + 1, all.length);
        }
        Distribution base = all[0];
        Distribution adapted = all[stages.count()];
        int chosen = adapted.top(1)[0];
        List<StageLine> lines = new ArrayList<>();
        for (int k = 1; k < all.length; k++) {
            Distribution before = all[k - 1];
            Distribution now = all[k];
            double shift = now.score(0) - before.score(0);
            lines.add(regression ? new StageLine(stages.name(k - 1), stages.layer(k - 1), shift, Math.abs(shift), Double.NaN,
                            new double[] {now.score(0)})
                    : new StageLine(stages.name(k - 1), stages.layer(k - 1), now.logProbability(chosen) - before.logProbability(chosen),
                            now.movedFrom(before), now.divergenceFrom(before), now.probabilities()));
        }
        List<LabelLine> labels = IntStream.range(0, adapted.size()).mapToObj(i -> new LabelLine(
                regression ? "value" : model.answers().names().get(i), base.score(i), adapted.score(i),
                Math.exp(base.logProbability(i)), Math.exp(adapted.logProbability(i)))).toList();
        return new Explanation(List.of(), labels, lines,
                new Summary(base.logProbability(chosen), adapted.logProbability(chosen), true, regression));
    }
}
