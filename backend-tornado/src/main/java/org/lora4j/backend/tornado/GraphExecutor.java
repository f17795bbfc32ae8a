package org.lora4j.backend.tornado;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/**
 * Runs launches as task graphs on a device. The first run opens the device: its launches are cut into pieces, and the plan
 * has a graph for each, and one for each kernel alone for what is to come. When other sequences turn up again and again,
 * such as decoding's after training's, a new plan with their pieces too takes the old one's place.
 */
final class GraphExecutor implements Executor {

    /**
     * A sequence that has run so many kernels one by one is worth graphs of its own: the new plan compiles everything once
     * more, ten seconds or so, and spares each of these kernels some 50 µs.
     */
    private static final int WORTH_GRAPHS = 20_000;
    /** TornadoVM keeps some 200 bytes for each execution of a plan; after so many the plan is made anew. */
    private static final long RENEW_AFTER = 500_000;

    private final DeviceMemory memory;
    private final TornadoDevice device;
    private final CompilerFlags flags;
    private final Tiling tiling;
    private final Tables tables = new Tables(Graphs.TABLES);
    private final Map<List<Kernel>, Integer> seen = new HashMap<>();
    private final List<List<Kernel>> worthGraphs = new ArrayList<>();
    private Graphs graphs;
    private Segments segments;
    private int[] args = new int[0];
    private float[] factors = new float[0];
    private long launches;
    private long executions;
    private int plans;

    GraphExecutor(DeviceMemory memory, TornadoDevice device, CompilerFlags flags) {
        this.memory = memory;
        this.device = device;
        this.flags = flags;
        this.tiling = Tiling.of(device);
    }

    @Override
    public void run(List<Launch> recorded) {
        List<Launch> list = tiling.choose(recorded);
        List<Kernel> sequence = list.stream().map(Launch::kernel).toList();
        prepare(sequence);
        int from = 0;
        while (from < list.size()) {
            int to = encode(list, from);
            graphs.storeTables(tables.values(), tables.used());
            List<Launch> part = list.subList(from, to);
            List<Kernel> kernels = sequence.subList(from, to);
            for (int at = 0; at < part.size();) {
                int piece = segments.at(kernels, at);
                graphs.run(piece, args, factors, at, part);
                at += graphs.pieces().get(piece).size();
            }
            from = to;
        }
        launches += list.size();
    }

    /** Opens the device, or changes its graphs, so that the sequence runs in large pieces. */
    private void prepare(List<Kernel> sequence) {
        if (graphs == null) {
            learn(sequence);
            open();
            return;
        }
        int alone = segments.alone(sequence, graphs.pieces());
        if (alone > sequence.size() / 2 && seen.merge(sequence, alone, Integer::sum) > WORTH_GRAPHS) {
            seen.remove(sequence);
            learn(sequence);
            bringHome();
            open();
        } else if (graphs.executions() > RENEW_AFTER) {
            bringHome();
            open();
        }
    }

    private void learn(List<Kernel> sequence) {
        for (List<Kernel> piece : Segments.of(sequence)) {
            if (!worthGraphs.contains(piece)) {
                worthGraphs.add(piece);
            }
        }
    }

    private void open() {
        List<List<Kernel>> pieces = new ArrayList<>();
        for (Kernel kernel : Kernel.values()) {
            pieces.add(List.of(kernel));
        }
        pieces.addAll(worthGraphs);
        graphs = new Graphs(memory.values(), pieces, device, flags);
        segments = new Segments(pieces);
        plans++;
    }

    /** Encodes launches from {@code from} on, as many as the tables have room for; returns the first that is left. */
    private int encode(List<Launch> list, int from) {
        tables.clear();
        int most = list.size() - from;
        if (args.length < most * Launch.ARGS) {
            args = new int[most * Launch.ARGS];
            factors = new float[most * Launch.FACTORS];
        }
        int at = from;
        while (at < list.size() && (at == from || tables.hasRoomFor(list.get(at)))) {
            tables.encode(list.get(at), args, factors, (at - from) * Launch.ARGS);
            at++;
        }
        return at;
    }

    @Override
    public void write(float[] src, int from, int offset, int count) {
        if (isHome()) {
            System.arraycopy(src, from, memory.values(), offset, count);
        } else {
            graphs.store(src, from, offset, count);
        }
    }

    @Override
    public void read(int offset, float[] dst, int to, int count) {
        graphs.fetch(offset, dst, to, count);
    }

    @Override
    public double sum(int offset, int count, boolean squares) {
        if (isHome()) {
            open();
        }
        return graphs.sum(offset, count, squares);
    }

    @Override
    public void bringHome() {
        if (graphs != null) {
            graphs.fetch(0, memory.values(), 0, memory.used());
            closeGraphs();
        }
    }

    @Override
    public boolean isHome() {
        return graphs == null;
    }

    @Override
    public long launches() {
        return launches;
    }

    /** Task graphs executed, transfers included. */
    long executions() {
        return executions + (graphs == null ? 0 : graphs.executions());
    }

    /** Execution plans made so far: one, and one more whenever memory grew or new sequences became frequent. */
    int plans() {
        return plans;
    }

    @Override
    public Map<String, Long> counters() {
        return Map.of("kernels", launches, "graphs", executions(), "plans", (long) plans);
    }

    @Override
    public String describe() {
        return Tornado.describe(device);
    }

    private void closeGraphs() {
        executions += graphs.executions();
        graphs.close();
        graphs = null;
        segments = null;
    }

    @Override
    public void close() {
        if (graphs != null) {
            closeGraphs();
        }
    }
}
