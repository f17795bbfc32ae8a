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
    private final @Nullable Beginnings beginnings;
    private long steps;
    private long read;
    private long shared;

    /**
     * @param set              null for the model as it is
     * @param sharesBeginnings whether beginnings of prompts are kept
     */
    Passes(CausalModel model, @Nullable AdapterSet set, boolean sharesBeginnings) {
        this.beginnings = sharesBeginnings ? new Beginnings() : null;
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

    /**
     * Reads a job's prompt in a pass of its own, and begins the job. Where the beginning is kept of an earlier prompt, the pass
     * is over the rest.
     */
    void read(Job job) {
        int[] prompt = Ints.concat(model.prefix(), job.request.prompt());
        Object owner = owner(job.request.adapter());
        Trail trail = beginnings == null ? null : beginnings.find(owner, prompt);
        if (trail == null) {
            trail = new Trail(pool, new int[0]);
        }
        Tensor logits;
        try {
            int known = trail.length();
            int[] beginning = trail.rows();
            int fresh = prompt.length - known;
            int length = job.isWide() ? Math.max(Engine.MANY_ROWS, fresh) : fresh;
            int[] positions = new int[length];
            Arrays.setAll(positions, t -> t < fresh ? known + t : 0);
            int[] wanted = new int[job.isWide() ? Engine.MANY_ROWS : 1]; // row 0 beyond the first, for nothing
            wanted[0] = fresh - 1;
            int[] rows = take(fresh);
            for (int row : rows) {
                trail.append(row);
            }
            use(List.of(job));
            ws.begin(length, steps++);
            Past past = known == 0 ? pool.prompts(new int[][] {rows}, length) : pool.behind(beginning, rows);
            logits = model.next(Arrays.copyOf(Arrays.copyOfRange(prompt, known, prompt.length), length), positions, past, wanted, ws);
            read += fresh;
            shared += known;
        } catch (RuntimeException e) {
            trail.release();
            throw e;
        }
        if (beginnings != null) {
            beginnings.keep(owner, prompt, trail);
        }
        job.begun();
        job.begin(trail, logits);
    }

    /** Free rows of the pool; what is kept for prompts to come makes room. */
    private int[] take(int count) {
        while (beginnings != null && pool.free() < count && beginnings.dropOne()) {
            // until there are enough
        }
        return pool.take(count);
    }

    /** Whose keys and values an adapter's are: those of one that was removed are not those of the next of its name. */
    private Object owner(String adapter) {
        return set == null || adapter.equals(AdapterSet.BASE) ? model : set.get(adapter);
    }

    /** Lets go of what was kept under adapters that are gone. */
    void drop(Object owner) {
        if (beginnings != null) {
            beginnings.drop(owner);
        }
    }

    /** Positions of prompts that were computed. */
    long read() {
        return read;
    }

    /** Positions of prompts that were there already. */
    long shared() {
        return shared;
    }

    /** Positions that are in use, those of kept beginnings among them. */
    int used() {
        return pool == null ? 0 : pool.capacity() - pool.free();
    }

    /**
     * One position more of each row, with the token that it has chosen.
     *
     * @param count rows of the pass; those beyond are the first one again, for nothing
     * @return logits, (count, V)
     */
    Tensor next(List<Job.Row> rows, int count) {
        int[] taken = take(count);
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
