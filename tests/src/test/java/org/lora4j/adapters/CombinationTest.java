package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.SingularOps_DDRM;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallBatches.Side;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.Combination;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraEmbedding;
import org.lora4j.tuning.lora.LoraProjection;

/** A combination is the sum of the updates that it says it is, told by matrices that are built here in full. */
class CombinationTest {

    private static final Backend REFERENCE = Backends.create("reference");
    private static final Batch BATCH = SmallBatches.of(new int[] {6, 9, 4}, Side.RIGHT, 11, 1, 8);

    private final AdapterSet set = SomeAdapters.setOfEveryKind(SomeAdapters.model(REFERENCE));

    /** All but DoRA's, which are not linear, and those with whole modules. */
    private List<String> linear() {
        return set.names().stream()
                .filter(name -> !set.get(name).config().dora() && set.get(name).wholeNames().isEmpty()).toList();
    }

    @AfterAll
    static void close() {
        REFERENCE.close();
    }

    @Test
    void catIsTheWeightedSumOfAllUpdatesWhateverTheyAdapt() {
        Map<String, Double> weights = new LinkedHashMap<>();
        double weight = 0.9;
        for (String name : linear()) {
            weights.put(name, weight);
            weight -= 0.27; // some are negative
        }
        LoraAdapter sum = set.combine("sum", weights);
        Map<String, DMatrixRMaj> expected = sumOfDeltas(weights);
        Map<String, DMatrixRMaj> actual = deltas(sum);
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        actual.forEach((module, delta) -> assertNear(module, delta, expected.get(module), 1e-14));
        assertThat(sum.biases()).hasSameSizeAs(set.get("everyBias").biases());
    }

    @Test
    void catOfOneAdapterComputesWhatTheAdapterComputes() {
        for (String name : linear()) {
            set.combine("only " + name, Map.of(name, 1.0));
            set.switchTo(name);
            double[] alone = SomeAdapters.logits((Gpt2) set.model(), BATCH);
            set.switchTo("only " + name);
            Bounds.assertClose(SomeAdapters.logits((Gpt2) set.model(), BATCH), alone, REFERENCE);
        }
    }

    @Test
    void partsStayPartsWhereAllAdaptersAdaptTheSame() {
        set.load("parts too", model -> SomeAdapters.random(model, LoraConfig.of(3, 1).withParts("q", "v"), "too"));
        LoraAdapter sum = set.combine("sum", Map.of("parts", 0.5, "parts too", 2.0));
        assertThat(sum.projections().values()).allSatisfy(lora -> {
            assertThat(lora.updates()).hasSize(2);
            assertThat(lora.rank()).isEqualTo(5);
        });
        LoraAdapter mixed = set.combine("mixed", Map.of("parts", 0.5, "fused", 2.0));
        assertThat(mixed.projections().get("transformer.h.0.attn.c_attn").rank()).isEqualTo(2 * 2 + 4);
    }

    @Test
    void svdIsTheBestOfItsRank() {
        Map<String, Double> weights = Map.of("fused", 0.7, "biased", -1.2);
        Map<String, DMatrixRMaj> exact = sumOfDeltas(weights);
        for (int rank = 1; rank <= 7; rank++) {
            LoraAdapter best = set.combine("rank " + rank, weights, Combination.SVD, rank);
            for (Map.Entry<String, DMatrixRMaj> delta : deltas(best).entrySet()) {
                double[] singular = SingularOps_DDRM.singularValues(exact.get(delta.getKey()));
                double left = Math.sqrt(Arrays.stream(singular).skip(rank).map(s -> s * s).sum());
                DMatrixRMaj difference = CommonOps_DDRM.subtract(delta.getValue(), exact.get(delta.getKey()), null);
                // Eckart and Young: no matrix of this rank is nearer
                assertThat(NormOps_DDRM.normF(difference)).as(delta.getKey()).isCloseTo(left, within(1e-12 * singular[0]));
                assertThat(best.projections().get(delta.getKey()).rank()).isLessThanOrEqualTo(rank);
            }
        }
        assertThat(set.combine("of itself", weights, Combination.SVD, 0).projections().get("transformer.h.0.attn.c_attn").rank())
                .as("the largest rank among the adapters").isEqualTo(4);
    }

