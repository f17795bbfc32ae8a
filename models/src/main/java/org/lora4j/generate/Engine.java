package org.lora4j.generate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.model.CausalModel;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterSet;

/**
 * Writes texts, many at a time, each as if it were alone. Requests may come while others are being written:
 *
 * <pre>{@code
 * Engine engine = new Engine(gpt2);
 * Ticket one = engine.submit(Request.of(prompt).withListener(…));
 * while (engine.step()) { … }             // a token for each text; submit and cancel in between
 * one.texts();
 * }</pre>
 *
 * <p>A step reads the prompts of requests that have come and fit, which gives each text its first token, and computes one
 * position more of every text that was being written. Keys and values lie in one {@link org.lora4j.nn.KeyValuePool}; a text that ends gives
 * its rows back. Requests that do not fit wait, and nothing overtakes them.
 *
 * <p><b>A text does not depend on its company by a bit</b> (on {@code cpu} and {@code reference}), nor on when it joins or
 * who leaves: a prompt is read in a pass of its own; texts go on in passes of at most {@link #FEW_ROWS} rows, hypotheses of
 * beam search in passes of at least {@link #MANY_ROWS}, and within each of these a product sums every row alike, however
 * many there are. Between the two it would not.
 *
 * <p>Each request has its own adapter where the engine is over a set. Those that can share a batch do, the others take turns.
 *
 * <p>Used by one thread at a time, but for {@link Ticket#cancel}.
 */
public final class Engine {

    /** A product of at most so many rows sums each as it would alone; {@code cpu}'s way for few rows ends there. */
    static final int FEW_ROWS = 8;
    /** And so does one of at least so many, in another order. */
    static final int MANY_ROWS = 16;
    /** Hypotheses at a time: more make a pass no faster. */
    private static final int WIDEST = 160;
    /** Texts at a time: more make no text sooner and fill the memory. */
    private static final int MOST_TEXTS = 32;
    /** What keys and values may take, unless a single request takes more. */
    private static final long MOST_BYTES = 256L << 20;

    private final CausalModel model;
    private final @Nullable AdapterSet set;
    private final Passes passes;
    private final Sampler sampler;
    private final float[] logits;
    private final long room;
    private final Deque<Job> waiting = new ArrayDeque<>();
    private final List<Job> open = new ArrayList<>();
    private TopTokens top;
    private int topWidth;

    /** For requests without an adapter's name, written by the model as it is. */
    public Engine(CausalModel model) {
        this(model, null);
    }

    /**
     * For requests that each name an adapter of the set.
     *
     * @throws LoraException if the set's model is none that writes
     */
    public Engine(AdapterSet set) {
        this(writing(set), set);
    }

    private static CausalModel writing(AdapterSet set) {
        if (set.model() instanceof CausalModel model) {
            return model;
        }
        throw new LoraException(set.model().description() + ": writes no text");
    }

    private Engine(CausalModel model, @Nullable AdapterSet set) {
        this.model = model;
        this.set = set;
        passes = new Passes(model, set);
        logits = new float[model.vocabularySize()];
        sampler = new Sampler(logits.length);
        room = MOST_BYTES / model.bytesPerPosition();
    }

    /**
     * Takes a request; {@link #step} is at work on it from now on.
     *
     * @throws LoraException if its prompt is empty or holds what is no token, prompt and new tokens do not fit the model's
     *                       positions, or there is no such adapter; nothing is taken then
     */
    public Ticket submit(Request request) {
        require(request);
        Ticket ticket = new Ticket(request);
        Job job;
        if (request.beam() != null) {
            if (top == null || topWidth < request.beam().width()) {
                topWidth = request.beam().width();
                top = new TopTokens(model.backend(), logits.length, topWidth);
            }
            job = new BeamJob(request, ticket, top);
        } else {
            job = new SampledJob(request, ticket, model.backend(), sampler, logits);
        }
        if (request.maxNewTokens() == 0) {
            job.finish(End.LENGTH, null);
        } else {
            waiting.add(job);
        }
        return ticket;
    }

    private void require(Request request) {
        if (request.length() == 0) {
            throw new LoraException("an empty prompt: there is nothing to continue. Give some text");
        }
        for (int id : request.prompt()) {
            if (id < 0 || id >= model.vocabularySize()) {
                throw new LoraException("token " + id + " is outside the model's vocabulary of " + model.vocabularySize()
                        + " tokens (0 to " + (model.vocabularySize() - 1) + "): was it made by another model's tokenizer?");
            }
        }
        if (set == null && !request.adapter().equals(AdapterSet.BASE)) {
            throw new LoraException("adapter '" + request.adapter() + "': this engine is over a model, not over a set of"
                    + " adapters");
        }
        if (set != null) {
            set.canShareBatch(request.adapter()); // refuses an unknown name
        }
        requireFitting(model, request.length(), request.maxNewTokens());
        if (request.beam() != null && (request.samples() != 1 || !request.sampling().equals(Sampling.GREEDY))) {
            throw new LoraException("beam search draws nothing and finds one text: a request has a beam, or sampling and"
                    + " samples");
        }
    }

    /** @throws LoraException if a prompt of so many tokens and as many new ones are more than the model has positions */
    static void requireFitting(CausalModel model, int prompt, int maxNewTokens) {
        int limit = model.maxLength();
        if ((long) prompt + maxNewTokens > limit) {
            throw new LoraException("a prompt of " + prompt + " tokens and " + maxNewTokens
                    + " new ones are more than the model's " + limit + " positions: shorten the prompt"
                    + (prompt < limit ? " or ask for at most " + (limit - prompt) + " new tokens" : ""));
        }
    }

