package org.lora4j.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterHead;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.data.EncodedText;
import org.lora4j.data.TextEncoder;
import org.lora4j.family.Labels;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.task.Classification;
import org.lora4j.task.Predictions;
import org.lora4j.task.TaskFormat;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tuning.lora.AdapterSet;

/**
 * Labels: a classifier and its adapters, each of which may bring a head of its own for as many labels. Texts of one request are
 * judged together and those of different requests one after the other, so that nobody's scores depend on who else asks.
 */
final class LabelWork implements WorkThread.Work, AdapterHost {

    private final String id;
    private final SequenceClassifier model;
    private final Tokenizer tokenizer;
    private final AdapterSet set;
    private final Classification objective;
    private final int most;
    private final Metrics metrics;
    private final Map<String, ServedAdapter> byName = new LinkedHashMap<>();
    private final Set<ServedAdapter> inMemory = new LinkedHashSet<>(); // the work thread's
    private final AtomicInteger waiting = new AtomicInteger();
    private WorkThread thread;
    private long number;

    LabelWork(String id, SequenceClassifier model, Tokenizer tokenizer, Map<String, String> metadata, int most, Metrics metrics) {
        this.id = id;
        this.model = model;
        this.tokenizer = tokenizer;
        this.most = most;
        this.metrics = metrics;
        set = new AdapterSet(model);
        objective = new Classification(model.paddingId(), model.answers().regression());
        ServedAdapter base = new ServedAdapter(id, AdapterSet.BASE, null, null, null, new ServedAdapter.Facts(0, model.parameterCount(), metadata));
        base.inMemory = true;
        byName.put(id, base);
        metrics.gauge("lora4j_queue_requests", "Requests that wait.", waiting::get);
        metrics.gauge("lora4j_adapters_known", "Adapters that requests may name.", () -> known() - 1);
        metrics.gauge("lora4j_adapters_loaded", "Adapters in memory.", this::loaded);
    }

    void workIn(WorkThread where) {
        thread = where;
    }

    private synchronized int known() {
        return byName.size();
    }

    private synchronized double loaded() {
        return byName.values().stream().filter(adapter -> adapter.inMemory && !adapter.isBase()).count();
    }

    // ------------------------------------------------------------------------------------------------ judging

    /** @throws ApiException if there is no model of that name, or the base is meant and has no head */
    ServedAdapter named(@Nullable String name) {
        ServedAdapter found = find(name == null || name.equals(AdapterSet.BASE) ? id : name);
        if (found == null) {
            throw ApiException.noModel(name, names());
        }
        if (found.isBase() && model.hasNewHead()) {
            throw ApiException.invalid("model", "The base has no head that classifies, so its scores would be noise; name an adapter that "
                    + "brings one: there are " + names());
        }
        return found;
    }

    private synchronized String names() {
        return Names.some(byName.keySet(), 12);
    }

    TextEncoder encoder(ServedAdapter adapter) {
        int trained = TaskFormat.of(adapter.facts.metadata()).map(TaskFormat::longest).orElse(Integer.MAX_VALUE);
        return new TextEncoder(tokenizer, model.sizes().vocabulary(), Math.min(trained, model.sizes().positions()));
    }

    /** Whether one more may wait, who is counted if so. */
    boolean reserve(int limit) {
        if (waiting.incrementAndGet() > limit) {
            waiting.decrementAndGet();
            return false;
        }
        return true;
    }

    void leave() {
        waiting.decrementAndGet();
    }

    /** What the adapter says of some texts. */
    Predictions judge(ServedAdapter adapter, List<EncodedText> texts) {
        StoredAdapter stored = adapter.inMemory ? null : new AdapterReader(adapter.name, adapter.folder).read();
        return ask(() -> {
            if (!adapter.inMemory) {
                attach(adapter, stored == null ? new AdapterReader(adapter.name, adapter.folder).read() : stored);
            }
            adapter.lastUsed = System.nanoTime();
            long begin = System.nanoTime();
            set.switchTo(adapter.inside);
            try {
                Predictions said = Predictions.of(model, labels(adapter), objective, texts, texts.size(), done -> { });
                if (!said.areFinite()) {
                    throw ApiException.failed("Some scores are not finite: the model's weights, or the adapter's, hold values that are not");
                }
                return said;
            } finally {
                set.switchTo(AdapterSet.BASE);
                metrics.steps.add(System.nanoTime() - begin);
            }
        });
    }

