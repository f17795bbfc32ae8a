package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.model.Model;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.tensor.Tensor;

/** Makes one adapter of several, in the way that a {@link Combination} says. */
final class AdapterSum {

    private final Model model;
    private final Backend backend;
    private final List<String> names;
    private final Map<LoraAdapter, Double> weights;
    private final Combination kind;
    private final int rank;

    /**
     * @param model   without any adapter
     * @param names   of the adapters, in the order of {@code weights}, for messages
     * @param weights what each adapter counts
     * @param rank    of what SVD makes, 0 for the largest among the adapters
     */
    AdapterSum(Model model, List<String> names, Map<LoraAdapter, Double> weights, Combination kind, int rank) {
        this.model = model;
        this.backend = model.backend();
        this.names = names;
        this.weights = weights;
        this.kind = kind;
        this.rank = rank;
        if (weights.isEmpty()) {
            throw new LoraException("a combination of no adapters");
        }
        int at = 0;
        for (LoraAdapter adapter : weights.keySet()) {
            if (adapter.config().dora()) {
                throw new LoraException("adapter " + Names.quoted(names.get(at)) + ": is DoRA, whose magnitudes are not linear in "
                        + "anything, so it cannot be a term of a sum. Switch to it, or merge it into a base of its own");
            }
            if (!adapter.wholeNames().isEmpty()) {
                throw new LoraException("adapter " + Names.quoted(names.get(at)) + ": has modules trained as a whole, "
                        + Names.some(adapter.wholeNames(), 3) + ", which cannot be terms of a sum");
            }
            if (!adapter.whole().tables().isEmpty()) {
                throw new LoraException("adapter " + Names.quoted(names.get(at)) + ": has tables of its own, "
                        + Names.some(adapter.whole().tables().keySet(), 3) + ", which cannot be terms of a sum");
            }
            at++;
        }
        if (rank < 0 || rank > 0 && kind != Combination.SVD) {
            throw new LoraException("a combination of rank " + rank + ": only svd is given a rank, of at least 1; "
                    + "that of cat and linear follows from the adapters'");
        }
    }

    /** One adapter's share in a map. */
    private record Share<L>(L lora, double times) {
    }

    LoraAdapter attach() {
        Set<String> parts = new LinkedHashSet<>();
        weights.keySet().forEach(adapter -> parts.addAll(adapter.config().parts()));
        boolean biases = weights.keySet().stream().anyMatch(adapter -> !adapter.biases().isEmpty());
        LoraConfig config = LoraConfig.of(1, 1).withParts(List.copyOf(parts)).withBias(biases ? biasMode() : BiasMode.NONE);
        LoraAdapter sum = LoraAdapter.empty(model, config);
        try {
            for (Slot<TokenEmbedding> slot : model.embeddings()) {
                List<Share<LoraEmbedding>> shares = shares(adapter -> adapter.embeddings().get(slot.name()), LoraEmbedding::scaling);
                if (!shares.isEmpty()) {
                    addEmbedding(sum, slot, shares);
                }
            }
            for (Slot<Projection> slot : model.projections()) {
                List<Share<LoraProjection>> shares =
                        shares(adapter -> adapter.projections().get(slot.name()), LoraProjection::scaling);
                if (!shares.isEmpty()) {
                    addProjection(sum, slot, shares);
                }
            }
            sum.trainBiases();
            addBiases(sum);
        } catch (RuntimeException e) {
            sum.detach();
            throw e;
        }
        return sum;
    }

    private BiasMode biasMode() {
        return weights.keySet().stream().anyMatch(adapter -> adapter.config().bias() == BiasMode.ALL)
                ? BiasMode.ALL : BiasMode.LORA_ONLY;
    }

    private <L> List<Share<L>> shares(Function<LoraAdapter, L> update, Function<L, Double> scaling) {
        List<Share<L>> shares = new ArrayList<>();
        weights.forEach((adapter, weight) -> {
            L lora = update.apply(adapter);
            if (lora != null) {
                shares.add(new Share<>(lora, weight * scaling.apply(lora)));
            }
        });
        return shares;
    }

