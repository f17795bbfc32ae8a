package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Operands.floats;
import static org.lora4j.backend.cpu.Operands.offset;

import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.IntConsumer;
import org.lora4j.backend.Checks;
import org.lora4j.backend.MatrixProduct;

/**
 * Products that do not depend on each other, such as the low-rank updates of texts that are written with different adapters: each
 * is one thread's, and the threads wait for each other once and not for each of them.
 *
 * <p>A thread computes its products with a {@link Gemm} of its own. Bits are those of the backend's, since they do not depend on the
 * number of threads.
 */
final class ProductsAtOnce {

    /** From so many for each thread on; fewer are cut among the threads, each in turn. */
    private static final int LEAST_PER_THREAD = 4;

    private final Workers workers;
    private final Gemm gemm;
    private final ConcurrentLinkedQueue<Gemm> idle = new ConcurrentLinkedQueue<>();
    private final IntConsumer task = this::multiply;
    private List<MatrixProduct> products;

    ProductsAtOnce(Workers workers, Gemm gemm) {
        this.workers = workers;
        this.gemm = gemm;
    }

    /** They are many, and no weight among them is in a smaller type. */
    private boolean suits(List<MatrixProduct> products) {
        return workers.threads() > 1 && products.size() >= LEAST_PER_THREAD * workers.threads()
                && products.stream().noneMatch(product -> product.b().tensor().buffer() instanceof CompressedWeights);
    }

    /** Computes them, unless they do not suit: then it says false and has done nothing. */
    boolean run(List<MatrixProduct> products) {
        if (!suits(products)) {
            return false;
        }
        boolean entered = workers.enter();
        try {
            products.forEach(product -> Checks.matmul(product.a(), product.b(), product.c()));
            this.products = products;
            workers.run(products.size(), task);
        } finally {
            this.products = null;
            workers.leave(entered);
        }
        return true;
    }

    private void multiply(int i) {
        MatrixProduct product = products.get(i);
        Gemm own = idle.poll();
        if (own == null) {
            own = new Gemm(new Workers(1));
        }
        own.sumRowsAlone(gemm.sumsRowsAlone());
        multiply(product, own);
        idle.add(own);
    }

    private static void multiply(MatrixProduct x, Gemm gemm) {
        gemm.multiply(x.a().rows(), x.b().columns(), x.a().columns(), floats(x.a(), "a"), offset(x.a()), x.a().rowStride(),
                x.a().transposed(), floats(x.b(), "b"), offset(x.b()), x.b().rowStride(), x.b().transposed(), floats(x.c(), "c"),
                offset(x.c()), x.c().rowStride(), (float) x.alpha(), (float) x.beta(), null);
    }
}
