package org.lora4j.backend.tornado;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.lora4j.LoraException;
import org.lora4j.backend.tornado.kernel.TransferKernels;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;

/**
 * The task graphs of one execution plan, and the arrays they share. The memory and the tables go to the device with the
 * first graph's execution and are handed from each graph to whichever is executed next; the small arrays travel with each
 * execution:
 *
 * <pre>
 *   touch                                memory, tables → device
 *   store tables, store, fetch, sums     a small array ↔ a stretch of a large one
 *   one graph for each piece             args, factors → device; the piece's kernels
 * </pre>
 *
 * <p>A graph's kernels are compiled when it is executed for the first time.
 */
final class Graphs {

    /** Numbers that travel at once: a few for a loss, more for logits and weights. */
    static final int SMALL = 1 << 10;
    static final int LARGE = 1 << 20;
    /** Whole numbers that travel at once. */
    static final int LISTS = 1 << 13;
    /** Whole numbers that one run may read: token ids, targets, masks, lists of operands. */
    static final int TABLES = 1 << 22;
    /** Partial sums of a reduction. */
    static final int PARTS = 256;

    private static final int TOUCH = 0;
    private static final int STORE_TABLES = 1;
    private static final int STORE_SMALL = 2;
    private static final int STORE_LARGE = 3;
    private static final int FETCH_SMALL = 4;
    private static final int FETCH_LARGE = 5;
    private static final int SUMS = 6;
    private static final int FIRST_PIECE = 7;

    private final float[] memory;
    private final int[] tables = new int[TABLES];
    private final int[] travellingLists = new int[LISTS];
    private final float[] small = new float[SMALL];
    private final float[] large = new float[LARGE];
    private final double[] sums = new double[PARTS];
    private final KernelContext context = new KernelContext();
    private final int[] transfer = new int[4];
    private final int[] args = new int[Segments.MOST * Launch.ARGS];
    private final float[] factors = new float[Segments.MOST * Launch.FACTORS];
    private final TornadoDevice device;
    private final List<List<Kernel>> pieces;
    private final List<WorkerGrid[]> grids = new ArrayList<>();
    private final TornadoExecutionPlan plan;
    private long executions;

    Graphs(float[] memory, List<List<Kernel>> pieces, TornadoDevice device, CompilerFlags flags) {
        this.memory = memory;
        this.device = device;
        this.pieces = pieces;
        List<TaskGraph> graphs = new ArrayList<>();
        graphs.add(new TaskGraph("touch").transferToDevice(DataTransferMode.FIRST_EXECUTION, memory, tables)
                .transferToDevice(DataTransferMode.EVERY_EXECUTION, transfer)
                .task("t0", TransferKernels::touch, memory, tables, transfer).persistOnDevice(memory, tables));
        graphs.add(next("storeTables").transferToDevice(DataTransferMode.EVERY_EXECUTION, travellingLists, transfer)
                .task("t0", TransferKernels::storeTables, memory, tables, travellingLists, transfer));
        graphs.add(next("storeSmall").transferToDevice(DataTransferMode.EVERY_EXECUTION, small, transfer)
                .task("t0", TransferKernels::store, memory, tables, small, transfer));
        graphs.add(next("storeLarge").transferToDevice(DataTransferMode.EVERY_EXECUTION, large, transfer)
                .task("t0", TransferKernels::store, memory, tables, large, transfer));
        graphs.add(next("fetchSmall").transferToDevice(DataTransferMode.EVERY_EXECUTION, transfer)
                .task("t0", TransferKernels::fetch, memory, tables, small, transfer)
                .transferToHost(DataTransferMode.EVERY_EXECUTION, small));
        graphs.add(next("fetchLarge").transferToDevice(DataTransferMode.EVERY_EXECUTION, transfer)
                .task("t0", TransferKernels::fetch, memory, tables, large, transfer)
                .transferToHost(DataTransferMode.EVERY_EXECUTION, large));
        graphs.add(next("sums").transferToDevice(DataTransferMode.EVERY_EXECUTION, transfer)
                .task("t0", TransferKernels::sums, memory, tables, sums, transfer)
                .transferToHost(DataTransferMode.EVERY_EXECUTION, sums));
        for (int i = 0; i < pieces.size(); i++) {
            graphs.add(piece("piece" + i, pieces.get(i)));
        }
        GridScheduler scheduler = new GridScheduler();
        for (int i = 0; i < graphs.size(); i++) {
            WorkerGrid[] ofGraph = new WorkerGrid[i < FIRST_PIECE ? 1 : pieces.get(i - FIRST_PIECE).size()];
            for (int task = 0; task < ofGraph.length; task++) {
                ofGraph[task] = new WorkerGrid1D(1);
                setWork(ofGraph[task], 1, 1);
                scheduler.addWorkerGrid(graphs.get(i).getTaskGraphName() + ".t" + task, ofGraph[task]);
            }
            grids.add(ofGraph);
        }
        plan = new TornadoExecutionPlan(graphs.stream().map(TaskGraph::snapshot).toArray(ImmutableTaskGraph[]::new));
        plan.withDevice(device);
        flags.setOn(plan);
        plan.withGridScheduler(scheduler);
        execute(TOUCH, "the first transfer", 1);
    }

