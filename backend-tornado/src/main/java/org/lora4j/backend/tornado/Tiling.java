package org.lora4j.backend.tornado;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.backend.tornado.kernel.TiledAttention;
import org.lora4j.backend.tornado.kernel.TiledProducts;
import org.lora4j.backend.tornado.kernel.TiledRows;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;

/** Chooses between a kernel's plain form and the one with work groups and local memory, and says how large groups are. */
final class Tiling {

    /** {@code plain} or {@code tiled}, instead of what the device suggests: for tests, and for measuring. */
    static final String CHOICE = "lora4j.tornado.kernels";

    /** Work items of a group of a plain kernel: grids are rounded up to it, and kernels leave what is beyond their range alone. */
    private static final int PLAIN_GROUP = 64;
    /** More work items than any device runs at once; beyond, each takes several turns of its plain kernel's loop. */
    private static final int MOST_WORK_ITEMS = 1 << 24;
    /** Products with less than this on a side would leave most of a tile empty. */
    private static final int WORTH_A_TILE = 24;

    private final boolean tiled;

    Tiling(boolean tiled) {
        this.tiled = tiled;
    }

    /** Tiles on GPUs; on CPUs, which have no memory of a group's own, plain loops. */
    static Tiling of(TornadoDevice device) {
        String choice = System.getProperty(CHOICE);
        return new Tiling(choice == null ? device.getDeviceType() != TornadoDeviceType.CPU : choice.equals("tiled"));
    }

    List<Launch> choose(List<Launch> launches) {
        if (!tiled) {
            return launches;
        }
        List<Launch> chosen = new ArrayList<>(launches.size());
        for (Launch launch : launches) {
            chosen.add(launch.as(form(launch)));
        }
        return chosen;
    }

    private static Kernel form(Launch launch) {
        int[] args = launch.args();
        return switch (launch.kernel()) {
            case PRODUCT -> Math.min(args[1], args[2]) >= WORTH_A_TILE && args[3] >= WORTH_A_TILE
                    ? Kernel.TILED_PRODUCT : Kernel.PRODUCT;
            case NORM -> Kernel.TILED_NORM;
            case NORM_BACKWARD -> Kernel.TILED_NORM_BACKWARD;
            case CROSS_ENTROPY -> Kernel.TILED_CROSS_ENTROPY;
            case ATTENTION -> args[3] <= TiledAttention.MOST_KEYS && seesAll(args) ? Kernel.TILED_ATTENTION : Kernel.ATTENTION;
            case ATTENTION_QUERIES -> args[3] <= TiledAttention.MOST_KEYS && seesAll(args)
                    ? Kernel.TILED_ATTENTION_QUERIES : Kernel.ATTENTION_QUERIES;
            case ATTENTION_KEYS -> args[2] <= TiledAttention.MOST_KEYS && seesAll(args)
                    ? Kernel.TILED_ATTENTION_KEYS : Kernel.ATTENTION_KEYS;
            default -> launch.kernel();
        };
    }

    /** Whether a window, which only the plain kernels know, hides nothing. */
    private static boolean seesAll(int[] args) {
        return args[AttentionCalls.WINDOW] >= args[3];
    }

    /** Work items of a group. */
    static int group(Kernel kernel) {
        return switch (kernel) {
            case TILED_PRODUCT -> TiledProducts.GROUP;
            case TILED_NORM, TILED_NORM_BACKWARD, TILED_CROSS_ENTROPY -> TiledRows.GROUP;
            case TILED_ATTENTION, TILED_ATTENTION_QUERIES, TILED_ATTENTION_KEYS -> TiledAttention.GROUP;
            default -> PLAIN_GROUP;
        };
    }

    /** Work groups of a launch. */
    static long groups(Launch launch) {
        int[] args = launch.args();
        if (launch.kernel() == Kernel.TILED_PRODUCT) {
            long products = args[0] / ((long) args[1] * args[2]);
            return products * Math.ceilDiv(args[1], TiledProducts.TILE) * Math.ceilDiv(args[2], TiledProducts.TILE);
        }
        return launch.kernel().isTiled() ? args[0] : plainGroups(args[0]);
    }

    static long plainGroups(int workItems) {
        return Math.ceilDiv(Math.min(MOST_WORK_ITEMS, Math.max(1, workItems)), PLAIN_GROUP);
    }
}