    /**
     * One token for each text that is being written, the first one for those that begin.
     *
     * @return whether there is more to do
     */
    public boolean step() {
        String active = set == null ? null : set.active();
        try {
            dropDone();
            List<Job> going = List.copyOf(open);
            read();
            goOn(going);
            dropDone();
        } finally {
            if (set != null && !set.active().equals(active) && (active.equals(AdapterSet.BASE) || set.names().contains(active))) {
                set.switchTo(active);
            }
        }
        return !open.isEmpty() || !waiting.isEmpty();
    }

    /** Steps until nothing is left to do. */
    public void run() {
        while (step()) {
            // each step is all there is to do
        }
    }

    /** Ends what was cancelled and takes leave of what is done. */
    private void dropDone() {
        for (Iterator<Job> each = waiting.iterator(); each.hasNext();) {
            Job job = each.next();
            if (job.ticket.isCancelled()) {
                each.remove();
                job.finish(End.CANCELLED, null);
            }
        }
        for (Iterator<Job> each = open.iterator(); each.hasNext();) {
            Job job = each.next();
            if (job.ticket.isDone()) {
                each.remove();
            } else if (job.isDone() || job.ticket.isCancelled()) {
                each.remove();
                job.finish(End.CANCELLED, null); // what is done has its end
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ prompts

    /** Reads the prompts of those that fit, in the order in which they came. */
    private void read() {
        while (!waiting.isEmpty() && fits(waiting.peek())) {
            Job job = waiting.poll();
            open.add(job);
            guarded(List.of(job), () -> {
                passes.room(working().mapToLong(this::positions).sum() + MANY_ROWS);
                passes.read(job);
            });
        }
    }

    private boolean fits(Job job) {
        long positions = positions(job) + working().mapToLong(this::positions).sum();
        long texts = weight(job) + working().mapToLong(Engine::weight).sum();
        return working().findAny().isEmpty() || positions <= room && texts <= (long) MOST_TEXTS * WIDEST;
    }

    private long positions(Job job) {
        return job.positions() + model.prefix().length + model.infix().length;
    }

    private Stream<Job> working() {
        return open.stream().filter(job -> !job.ticket.isDone() && (job.isNew() || !job.isDone()));
    }

    /** How much of a step it is, in parts of which there are {@code MOST_TEXTS·WIDEST}. */
    private static long weight(Job job) {
        return (long) job.width() * (job.isWide() ? MOST_TEXTS : WIDEST);
    }

    // ------------------------------------------------------------------------------------------------ positions

    private void goOn(List<Job> jobs) {
        Map<String, List<Job.Row>> few = new LinkedHashMap<>();
        Map<String, List<BeamJob>> wide = new LinkedHashMap<>();
        for (Job job : jobs) {
            if (!job.ticket.isDone() && exists(job)) {
                if (job instanceof BeamJob search) {
                    wide.computeIfAbsent(job.request.adapter(), name -> new ArrayList<>()).add(search);
                } else {
                    few.computeIfAbsent(job.request.adapter(), name -> new ArrayList<>()).addAll(job.rows);
                }
            }
        }
        List<Job.Row> together = new ArrayList<>();
        few.forEach((name, rows) -> {
            if (set == null || set.canShareBatch(name)) {
                together.addAll(rows);
            } else {
                goOnFew(rows);
            }
        });
        goOnFew(together);
        wide.values().forEach(this::goOnWide);
    }

    /** Whether the job's adapter is still there; if not, it fails. */
    private boolean exists(Job job) {
        guarded(List.of(job), () -> {
            if (set != null) {
                set.canShareBatch(job.request.adapter());
            }
        });
        return !job.ticket.isDone();
    }

    private void goOnFew(List<Job.Row> rows) {
        for (int from = 0; from < rows.size(); from += FEW_ROWS) {
            List<Job.Row> some = rows.subList(from, Math.min(from + FEW_ROWS, rows.size())).stream()
                    .filter(row -> !row.job.ticket.isDone()).toList(); // a listener's fault has ended some perhaps
            if (some.isEmpty()) {
                continue;
            }
            Tensor[] next = new Tensor[1];
            guarded(some.stream().map(row -> row.job).distinct().toList(), () -> next[0] = passes.next(some, some.size()));
            for (int i = 0; i < some.size() && next[0] != null; i++) {
                Job.Row row = some.get(i);
                int at = i;
                if (!row.job.ticket.isDone()) {
                    guarded(List.of(row.job), () -> ((SampledJob) row.job).advance(row, next[0], at));
                }
            }
        }
    }

    private void goOnWide(List<BeamJob> jobs) {
        int from = 0;
        while (from < jobs.size()) {
            int to = from;
            int count = 0;
            do {
                count += jobs.get(to++).rows.size();
            } while (to < jobs.size() && count + jobs.get(to).rows.size() <= WIDEST);
            List<BeamJob> some = jobs.subList(from, to);
            List<Job.Row> rows = some.stream().flatMap(job -> job.rows.stream()).toList();
            guarded(List.copyOf(some), () ->
                    BeamJob.advance(some, top, passes.next(rows, Math.max(MANY_ROWS, rows.size()))));
            from = to;
        }
    }

    /** What goes wrong with some jobs ends these and no others. */
    private static void guarded(List<Job> jobs, Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            for (Job job : jobs) {
                if (!job.ticket.isDone()) {
                    job.finish(End.FAILED, e);
                }
            }
        }
    }
}