    private TaskGraph next(String name) {
        return new TaskGraph(name).consumeFromDevice(memory, tables);
    }

    private TaskGraph piece(String name, List<Kernel> kernels) {
        TaskGraph graph = next(name).transferToDevice(DataTransferMode.EVERY_EXECUTION, args, factors);
        for (int task = 0; task < kernels.size(); task++) {
            Kernel kernel = kernels.get(task);
            try {
                add(graph, "t" + task, kernel, task * Launch.ARGS);
            } catch (RuntimeException | Error e) {
                throw failure(kernel.toString(), e);
            }
        }
        return graph;
    }

    private void add(TaskGraph graph, String task, Kernel kernel, int slot) {
        if (kernel.isTiled()) {
            graph.task(task, Tasks.tiled(kernel), context, memory, tables, args, factors, slot);
        } else {
            graph.task(task, Tasks.plain(kernel), memory, tables, args, factors, slot);
        }
    }

    List<List<Kernel>> pieces() {
        return pieces;
    }

    /** Graphs executed so far; TornadoVM keeps a record of each. */
    long executions() {
        return executions;
    }

    /** Runs a piece with the args and factors of these launches, encoded one behind the other from {@code from} on. */
    void run(int piece, int[] encodedArgs, float[] encodedFactors, int from, List<Launch> launches) {
        int count = pieces.get(piece).size();
        System.arraycopy(encodedArgs, from * Launch.ARGS, args, 0, count * Launch.ARGS);
        System.arraycopy(encodedFactors, from * Launch.FACTORS, factors, 0, count * Launch.FACTORS);
        WorkerGrid[] ofGraph = grids.get(FIRST_PIECE + piece);
        for (int task = 0; task < count; task++) {
            Launch launch = launches.get(from + task);
            setWork(ofGraph[task], Tiling.groups(launch), Tiling.group(launch.kernel()));
        }
        select(FIRST_PIECE + piece, () -> pieces.get(piece).toString());
    }

    void storeTables(int[] values, int count) {
        for (int done = 0; done < count; done += LISTS) {
            int part = Math.min(LISTS, count - done);
            System.arraycopy(values, done, travellingLists, 0, part);
            transfer[0] = part;
            transfer[1] = done;
            execute(STORE_TABLES, "store tables", part);
        }
    }

    void store(float[] src, int from, int offset, int count) {
        float[] travelling = count <= SMALL ? small : large;
        for (int done = 0; done < count; done += travelling.length) {
            int part = Math.min(travelling.length, count - done);
            System.arraycopy(src, from + done, travelling, 0, part);
            transfer[0] = part;
            transfer[1] = offset + done;
            execute(count <= SMALL ? STORE_SMALL : STORE_LARGE, "store", part);
        }
    }

    void fetch(int offset, float[] dst, int to, int count) {
        float[] travelling = count <= SMALL ? small : large;
        for (int done = 0; done < count; done += travelling.length) {
            int part = Math.min(travelling.length, count - done);
            transfer[0] = part;
            transfer[1] = offset + done;
            execute(count <= SMALL ? FETCH_SMALL : FETCH_LARGE, "fetch", part);
            System.arraycopy(travelling, 0, dst, to + done, part);
        }
    }

    double sum(int offset, int count, boolean squares) {
        transfer[0] = count;
        transfer[1] = offset;
        transfer[2] = PARTS;
        transfer[3] = squares ? 1 : 0;
        execute(SUMS, "sums", PARTS);
        double sum = 0;
        for (double part : sums) {
            sum += part;
        }
        return sum;
    }

    private void execute(int graph, String kernel, int workItems) {
        setWork(grids.get(graph)[0], Tiling.plainGroups(workItems), Tiling.group(Kernel.COPY));
        select(graph, () -> kernel);
    }

    private static void setWork(WorkerGrid grid, long groups, int group) {
        grid.setGlobalWork(groups * group, 1, 1);
        grid.setLocalWork(group, 1, 1);
    }

    private void select(int graph, Supplier<String> kernels) {
        executions++;
        try {
            plan.withGraph(graph).execute();
        } catch (RuntimeException | Error e) {
            throw failure(kernels.get(), e);
        }
    }

    private LoraException failure(String kernels, Throwable e) {
        return new LoraException("the tornado backend's kernel " + kernels + " failed on " + Tornado.describe(device) + ": "
                + Tornado.reason(e) + ". Use `backend` cpu, and please report it with its stack trace", e);
    }

    /** Gives the device's memory back. */
    void close() {
        plan.withGraph(TOUCH).freeDeviceMemory();
    }
}