    private void addEmbedding(LoraAdapter sum, Slot<TokenEmbedding> slot, List<Share<LoraEmbedding>> shares) {
        Factors factors = combined(slot.name(), shares.stream().map(share -> Factors.of(backend, share.lora())).toList(),
                times(shares));
        LoraEmbedding lora = sum.wrapEmbedding(slot, factors.rank(), factors.rank());
        backend.upload(CommonOps_DDRM.transpose(factors.a(), null).data, lora.loraATransposed().value());
        backend.upload(factors.b().data, lora.loraB().value());
    }

    private void addProjection(LoraAdapter sum, Slot<Projection> slot, List<Share<LoraProjection>> shares) {
        List<FusedPart> parts = sameParts(shares);
        if (parts == null) {
            Factors factors = combined(
                    slot.name(), shares.stream().map(share -> Factors.whole(backend, share.lora())).toList(), times(shares));
            upload(sum.wrap(slot, factors.rank(), factors.rank()), List.of(factors));
            return;
        }
        List<Factors> combinedParts = new ArrayList<>();
        int count = shares.getFirst().lora().updates().size();
        for (int j = 0; j < count; j++) {
            int part = j;
            combinedParts.add(combined(slot.name(),
                    shares.stream().map(share -> Factors.of(backend, share.lora().updates().get(part))).toList(),
                    times(shares)));
        }
        int each = combinedParts.stream().mapToInt(Factors::rank).max().orElseThrow(); // a narrow part's may be smaller
        upload(sum.wrap(slot, parts.stream().map(FusedPart::name).toList(), each, each),
                combinedParts.stream().map(factors -> factors.widened(each)).toList());
    }

    /** The parts that all these updates are of, or null where they differ or one is of the whole map. */
    private static @Nullable List<FusedPart> sameParts(List<Share<LoraProjection>> shares) {
        List<FusedPart> first = null;
        for (Share<LoraProjection> share : shares) {
            if (!(share.lora() instanceof MergedLoraLinear merged)
                    || first != null && !first.equals(merged.parts())) {
                return null;
            }
            first = merged.parts();
        }
        return first;
    }

    private static double[] times(List<? extends Share<?>> shares) {
        return shares.stream().mapToDouble(Share::times).toArray();
    }

    private Factors combined(String module, List<Factors> all, double[] times) {
        return switch (kind) {
            case CAT -> Factors.concatenated(all, times);
            case SVD -> Factors.concatenated(all, times).truncated(
                    rank > 0 ? rank : all.stream().mapToInt(Factors::rank).max().orElseThrow());
            case LINEAR -> {
                if (all.stream().mapToInt(Factors::rank).distinct().count() > 1) {
                    throw new LoraException("linear combination of " + Names.some(names, 6) + ": their updates of " + module
                            + " have ranks " + String.join(", ", all.stream().map(f -> Integer.toString(f.rank())).toList())
                            + ", which must be one and the same to be added up. Take cat or svd");
                }
                yield Factors.added(all, times);
            }
        };
    }

    private void upload(LoraProjection lora, List<Factors> parts) {
        double[] a = parts.stream().map(Factors::a).flatMapToDouble(m -> elements(m)).toArray();
        double[] b = parts.stream().map(Factors::b).flatMapToDouble(m -> elements(m)).toArray();
        backend.upload(a, lora.loraA().value());
        backend.upload(b, lora.loraB().value());
    }

    private static DoubleStream elements(DMatrixRMaj matrix) {
        return Arrays.stream(matrix.data, 0, matrix.getNumElements());
    }

    /** b₀ + Σ wᵢ·(bᵢ − b₀). */
    private void addBiases(LoraAdapter sum) {
        for (Parameter bias : sum.biases()) {
            double[] base = backend.readDoubles(bias.baseValue());
            double[] value = base.clone();
            weights.forEach((adapter, weight) -> {
                Tensor own = adapter.biasValue(bias);
                if (own != bias.baseValue()) {
                    double[] trained = backend.readDoubles(own);
                    for (int i = 0; i < value.length; i++) {
                        value[i] += weight * (trained[i] - base[i]);
                    }
                }
            });
            backend.upload(value, bias.value());
        }
    }
}
