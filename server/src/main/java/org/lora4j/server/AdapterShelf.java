package org.lora4j.server;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.chat.ChatEncoder;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.LoraAdapter;

/**
 * The adapters that requests may name. So many as are wanted are in memory, at most {@code most}; the others lie on disk and
 * come when they are asked for, in the place of the one that was of use longest ago and has nothing at work.
 *
 * <p>Files are read, checked and copied by a thread of the shelf's own; what the engine waits for is to put pointers to them in
 * their places. Adapters that train more than low-rank updates (biases, modules as a whole, DoRA) are an exception: they are
 * attached between two steps.
 */
final class AdapterShelf implements AutoCloseable {

    /** How long somebody waits for a place before one that is in use is held back for it. */
    private static final long PATIENCE_NANOS = 300_000_000L;

    private final AdapterSet set;
    private final int most;
    private final Metrics metrics;
    private final Function<Map<String, String>, ChatEncoder> encoders;
    private final Map<String, ServedAdapter> byName = new LinkedHashMap<>();
    private final Set<String> coming = new LinkedHashSet<>();
    private final ExecutorService reader = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("lora4j-adapters").daemon().factory());
    private WorkThread thread;
    private TextWork work;
    private long number;

    /** The work thread's: those for which somebody waits, and those in memory. */
    private final Set<ServedAdapter> wanted = new LinkedHashSet<>();
    private final Set<ServedAdapter> inMemory = new LinkedHashSet<>();

    /**
     * @param most     adapters in memory at a time
     * @param encoders how an adapter with such metadata takes chats
     */
    AdapterShelf(AdapterSet set, ServedAdapter base, int most, Function<Map<String, String>, ChatEncoder> encoders, Metrics metrics) {
        this.set = set;
        this.most = most;
        this.encoders = encoders;
        this.metrics = metrics;
        base.inMemory = true;
        byName.put(base.name, base);
        metrics.gauge("lora4j_adapters_loaded", "Adapters in memory.", () -> known().stream().filter(a -> a.inMemory && !a.isBase()).count());
        metrics.gauge("lora4j_adapters_known", "Adapters that requests may name.", () -> known().size() - 1);
    }

    void workIn(WorkThread where, TextWork of) {
        thread = where;
        work = of;
    }

    // ------------------------------------------------------------------------------------------------ any thread

    synchronized List<ServedAdapter> known() {
        return new ArrayList<>(byName.values());
    }

    synchronized @Nullable ServedAdapter find(String name) {
        return byName.get(name);
    }

    /**
     * Reads and checks an adapter, and lets requests name it; it is in memory when this returns, if there was a place.
     *
     * @throws LoraException if it is none of this base
     * @throws ApiException  if the name is taken
     */
    ServedAdapter load(String name, Path folder) {
        synchronized (this) {
            if (byName.containsKey(name) || name.equals(AdapterSet.BASE)) {
                throw ApiException.conflict("There is a model called " + Names.quoted(name) + ": unload it first, or choose another name");
            }
            if (!coming.add(name)) {
                throw ApiException.conflict("The adapter " + Names.quoted(name) + " is being loaded already");
            }
        }
        try {
            AdapterReader files = new AdapterReader(name, folder);
            StoredAdapter stored = files.read();
            LoraAdapter prepared = prepare(files, stored);
            ServedAdapter adapter = served(name, folder, stored);
            ask(() -> {
                if (prepared == null) {
                    check(adapter, files, stored);
                } else if (makeRoom()) {
                    join(adapter, prepared);
                }
                return null;
            });
            synchronized (this) {
                byName.put(name, adapter);
            }
            return adapter;
        } finally {
            synchronized (this) {
                coming.remove(name);
            }
        }
    }

    private void ask(Supplier<Void> question) {
        try {
            thread.ask(question).orTimeout(1, TimeUnit.MINUTES).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException known) {
                throw known;
            }
            throw e;
        }
    }

    private ServedAdapter served(String name, Path folder, StoredAdapter stored) {
        int rank = stored.updates().stream().mapToInt(update -> update.rank()).max().orElse(0);
        long parameters = stored.tensors().stream().mapToLong(tensor -> tensor.shape().size()).sum();
        String inside;
        synchronized (this) {
            inside = name + "#" + ++number;
        }
        return new ServedAdapter(name, inside, folder, PromptFormat.of(stored.metadata()), encoders.apply(stored.metadata()),
                new ServedAdapter.Facts(rank, parameters, stored.metadata()));
    }

    /** Null where it can only be attached between two steps. */
    private @Nullable LoraAdapter prepare(AdapterReader files, StoredAdapter stored) {
        boolean beside = stored.isUpdatesOnly() && set.model().backend().allocatesBesideWork();
        return beside ? set.prepare(model -> files.attach(model, stored)) : null;
    }

    /** Requests can name it no more; its answers under way are written to their end. */
    void unload(String name) {
        ServedAdapter adapter;
        synchronized (this) {
            adapter = byName.get(name);
            if (adapter == null) {
                throw ApiException.noModel(name, names());
            }
            if (adapter.isBase()) {
                throw ApiException.invalid("model", "The base cannot be unloaded");
            }
            byName.remove(name);
        }
        thread.tell(() -> {
            adapter.leaving = true;
            work.refuse(adapter, ApiException.notFound("The adapter was unloaded"));
            wanted.remove(adapter);
            if (adapter.users == 0) {
                drop(adapter);
            }
        });
    }

    /** For messages. */
    String names() {
        return Names.some(known().stream().map(adapter -> adapter.name).toList(), 12);
    }

    @Override
    public void close() {
        reader.shutdownNow();
    }

    // ------------------------------------------------------------------------------------------------ the work thread

    /** Those that somebody waits for. */
    Collection<ServedAdapter> wanted() {
        return wanted;
    }

    /** Somebody waits for it. */
    void want(ServedAdapter adapter) {
        wanted.add(adapter);
        tend();
    }

    /** Fetches what is waited for, as far as there are places. */
    void tend() {
        boolean full = false;
        for (ServedAdapter adapter : List.copyOf(wanted)) {
            if (!adapter.inMemory && !adapter.loading && !adapter.waiting.isEmpty()) {
                if (makeRoom()) {
                    fetch(adapter);
                } else {
                    full = true;
                    if (adapter.waiting.peek().age() > PATIENCE_NANOS) {
                        holdOne();
                    }
                }
            }
        }
        if (!full) {
            inMemory.forEach(adapter -> adapter.held = false);
        }
    }

    private void fetch(ServedAdapter adapter) {
        adapter.loading = true;
        reader.execute(() -> {
            AdapterReader files = new AdapterReader(adapter.name, adapter.folder);
            try {
                StoredAdapter stored = files.read();
                LoraAdapter prepared = prepare(files, stored);
                thread.tell(() -> {
                    adapter.loading = false;
                    if (!adapter.leaving) {
                        join(adapter, files, stored, prepared);
                    }
                });
            } catch (RuntimeException | Error e) {
                thread.tell(() -> {
                    adapter.loading = false;
                    failed(adapter, e);
                });
            }
        });
    }

    private void join(ServedAdapter adapter, AdapterReader files, StoredAdapter stored, @Nullable LoraAdapter prepared) {
        try {
            if (prepared != null) {
                join(adapter, prepared);
            } else {
                attach(adapter, files, stored);
            }
        } catch (RuntimeException e) {
            failed(adapter, e);
        }
    }

    private void failed(ServedAdapter adapter, Throwable why) {
        String message = why instanceof LoraException ? why.getMessage() : "The adapter cannot be loaded: " + why;
        work.refuse(adapter, ApiException.failed(message));
        wanted.remove(adapter);
    }

    private void join(ServedAdapter adapter, LoraAdapter prepared) {
        long begin = System.nanoTime();
        set.join(adapter.inside, prepared);
        arrived(adapter, begin);
    }

    private void attach(ServedAdapter adapter, AdapterReader files, StoredAdapter stored) {
        long begin = System.nanoTime();
        set.load(adapter.inside, model -> files.attach(model, stored));
        arrived(adapter, begin);
    }

    /** Attaches one whose fit only the model itself can tell; where there is no place it leaves again. */
    private void check(ServedAdapter adapter, AdapterReader files, StoredAdapter stored) {
        boolean room = makeRoom();
        attach(adapter, files, stored);
        if (!room) {
            forget(adapter);
        }
    }

    private void arrived(ServedAdapter adapter, long begin) {
        adapter.inMemory = true;
        adapter.begun = false;
        adapter.lastUsed = System.nanoTime();
        inMemory.add(adapter);
        metrics.loads.increment();
        metrics.attaching.add(System.nanoTime() - begin);
    }

    /** Whether there is a place for one more, if need be that of the one which was of use longest ago. */
    private boolean makeRoom() {
        long loading = wanted.stream().filter(adapter -> adapter.loading).count();
        if (inMemory.size() + loading < most) {
            return true;
        }
        ServedAdapter oldest = null;
        for (ServedAdapter each : inMemory) {
            if (each.isIdle() && (each.waiting.isEmpty() || each.held) && (oldest == null || each.lastUsed < oldest.lastUsed)) {
                oldest = each;
            }
        }
        if (oldest == null) {
            return false;
        }
        forget(oldest);
        return inMemory.size() + loading < most;
    }

    /** Lets one of those in use come to its end, so that another one gets its place: the one whose turn is longest ago. */
    private void holdOne() {
        ServedAdapter oldest = null;
        for (ServedAdapter each : inMemory) {
            if (each.held) {
                return; // its place is next
            }
            boolean older = oldest == null || each.lastUsed < oldest.lastUsed;
            oldest = each.begun && older ? each : oldest;
        }
        if (oldest != null) {
            oldest.held = true;
        }
    }

    /** Takes it out of memory; it stays on disk. */
    private void forget(ServedAdapter adapter) {
        if (adapter.inMemory) {
            work.engine().forget(adapter.inside);
            set.remove(adapter.inside);
            adapter.inMemory = false;
            adapter.held = false;
            inMemory.remove(adapter);
            metrics.unloads.increment();
        }
    }

    /** Takes leave of one that was unloaded and has nothing at work any more. */
    void drop(ServedAdapter adapter) {
        forget(adapter);
        wanted.remove(adapter);
    }
}
