package org.lora4j.generate;

import com.google.common.primitives.Ints;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.model.CausalModel;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.Past;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterMix;
import org.lora4j.tuning.lora.AdapterSet;

/** An engine's passes through the model: that of a prompt, and that of one position more of some rows. */
final class Passes {

    private final CausalModel model;
    private final @Nullable AdapterSet set;
    private final Backend backend;
    private final Workspace ws;
    private KeyValuePool pool;
    private IntTensor table;
    private IntTensor mask;
    private long steps;

    /** @param set null for the model as it is */
    Passes(CausalModel model, @Nullable AdapterSet set) {
        this.model = model;
        this.set = set;
        backend = model.backend();
        ws = Workspace.forInference(backend, Engine.MANY_ROWS);
    }

    /** Makes room for so many positions, more than it had by some if at all. */
    void room(long positions) {
        int wanted = (int) Math.min(Integer.MAX_VALUE - 16, positions);
        if (pool == null) {
            pool = model.newPool(wanted);
        } else if (pool.capacity() < wanted) {
            pool.grow((int) Math.min(Integer.MAX_VALUE - 16, Math.max(wanted, 2L * pool.capacity())));
        }
    }

    /** Reads a job's prompt in a pass of its own, and begins the job. */
    void read(Job job) {
        int[] prompt = Ints.concat(model.prefix(), job.request.prompt(), model.infix());
        int length = job.isWide() ? Math.max(Engine.MANY_ROWS, prompt.length) : prompt.length;
        int[] positions = new int[length];
        Arrays.setAll(positions, t -> t < prompt.length ? t : 0);
        int[] wanted = new int[job.isWide() ? Engine.MANY_ROWS : 1]; // row 0 beyond the first, for nothing
        wanted[0] = prompt.length - 1;
        int[] rows = pool.take(prompt.length);
        Trail trail = new Trail(pool, rows);
        Tensor logits;
        try {
            use(List.of(job));
            ws.begin(length, steps++);
            logits = model.next(Arrays.copyOf(prompt, length), positions, pool.prompts(new int[][] {rows}, length), wanted, ws);
        } catch (RuntimeException e) {
            trail.release();
            throw e;
        }
        job.begun();
        job.begin(trail, logits);
    }

    /**
     * One position more of each row, with the token that it has chosen.
     *
     * @param count rows of the pass; those beyond are the first one again, for nothing
     * @return logits, (count, V)
     */
    Tensor next(List<Job.Row> rows, int count) {
        int[] taken = pool.take(count);
        Trail[] trails = new Trail[count];
        int[] tokens = new int[count];
        int[] positions = new int[count];
        int keys = 0;
        for (int i = 0; i < count; i++) {
            Job.Row row = rows.get(i < rows.size() ? i : 0);
            trails[i] = i < rows.size() ? row.trail : row.trail.fork();
            tokens[i] = row.token;
            positions[i] = trails[i].length();
            keys = Math.max(keys, positions[i] + 1);
        }
        try {
            for (int i = 0; i < count; i++) {
                trails[i].append(taken[i]);
            }
            use(rows.stream().map(row -> row.job).toList());
            ws.begin(count, steps++);
            return model.next(tokens, positions, past(trails, taken, keys), null, ws);
        } finally {
            for (int i = rows.size(); i < count; i++) {
                trails[i].release();
            }
        }
    }

    /** The trails side by side, the shorter ones filled up with what the mask hides. */
    private Past past(Trail[] trails, int[] taken, int keys) {
        int[] rows = new int[trails.length * keys];
        int[] seen = new int[rows.length];
        boolean masked = false;
        for (int i = 0; i < trails.length; i++) {
            trails[i].copyTo(rows, i * keys);
            Arrays.fill(seen, i * keys, i * keys + trails[i].length(), 1);
            masked |= trails[i].length() < keys;
        }
        if (table == null || table.size() < rows.length) {
            table = backend.allocateInts(Shape.of(2 * rows.length));
            mask = backend.allocateInts(Shape.of(2 * rows.length));
        }
        Shape shape = Shape.of(trails.length, keys);
        IntTensor tableOfRows = table.as(shape);
        backend.upload(rows, 0, tableOfRows, rows.length);
        IntTensor maskOfRows = masked ? mask.as(shape) : null;
        if (masked) {
            backend.upload(seen, 0, maskOfRows, seen.length);
        }
        return pool.next(taken, tableOfRows, maskOfRows);
    }

    /**
     * Lets the next pass's rows each use its job's adapter. Those that train what all rows share are alone in their pass,
     * and so are hypotheses of one adapter: the set is switched to it.
     */
    private void use(List<Job> jobOfRow) {
        if (set == null) {
            return;
        }
        String first = jobOfRow.getFirst().request.adapter();
        if (jobOfRow.getFirst().isWide() || !set.canShareBatch(first)) {
            AdapterMix.clear(ws);
            set.switchTo(first);
        } else {
            set.switchTo(AdapterSet.BASE); // biases of one that is switched on would reach all rows
            set.mix(jobOfRow.stream().map(job -> job.request.adapter()).toList()).applyTo(ws);
        }
    }
}
