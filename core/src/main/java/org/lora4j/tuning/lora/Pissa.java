package org.lora4j.tuning.lora;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.analysis.PrincipalParts;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;

/**
 * PiSSA (Meng et al. 2024): A and B begin with the principal singular parts of W₀, and what is left of W₀ stays frozen:
 *
 * <pre>
 *   W₀ = U·Σ·Vᵀ      A₀ = √(Σ_r/s)·V_rᵀ      B₀ = U_r·√(Σ_r/s)      W_res = W₀ − s·B₀·A₀          the r largest of Σ
 *   h = x·W_resᵀ + b + s·(x·Aᵀ)·Bᵀ
 * </pre>
 *
 * so training begins at the base, up to rounding, and moves along its strongest directions. W₀ itself is never written: W_res is
 * derived, in memory of its own, and stands in W₀'s place until the adapter is detached.
 *
 * <p>Saved, it is a plain LoRA of rank 2r on W₀, as PEFT's conversion makes it, which needs no W_res:
 *
 * <pre>
 *   W_res + s·B·A − W₀ = s·(B·A − B₀·A₀) = s·[B, −B₀]·[A; A₀]
 * </pre>
 */
public final class Pissa {

    /**
     * A₀ and B₀ of a map, as A and B lie in memory.
     *
     * @param a (n·r, in), of n parts one above the other
     * @param b (rows, r), the same
     */
    public record Factors(double[] a, double[] b) {
    }

    private final LoraAdapter adapter;
    private final Map<String, Factors> initial = new LinkedHashMap<>();

    private Pissa(LoraAdapter adapter) {
        this.adapter = adapter;
    }

    /**
     * Puts A₀ and B₀ into the adapter's maps and W_res into the model.
     *
     * @param iterations of a randomised decomposition, see {@link PrincipalParts#randomised}; 0 for the exact one
     */
    static Pissa begin(LoraAdapter adapter, int iterations, long seed) {
        Pissa pissa = new Pissa(adapter);
        requireSense(adapter);
        Philox random = new Philox(seed);
        try {
            adapter.projections().forEach((name, lora) -> {
                Factors factors = factors(adapter.model().backend(), name, lora, iterations, random);
                pissa.initial.put(name, factors);
                pissa.replace(lora, factors);
            });
        } catch (RuntimeException e) {
            pissa.end();
            throw e;
        }
        return pissa;
    }

    private static void requireSense(LoraAdapter adapter) {
        if (adapter.config().dora()) {
            throw new LoraException("`init` pissa with DoRA: the magnitudes are of the base's weights, and PiSSA takes parts of them "
                    + "away. Take one of the two");
        }
        if (!adapter.embeddings().isEmpty()) {
            throw new LoraException("`init` pissa is for linear maps, and " + adapter.embeddings().keySet().iterator().next()
                    + " is an embedding. Leave it out of the targets");
        }
        adapter.projections().forEach((name, lora) -> {
            if (!(lora.scaling() > 0)) {
                throw new LoraException("`alpha` " + lora.alpha() + " with `init` pissa: expected more than 0, since A and B begin "
                        + "with the base's singular values divided by the scaling");
            }
            Parameter weight = lora.base().weight();
            if (adapter.model().embeddings().stream().anyMatch(slot -> slot.get().parameters().contains(weight))) {
                throw new LoraException("`init` pissa: " + name + " is tied to the token embedding, and both would lose what PiSSA "
                        + "takes away. Leave it out of the targets");
            }
        });
    }

    private static Factors factors(Backend backend, String name, LoraProjection lora, int iterations, Philox random) {
        double[] weight = backend.readDoubles(lora.base().weight().value());
        int in = lora.inFeatures();
        int rank = lora.rank();
        double[] a = new double[Math.toIntExact(lora.loraA().size())];
        double[] b = new double[Math.toIntExact(lora.loraB().size())];
        int firstRowOfA = 0;
        int firstRowOfB = 0;
        for (LoraProjection.PartUpdate part : lora.updates()) {
            int rows = part.b().rows();
            double[] w = Arrays.copyOfRange(weight, part.firstRow() * in, (part.firstRow() + rows) * in);
            PrincipalParts principal = iterations == 0 ? PrincipalParts.of(w, rows, in, rank)
                    : PrincipalParts.randomised(w, rows, in, rank, iterations, random,
                            Philox.site(name + ".pissa." + part.firstRow()));
            for (int j = 0; j < rank; j++) {
                double root = Math.sqrt(principal.values()[j] / lora.scaling());
                for (int i = 0; i < in; i++) {
                    a[(firstRowOfA + j) * in + i] = root * principal.v()[i * rank + j];
                }
                for (int i = 0; i < rows; i++) {
                    b[(firstRowOfB + i) * rank + j] = root * principal.u()[i * rank + j];
                }
            }
            firstRowOfA += rank;
            firstRowOfB += rows;
        }
        return new Factors(a, b);
    }

    /** W_res as W₀ + s·(−B₀)·A₀, and then B₀ itself. */
    private void replace(LoraProjection lora, Factors factors) {
        Backend backend = adapter.model().backend();
        Parameter weight = lora.base().weight();
        Tensor residual = backend.allocate(weight.shape());
        backend.copy(weight.value().matrix(), residual.matrix());
        backend.upload(factors.a, lora.loraA().value());
        backend.upload(negative(factors.b), lora.loraB().value());
        lora.addDeltaWeight(backend, residual);
        backend.upload(factors.b, lora.loraB().value());
        backend.freeze(residual);
        weight.use(residual);
    }

    /** With every sign changed. */
    public static double[] negative(double[] values) {
        return Arrays.stream(values).map(value -> -value).toArray();
    }

    /** A₀ and B₀ of this module. */
    public Factors of(String module) {
        return initial.get(module);
    }

    /** Gives the model W₀ back. */
    void end() {
        adapter.projections().values().forEach(lora -> lora.base().weight().restore());
    }
}