    /** Those of the adapter's head, where it names them. */
    Labels labels(ServedAdapter adapter) {
        return adapter.labels == null ? model.answers() : adapter.labels;
    }

    private <T> T ask(Supplier<T> question) {
        try {
            return thread.ask(question).orTimeout(10, TimeUnit.MINUTES).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException known) {
                throw known;
            }
            throw e;
        }
    }

    /** The work thread's. */
    private void attach(ServedAdapter adapter, StoredAdapter stored) {
        if (inMemory.size() >= most) {
            ServedAdapter oldest = inMemory.stream().min((a, b) -> Long.compare(a.lastUsed, b.lastUsed)).orElseThrow();
            forget(oldest);
        }
        long begin = System.nanoTime();
        AdapterReader files = new AdapterReader(adapter.name, adapter.folder);
        set.load(adapter.inside, base -> files.attach(base, stored));
        adapter.inMemory = true;
        adapter.lastUsed = begin;
        inMemory.add(adapter);
        metrics.loads.increment();
        metrics.attaching.add(System.nanoTime() - begin);
    }

    private void forget(ServedAdapter adapter) {
        if (inMemory.remove(adapter)) {
            set.remove(adapter.inside);
            adapter.inMemory = false;
            metrics.unloads.increment();
        }
    }

    // ------------------------------------------------------------------------------------------------ adapters

    @Override
    public synchronized @Nullable ServedAdapter find(String name) {
        return byName.get(name);
    }

    @Override
    public ServedAdapter load(String name, Path folder) {
        synchronized (this) {
            if (name.equals(AdapterSet.BASE) || byName.containsKey(name)) {
                throw ApiException.conflict("There is a model called " + Names.quoted(name) + ": unload it first, or choose another name");
            }
        }
        StoredAdapter stored = new AdapterReader(name, folder).read();
        if (model.hasNewHead()) {
            AdapterHead.require(model, folder);
        }
        int rank = stored.updates().stream().mapToInt(update -> update.rank()).max().orElse(0);
        long parameters = stored.tensors().stream().mapToLong(tensor -> tensor.shape().size()).sum();
        ServedAdapter adapter;
        synchronized (this) {
            adapter = new ServedAdapter(name, name + "#" + ++number, folder, null, null,
                    new ServedAdapter.Facts(rank, parameters, stored.metadata()));
        }
        Optional<List<String>> names = AdapterHead.of(stored).flatMap(AdapterHead::names);
        adapter.labels = names.filter(list -> list.size() == model.answers().count()).map(Labels::of).orElse(null);
        ask(() -> {
            attach(adapter, stored);
            return null;
        });
        synchronized (this) {
            if (byName.putIfAbsent(name, adapter) == null) {
                return adapter;
            }
        }
        thread.tell(() -> forget(adapter)); // another one came first
        throw ApiException.conflict("There is a model called " + Names.quoted(name) + ": unload it first, or choose another name");
    }

    @Override
    public void unload(String name) {
        synchronized (this) {
            ServedAdapter adapter = byName.get(name);
            if (adapter == null) {
                throw ApiException.noModel(name, names());
            }
            if (adapter.isBase()) {
                throw ApiException.invalid("model", "The base cannot be unloaded");
            }
            byName.remove(name);
            thread.tell(() -> forget(adapter));
        }
    }

    @Override
    public ObjectNode described(ServedAdapter adapter) {
        ObjectNode one = Json.object().put("id", adapter.name).put("object", "model").put("created", adapter.since)
                .put("owned_by", "lora4j").put("max_model_len", model.sizes().positions())
                .put("root", id).put("parent", adapter.isBase() ? null : id).put("in_memory", adapter.inMemory);
        labels(adapter).names().forEach(one.withArray("labels")::add);
        return adapter.isBase() ? one : one.put("rank", adapter.facts.rank()).put("parameters", adapter.facts.parameters());
    }

    @Override
    public synchronized ObjectNode models() {
        ObjectNode all = Json.object().put("object", "list");
        byName.values().forEach(adapter -> all.withArray("data").add(described(adapter)));
        return all;
    }

    // ------------------------------------------------------------------------------------------------ the work thread

    @Override
    public boolean step() {
        return false; // everything is a question
    }

    @Override
    public void failed(Throwable why) {
        // whoever asked was told
    }

    @Override
    public boolean isDone() {
        return waiting.get() == 0;
    }

    @Override
    public void abort() {
        waiting.set(0);
    }

    void close() {
        set.close();
    }
}
