package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

abstract class EmbeddingContract extends ContractFamily {

    private static final int VOCABULARY = 50;
    private static final int[] TOKENS = {0, 49, 7, 7, 3, 49, 7, 12, 0, 31, 30, 29, 7};

    EmbeddingContract(Subject subject) {
        super(subject);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void gatherTakesTheBitsOfTheNamedRows(int columns) {
        double[] table = numbers("table", VOCABULARY * columns);
        table[0] = -0.0;
        Tensor out = nans(TOKENS.length, columns);
        backend().gatherRows(tensor(table, VOCABULARY, columns), ints(TOKENS, TOKENS.length), out, 0);
        double[] expected = new double[TOKENS.length * columns];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = table[TOKENS[i / columns] * columns + i % columns];
        }
        assertSameBits(read(out), expected);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void gatherAddsToWhatIsThere(int columns) {
        double[] table = numbers("table", VOCABULARY * columns);
        double[] old = numbers("out", TOKENS.length * columns);
        for (double beta : new double[] {1, -0.3}) {
            Tensor out = tensor(old, TOKENS.length, columns);
            backend().gatherRows(tensor(table, VOCABULARY, columns), ints(TOKENS, TOKENS.length), out, beta);
            double[] expected = new double[old.length];
            double[] absolute = new double[old.length];
            for (int i = 0; i < expected.length; i++) {
                double row = table[TOKENS[i / columns] * columns + i % columns];
                expected[i] = row + beta * old[i];
                absolute[i] = Math.abs(row) + Math.abs(beta * old[i]);
            }
            // beta, the product and the sum
            assertWithin(read(out), expected, i -> roundings(3) * absolute[i]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, VOCABULARY, Integer.MAX_VALUE})
    void aTokenBeyondTheTableIsRefused(int token) {
        Tensor table = tensor(numbers("table", VOCABULARY * 6), VOCABULARY, 6);
        IntTensor tokens = ints(new int[] {1, token, 2}, 3);
        Tensor out = nans(3, 6);
        assertThatThrownBy(() -> backend().gatherRows(table, tokens, out, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void scatterAddsRowAfterRowInTheOrderOfTheTokens(int columns) {
        double[] g = numbers("g", TOKENS.length * columns);
        double[] expected = numbers("table", VOCABULARY * columns);
        Tensor table = tensor(expected, VOCABULARY, columns);
        backend().scatterAddRows(tensor(g, TOKENS.length, columns), ints(TOKENS, TOKENS.length), table);
        for (int i = 0; i < g.length; i++) {
            int at = TOKENS[i / columns] * columns + i % columns;
            expected[at] = subject.round(expected[at] + g[i]); // the order is fixed, and with it every bit
        }
        assertSameBits(read(table), expected);
    }

    @Test
    void scatterIsTheTransposeOfGather() {
        int columns = 13;
        double[] table = numbers("table", VOCABULARY * columns);
        double[] g = numbers("g", TOKENS.length * columns);
        Tensor out = nans(TOKENS.length, columns);
        Tensor gradient = tensor(new double[VOCABULARY * columns], VOCABULARY, columns);
        backend().gatherRows(tensor(table, VOCABULARY, columns), ints(TOKENS, TOKENS.length), out, 0);
        backend().scatterAddRows(tensor(g, TOKENS.length, columns), ints(TOKENS, TOKENS.length), gradient);
        double gathered = Oracle.dot(read(out), g);
        double scattered = Oracle.dot(table, read(gradient));
        // a row that occurs four times is summed with three roundings; the dot products are in double
        double size = Oracle.dot(Oracle.abs(read(out)), Oracle.abs(g));
        assertWithin(new double[] {scattered}, new double[] {gathered}, i -> (roundings(3) + g.length * 0x1p-52) * size);
    }
}
