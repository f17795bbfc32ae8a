package org.lora4j.backend.tornado;

import java.util.ArrayList;
import java.util.List;

/**
 * The operations that wait to be run, in an order that gives what the order of the calls would give. An operation is put
 * together with an earlier one where a kernel does both at once:
 *
 * <ul>
 *   <li>a product of low rank that adds to another product's result, as LoRA's update does, joins it;
 *   <li>GELU of a product's result, GELU's slope times it, and a residual added to it are done where it is stored;
 *   <li>products of one shape, copies, fills and AdamW updates that do not depend on each other share a launch.
 * </ul>
 *
 * <p>An operation may pass others on the way to its partner only if it is independent of each of them. What is put together
 * rounds as it would have apart.
 */
final class Recording {

    /** How far back a partner is looked for: the backward of a LoRA layer is some eight operations long. */
    private static final int REACH = 12;

    private final boolean fusing;
    private List<Operation> pending = new ArrayList<>();
    private long recorded;

    /** @param fusing whether operations are put together; without it each is a launch of its own */
    Recording(boolean fusing) {
        this.fusing = fusing;
    }

    boolean isEmpty() {
        return pending.isEmpty();
    }

    /** Operations recorded since the beginning, before any were put together. */
    long recorded() {
        return recorded;
    }

    /** Whether a waiting operation reads or writes there. */
    boolean touches(Region region) {
        for (Operation operation : pending) {
            if (operation.touches(region)) {
                return true;
            }
        }
        return false;
    }

    void add(Operation operation) {
        recorded++;
        if (!fusing || !joinsEarlier(operation)) {
            pending.add(operation);
        }
    }

    void addProduct(Product product) {
        recorded++;
        if (!fusing || !joinsProduct(product) && !joinsEarlier(product)) {
            pending.add(product);
        }
    }

    void addGelu(int x, int y, int count, int kind, Operation gelu) {
        recorded++;
        if (!fusing || !(lastProduct() instanceof Product last && last.thenGelu(x, y, count, kind, gelu))) {
            pending.add(gelu);
        }
    }

    void addGeluBackward(int x, int dy, int dx, int count, int kind, Operation slope) {
        recorded++;
        if (!fusing || !(lastProduct() instanceof Product last && last.thenGeluSlope(x, dy, dx, count, kind, slope))) {
            pending.add(slope);
        }
    }

    /** y ← y + x. */
    void addSum(Product.Matrix x, Product.Matrix y, Operation sum) {
        recorded++;
        if (!fusing || !(lastProduct() instanceof Product last && last.thenAdd(x, y, sum))) {
            pending.add(sum);
        }
    }

    private Product lastProduct() {
        return !pending.isEmpty() && pending.getLast() instanceof Product product ? product : null;
    }

    /**
     * A low-rank update joins the product whose result it adds to. That product then moves down to where the update is,
     * since what the update reads may have been computed in between.
     */
    private boolean joinsProduct(Product update) {
        if (update.beta != 1 || update.depth > Product.LOW_RANK) {
            return false;
        }
        for (int at = pending.size() - 1; at >= Math.max(0, pending.size() - REACH); at--) {
            Operation candidate = pending.get(at);
            if (candidate instanceof Product product && product.result().contains(update.result())) {
                for (int between = at + 1; between < pending.size(); between++) {
                    if (!product.isIndependentOf(pending.get(between))) {
                        return false;
                    }
                }
                if (!product.attach(update)) {
                    return false;
                }
                pending.remove(at);
                pending.add(product);
                return true;
            }
            if (candidate.writes(update.result())) {
                return false;
            }
        }
        return false;
    }

    /** An operation that moves up to an earlier one of its kind. */
    private boolean joinsEarlier(Operation operation) {
        if (operation.getClass() == Operation.class) {
            return false;
        }
        for (int at = pending.size() - 1; at >= Math.max(0, pending.size() - REACH); at--) {
            Operation candidate = pending.get(at);
            if (candidate.absorb(operation)) {
                return true;
            }
            if (!candidate.isIndependentOf(operation)) {
                return false;
            }
        }
        return false;
    }

    /** The launches of what waits, which then waits no longer. */
    List<Launch> take() {
        List<Launch> launches = new ArrayList<>(pending.size());
        for (Operation operation : pending) {
            launches.add(operation.launch());
        }
        pending = new ArrayList<>();
        return launches;
    }
}
