package org.lora4j.backend.reference;

import org.lora4j.tensor.Tensor;

/** Layer normalisation, row by row, and its gradient. */
final class ReferenceLayerNorm {

    private ReferenceLayerNorm() {
    }

    static void forward(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd) {
        int columns = x.columns();
        double[] in = Memory.of(x);
        double[] g = Memory.of(gamma);
        double[] b = Memory.of(beta);
        double[] out = Memory.of(y);
        double[] means = Memory.of(mean);
        double[] rstds = Memory.of(rstd);
        for (int n = 0; n < x.rows(); n++) {
            int row = n * columns;
            double sum = 0;
            for (int c = 0; c < columns; c++) {
                sum += in[row + c];
            }
            double mu = sum / columns;
            double squares = 0;
            for (int c = 0; c < columns; c++) {
                squares += (in[row + c] - mu) * (in[row + c] - mu);
            }
            double r = 1 / StrictMath.sqrt(squares / columns + eps);
            for (int c = 0; c < columns; c++) {
                out[row + c] = (in[row + c] - mu) * r * g[c] + b[c];
            }
            means[n] = mu;
            rstds[n] = r;
        }
    }

    static void backward(
            Tensor dy, Tensor x, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dgamma, Tensor dbeta) {
        int columns = x.columns();
        double[] gradient = Memory.of(dy);
        double[] in = Memory.of(x);
        double[] g = Memory.of(gamma);
        double[] means = Memory.of(mean);
        double[] rstds = Memory.of(rstd);
        double[] out = Memory.of(dx);
        double[] dg = dgamma == null ? new double[columns] : Memory.of(dgamma);
        double[] db = dbeta == null ? new double[columns] : Memory.of(dbeta);
        for (int n = 0; n < x.rows(); n++) {
            int row = n * columns;
            double mu = means[n];
            double r = rstds[n];
            double meanOfD = 0;
            double meanOfDxHat = 0;
            for (int c = 0; c < columns; c++) {
                double xHat = (in[row + c] - mu) * r;
                double d = gradient[row + c] * g[c];
                meanOfD += d / columns;
                meanOfDxHat += d * xHat / columns;
                dg[c] += gradient[row + c] * xHat;
                db[c] += gradient[row + c];
            }
            for (int c = 0; c < columns; c++) {
                double xHat = (in[row + c] - mu) * r;
                double d = gradient[row + c] * g[c];
                out[row + c] += r * (d - meanOfD - xHat * meanOfDxHat);
            }
        }
    }
}
