package org.lora4j.experiments.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.experiments.bench.Measurement.Runs;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.Workspace;
import org.lora4j.select.TargetSelector;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.lora.AdapterMix;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * What it costs that the sequences of a batch use several adapters instead of one: the same passes with no adapter, with
 * one for all sequences, and with several, some sequences for each. A pass of each kind in turn, so that the ratios are
 * those of neighbours in time.
 *
 * <p>Forward is a pass up to the logits of all positions; decoding is steps of one token for each sequence behind that
 * many positions that are read already.
 */
public final class AdaptersBenchmark {

    /** Steps of one token in a run. */
    private static final int STEPS = 8;

    private AdaptersBenchmark() {
    }

    /** What the adapters adapt. */
    public enum Places {
        /** q and v, as the paper does. */
        QV {
            @Override
            LoraConfig of(LoraConfig config) {
                return config.withParts("q", "v");
            }
        },
        /** Every linear map but the head. */
        ALL {
            @Override
            LoraConfig of(LoraConfig config) {
                return config.withTargets(TargetSelector.byExpression(TargetSelector.ALL_LINEAR));
            }
        };

        abstract LoraConfig of(LoraConfig config);
    }

    /**
     * Tokens a second.
     *
     * @param rows     sequences
     * @param adapters how many of them; their ranks are {@code rank}, half and twice of it in turn, that of the one adapter is
     *                 {@code rank}
     * @param length   tokens of a sequence
     */
    public static Map<String, Measurement> run(
            Backend backend, ModelConfig config, WeightType type, Places places, int rank, int rows, int adapters, int length,
            Runs runs) {
        if (adapters > rows) {
            throw new LoraException("`adapters` " + adapters + " `rows` " + rows + ": expected at least a row for each adapter");
        }
        if (length + STEPS > config.sizes().positions()) {
            throw new LoraException("`length` " + length + ": the model has " + config.sizes().positions() + " positions, and "
                    + STEPS + " more are written in each run");
        }
        LanguageModel model = Families.random(config, backend, 1, type);
        AdapterSet set = new AdapterSet(model);
        List<String> each = new ArrayList<>();
        set.load("one", base -> LoraAdapter.attach(model, places.of(LoraConfig.of(rank, 32)), 1));
        for (int i = 0; i < adapters; i++) {
            int r = i % 3 == 0 ? rank : i % 3 == 1 ? Math.max(1, rank / 2) : 2 * rank;
            set.load("a" + i, base -> LoraAdapter.attach(model, places.of(LoraConfig.of(r, 32)), 2));
        }
        for (int row = 0; row < rows; row++) {
            each.add("a" + (int) ((long) row * adapters / rows));
        }
        Map<String, Supplier<AdapterMix>> kinds = new LinkedHashMap<>();
        kinds.put("no adapter", () -> null);
        kinds.put("one adapter", () -> set.mix(Collections.nCopies(rows, "one")));
        kinds.put(adapters + " adapters", () -> set.mix(each));
        Map<String, Measurement> results = new LinkedHashMap<>();
        forward(model, rows, length, kinds, runs, results);
        decode(model, rows, length, kinds, runs, results);
        return results;
    }

    private static void forward(
            LanguageModel model, int rows, int length, Map<String, Supplier<AdapterMix>> kinds, Runs runs,
            Map<String, Measurement> results) {
        Batch batch = StepBenchmark.batch(model.sizes(), StepBenchmark.Loss.ALL, rows, length);
        Workspace ws = Workspace.forInference(model.backend(), (long) rows * length);
        Map<String, Runnable> passes = new LinkedHashMap<>();
        kinds.forEach((kind, mix) -> passes.put(kind, () -> {
            ws.note(AdapterMix.class, mix.get());
            model.logits(batch, ws);
        }));
        measure("forward, ", (double) rows * length, runs, passes, results);
    }

    private static void decode(
            LanguageModel model, int rows, int length, Map<String, Supplier<AdapterMix>> kinds, Runs runs,
            Map<String, Measurement> results) {
        Backend backend = model.backend();
        Workspace ws = Workspace.forInference(backend, (long) rows * length);
        KeyValuePool pool = model.newPool(rows * (length + STEPS));
        Batch prompt = StepBenchmark.batch(model.sizes(), StepBenchmark.Loss.ALL, rows, length);
        int[][] trails = new int[rows][];
        int[] positions = new int[rows * length];
        int[] last = new int[rows];
        Arrays.setAll(trails, row -> pool.take(length));
        Arrays.setAll(positions, i -> i % length);
        Arrays.setAll(last, row -> row * length + length - 1);
        ws.begin(positions.length, 0);
        model.next(prompt.inputIds(), positions, pool.prompts(trails, length), last, ws);
        int[] ids = new int[rows];
        int[] places = new int[rows];
        int[][] taken = new int[STEPS][];
        IntTensor[] seen = new IntTensor[STEPS];
        Map<String, Runnable> steps = new LinkedHashMap<>();
        for (int step = 0; step < STEPS; step++) {
            taken[step] = pool.take(rows);
            seen[step] = backend.allocateInts(Shape.of(rows, length + step + 1));
            int[] table = new int[rows * (length + step + 1)];
            for (int row = 0; row < rows; row++) {
                System.arraycopy(trails[row], 0, table, row * (length + step + 1), length);
                for (int earlier = 0; earlier <= step; earlier++) {
                    table[row * (length + step + 1) + length + earlier] = taken[earlier][row];
                }
            }
            backend.upload(table, 0, seen[step], table.length);
        }
        kinds.forEach((kind, mix) -> steps.put(kind, () -> {
            ws.note(AdapterMix.class, mix.get());
            for (int step = 0; step < STEPS; step++) {
                Arrays.fill(places, length + step);
                ws.begin(rows, step);
                model.next(ids, places, pool.next(taken[step], seen[step], null), null, ws);
            }
        }));
        measure("decode, ", (double) rows * STEPS, runs, steps, results);
    }

    /** The rates, and how much longer the last kind, that of several adapters, took than the one before. */
    private static void measure(
            String what, double tokens, Runs runs, Map<String, Runnable> kinds, Map<String, Measurement> results) {
        Map<String, double[]> seconds = Measurement.secondsInTurn(runs, kinds);
        seconds.forEach((kind, times) -> results.put(what + kind, Measurement.of("tokens/s", tokens, times)));
        List<String> names = List.copyOf(seconds.keySet());
        results.put(what + names.getLast() + " to one",
                Measurement.ratio(seconds.get(names.getLast()), seconds.get(names.get(names.size() - 2))));
    }
}
