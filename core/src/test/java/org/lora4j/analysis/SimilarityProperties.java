package org.lora4j.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;

/** φ of section 7.2, whatever the adapters. */
class SimilarityProperties {

    @Property(tries = 100)
    void phiIsBetweenZeroAndOne(
            @ForAll @IntRange(min = 1, max = 9) int one, @ForAll @IntRange(min = 1, max = 9) int other,
            @ForAll @IntRange(min = 9, max = 40) int in, @ForAll long seed) {
        Random random = new Random(seed);
        double[][] phi = Similarity.of(rightOf(normal(random, one * in), one), rightOf(normal(random, other * in), other));
        assertThat(phi.length).isEqualTo(one);
        for (double[] row : phi) {
            assertThat(row).hasSize(other);
            for (double value : row) {
                assertThat(value).isBetween(0.0, 1.0);
            }
        }
    }

    /** The smaller of two of one's own beginnings lies in the larger. */
    @Property(tries = 100)
    void phiOfItselfIsOne(@ForAll @IntRange(min = 1, max = 9) int rank, @ForAll @IntRange(min = 9, max = 40) int in, @ForAll long seed) {
        Directions directions = rightOf(normal(new Random(seed), rank * in), rank);
        for (double[] row : Similarity.of(directions, directions)) {
            assertThat(row).hasSize(rank);
            for (double value : row) {
                assertThat(value).isCloseTo(1, offset(1e-12));
            }
        }
    }

    /** A ← R·A with R orthogonal, (r, r), of another pair A, B of the same ΔW: the directions of the input stay. */
    @Property(tries = 100)
    void rotatingAChangesNothing(@ForAll @IntRange(min = 2, max = 9) int rank, @ForAll @IntRange(min = 10, max = 40) int in, @ForAll long seed) {
        Random random = new Random(seed);
        double[] a = normal(random, rank * in);
        Directions other = rightOf(normal(random, rank * in), rank);
        DMatrixRMaj rotated = new DMatrixRMaj(rank, in);
        CommonOps_DDRM.mult(RandomMatrices_DDRM.orthogonal(rank, rank, random), DMatrixRMaj.wrap(rank, in, a), rotated);
        Directions before = rightOf(a, rank);

        double[][] expected = Similarity.of(before, other);
        double[][] found = Similarity.of(rightOf(rotated.data, rank), other);

        double gap = 1; // a direction turns by what rounding is of the distance to the next singular value
        for (int i = 1; i < rank; i++) {
            gap = Math.min(gap, (before.values()[i - 1] - before.values()[i]) / before.values()[0]);
        }
        for (int i = 0; i < rank; i++) {
            assertThat(found[i]).containsExactly(expected[i], offset(1e-12 / gap));
        }
        assertThat(found[rank - 1][rank - 1]).isCloseTo(expected[rank - 1][rank - 1], offset(1e-9));
    }

    /** ΔW·v = σ·u, with ΔW formed. */
    @Property(tries = 50)
    void theDirectionsOfDeltaAreThoseOfTheProduct(
            @ForAll @IntRange(min = 1, max = 8) int rank, @ForAll @IntRange(min = 3, max = 20) int in,
            @ForAll @IntRange(min = 3, max = 20) int out, @ForAll long seed) {
        Random random = new Random(seed);
        double[] a = normal(random, rank * in);
        double[] b = normal(random, out * rank);
        UpdateDirections found = UpdateDirections.of(a, b, rank, 0.5);
        DMatrixRMaj delta = new DMatrixRMaj(out, in);
        CommonOps_DDRM.mult(0.5, DMatrixRMaj.wrap(out, rank, b), DMatrixRMaj.wrap(rank, in, a), delta);
        assertThat(found.rightOfDelta().count()).isEqualTo(Math.min(rank, Math.min(in, out)));
        for (int i = 0; i < found.rightOfDelta().count(); i++) {
            DMatrixRMaj image = new DMatrixRMaj(out, 1);
            CommonOps_DDRM.mult(delta, DMatrixRMaj.wrap(in, 1, found.rightOfDelta().vectors()[i]), image);
            for (int o = 0; o < out; o++) {
                assertThat(image.get(o)).isCloseTo(found.rightOfDelta().values()[i] * found.leftOfDelta().vectors()[i][o], offset(1e-10));
            }
        }
    }

    private static Directions rightOf(double[] a, int rank) {
        return UpdateDirections.of(a, new double[2 * rank], rank, 1).rightOfA();
    }

    private static double[] normal(Random random, int count) {
        return random.doubles(count).map(uniform -> random.nextGaussian()).toArray();
    }
}
