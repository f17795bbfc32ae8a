package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.DropoutMask;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;

abstract class DropoutContract extends ContractFamily {

    private static final int ROWS = 3;

    DropoutContract(Subject subject) {
        super(subject);
    }

    /** Kept or not, from the words themselves, compared as whole numbers. */
    static boolean keeps(DropoutMask mask, long element) {
        long word = Integer.toUnsignedLong(new Philox(mask.seed()).word((int) mask.step(), mask.site(), element));
        return word >= (long) Math.floor(mask.p() * (1L << 32));
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void everyBackendDropsTheSameElements(int size) {
        for (DropoutMask mask : new DropoutMask[] {
            new DropoutMask(0.1, 1, 0, 0), new DropoutMask(0.5, -1, 3_000_000_000L, Philox.site("h.0")),
            new DropoutMask(0.9, 1L << 40, 7, -5)}) {
            double[] x = numbers("x", ROWS * size);
            Tensor y = nans(ROWS, size);
            backend().dropout(tensor(x, ROWS, size), y, mask);
            double[] expected = new double[x.length];
            for (int i = 0; i < x.length; i++) {
                expected[i] = keeps(mask, i) ? x[i] / (1 - mask.p()) : 0;
            }
            // the factor and the product are rounded; what is dropped is exactly zero
            assertWithin(read(y), expected, i -> expected[i] == 0 ? -subject.underflow() : roundings(3) * Math.abs(expected[i]));
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void dropoutMayWriteOverItsInput(int size) {
        DropoutMask mask = new DropoutMask(0.3, 5, 6, 7);
        double[] x = numbers("x", ROWS * size);
        Tensor y = nans(ROWS, size);
        backend().dropout(tensor(x, ROWS, size), y, mask);
        Tensor inPlace = tensor(x, ROWS, size);
        backend().dropout(inPlace, inPlace, mask);
        assertSameBits(read(inPlace), read(y));
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void withoutProbabilityDropoutCopiesTheBits(int size) {
        double[] x = numbers("x", size);
        x[0] = -0.0;
        Tensor y = nans(size);
        backend().dropout(tensor(x, size), y, DropoutMask.NONE);
        assertSameBits(read(y), x);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.01, 0.1, 0.5, 0.9})
    void theShareKeptIsOneMinusP(double p) {
        int n = 100_000;
        Tensor ones = tensor(constant(1, n), n);
        backend().dropout(ones, ones, new DropoutMask(p, 2021, 1, 2));
        double kept = 0;
        for (double value : read(ones)) {
            kept += value == 0 ? 0 : 1;
        }
        // n draws with probability p: the standard deviation of the share is √(p(1 − p)/n); five of them
        assertThat(kept / n).isCloseTo(1 - p, within(5 * Math.sqrt(p * (1 - p) / n)));
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void backwardIsTheSameOperation(int size) {
        DropoutMask mask = new DropoutMask(0.25, 8, 9, 10);
        double[] x = numbers("x", size);
        double[] w = numbers("w", size);
        Tensor y = nans(size);
        Tensor dx = nans(size);
        backend().dropout(tensor(x, size), y, mask);
        backend().dropout(tensor(w, size), dx, mask);
        // ⟨M·x, w⟩ = ⟨x, M·w⟩; every term is rounded twice on each side, and the sums in double
        double size1 = Oracle.dot(Oracle.abs(x), Oracle.abs(w)) / 0.75;
        assertThat(Oracle.dot(read(y), w)).isCloseTo(Oracle.dot(x, read(dx)),
                within(2 * roundings(3) * size1 + size * 0x1p-52 * size1 + subject.underflow()));
    }
}