    @Test
    void linearIsTheSumAndItsCrossTerms() {
        set.load("fused too", model -> SomeAdapters.random(
                model, LoraConfig.of(4, 9).withTargets(SomeAdapters.names("c_attn", "mlp.c_proj")), "too"));
        Map<String, Double> weights = new LinkedHashMap<>();
        weights.put("fused", 0.6);
        weights.put("fused too", -0.3);
        LoraAdapter linear = set.combine("linear", weights, Combination.LINEAR, 0);
        Map<String, DMatrixRMaj> exact = sumOfDeltas(weights);
        for (Map.Entry<String, DMatrixRMaj> delta : deltas(linear).entrySet()) {
            LoraProjection one = set.get("fused").projections().get(delta.getKey());
            LoraProjection two = set.get("fused too").projections().get(delta.getKey());
            double first = 0.6 * one.scaling();
            double second = -0.3 * two.scaling();
            double root = Math.sqrt(Math.abs(first * second));
            DMatrixRMaj cross = exact.get(delta.getKey()).copy();
            // A = √|w₁s₁|·A₁ − √|w₂s₂|·A₂ and B = √|w₁s₁|·B₁ + √|w₂s₂|·B₂, since the second weight is negative
            CommonOps_DDRM.addEquals(cross, root, product(two, one));
            CommonOps_DDRM.addEquals(cross, -root, product(one, two));
            assertNear(delta.getKey(), delta.getValue(), cross, 1e-14);
            assertThat(NormOps_DDRM.normF(CommonOps_DDRM.subtract(delta.getValue(), exact.get(delta.getKey()), null)))
                    .as("the cross-terms are not small").isGreaterThan(0.1 * NormOps_DDRM.normF(exact.get(delta.getKey())));
        }
        AdapterSetTest.refused(() -> set.combine("unequal", Map.of("fused", 1.0, "biased", 1.0), Combination.LINEAR, 0),
                "which must be one and the same", "cat or svd");
    }

    @Test
    void aCombinationIsSavedAndLoadedLikeAnyAdapter(@TempDir Path folder) {
        Map<String, Double> weights = Map.of("fused", 0.7, "parts", 0.4, "embedding", 1.0, "biased", 0.2, "head", -1.0);
        set.combine("sum", weights);
        PeftFormat.save(set.get("sum"), folder, "small", Map.of());
        Gpt2 model = SomeAdapters.model(REFERENCE);
        LoraAdapter loaded = PeftFormat.load(model, folder);
        set.switchTo("sum");
        double[] expected = SomeAdapters.logits((Gpt2) set.model(), BATCH);
        double[] actual = SomeAdapters.logits(model, BATCH);
        // the file has floats
        double scale = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertThat(Bounds.largest(actual, expected)).isLessThan(64 * 0x1p-24 * scale);
        assertThat(loaded.adaptedModules()).isEqualTo(set.get("sum").adaptedModules());
    }

    @Test
    void whatCannotBeCombinedIsSaid() {
        AdapterSetTest.refused(() -> set.combine("x", Map.of()), "no adapters");
        AdapterSetTest.refused(() -> set.combine("x", Map.of("fused", Double.NaN)), "'fused'", "NaN");
        AdapterSetTest.refused(() -> set.combine("x", Map.of("fusd", 1.0)), "'fusd'", "fused");
        AdapterSetTest.refused(() -> set.combine("x", Map.of("fused", 1.0), Combination.CAT, 3), "only svd is given a rank");
        AdapterSetTest.refused(() -> set.combine("x", Map.of("dora", 1.0)), "'dora'", "not linear");
        AdapterSetTest.refused(() -> set.combine("x", Map.of("whole", 1.0)), "'whole'", "ln_f");
        AdapterSetTest.refused(() -> set.combine("fused", Map.of("fused", 1.0)), "'fused'", "another name");
    }

    // ------------------------------------------------------------------------------------------------ in full

    private Map<String, DMatrixRMaj> sumOfDeltas(Map<String, Double> weights) {
        Map<String, DMatrixRMaj> sum = new LinkedHashMap<>();
        weights.forEach((name, weight) -> deltas(set.get(name)).forEach((module, delta) -> {
            CommonOps_DDRM.scale(weight, delta);
            sum.merge(module, delta, (a, b) -> CommonOps_DDRM.add(a, b, null));
        }));
        return sum;
    }

    /** ΔW of each adapted map and embedding, by the derivation that merging uses. */
    private static Map<String, DMatrixRMaj> deltas(LoraAdapter adapter) {
        Map<String, DMatrixRMaj> deltas = new LinkedHashMap<>();
        adapter.projections().forEach((name, lora) -> {
            Tensor delta = REFERENCE.allocate(Shape.of(lora.outFeatures(), lora.inFeatures()));
            lora.addDeltaWeight(REFERENCE, delta);
            deltas.put(name, matrix(delta));
        });
        adapter.embeddings().forEach((name, lora) -> deltas.put(name, delta(lora)));
        return deltas;
    }

    private static DMatrixRMaj delta(LoraEmbedding lora) {
        Tensor delta = REFERENCE.allocate(Shape.of(lora.rows(), lora.features()));
        lora.addDeltaTable(REFERENCE, delta);
        return matrix(delta);
    }

    /** B of one times A of the other. */
    private static DMatrixRMaj product(LoraProjection up, LoraProjection down) {
        return CommonOps_DDRM.mult(matrix(up.loraB().value()), matrix(down.loraA().value()), null);
    }

    private static DMatrixRMaj matrix(Tensor tensor) {
        return new DMatrixRMaj(tensor.rows(), tensor.columns(), true, REFERENCE.readDoubles(tensor));
    }

    private static void assertNear(String what, DMatrixRMaj actual, DMatrixRMaj expected, double bound) {
        assertThat(NormOps_DDRM.normF(CommonOps_DDRM.subtract(actual, expected, null))).as(what)
                .isLessThan(bound * NormOps_DDRM.normF(expected));
    }
}
