package org.lora4j.contract;

/** Matrix arithmetic in plain double loops, every sum one dot product. */
final class Oracle {

    private Oracle() {
    }

    /** (m, k)·(k, n), row by column. */
    static double[] product(double[] a, double[] b, int m, int k, int n) {
        double[] bT = transpose(b, k, n);
        double[] c = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double dot = 0;
                for (int l = 0; l < k; l++) {
                    dot += a[i * k + l] * bT[j * k + l];
                }
                c[i * n + j] = dot;
            }
        }
        return c;
    }

    static double[] transpose(double[] x, int rows, int columns) {
        double[] y = new double[x.length];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                y[j * rows + i] = x[i * columns + j];
            }
        }
        return y;
    }

    static double[] abs(double[] x) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = Math.abs(x[i]);
        }
        return y;
    }

    static double dot(double[] x, double[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }

    /** Rows from to from + count − 1 of a matrix, columns first to first + width − 1. */
    static double[] block(double[] x, int columns, int from, int count, int first, int width) {
        double[] y = new double[count * width];
        for (int i = 0; i < count; i++) {
            System.arraycopy(x, (from + i) * columns + first, y, i * width, width);
        }
        return y;
    }
}
