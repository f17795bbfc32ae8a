package org.lora4j.backend.reference;

import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.tensor.Tensor;

/** Normalisation, row by row, and its gradient; without a mean to take out, μ and mean(d) are 0. */
final class ReferenceNorm {

    private ReferenceNorm() {
    }

    static void forward(Norm norm, Tensor x, Tensor y, NormStatistics rows) {
        int columns = x.columns();
        boolean centred = norm.kind().centres();
        double[] in = Memory.of(x);
        double[] weight = weight(norm);
        double[] b = centred ? Memory.of(norm.beta()) : new double[columns];
        double[] out = Memory.of(y);
        double[] rstds = Memory.of(rows.rstd());
        for (int n = 0; n < x.rows(); n++) {
            int row = n * columns;
            double sum = 0;
            for (int c = 0; c < columns; c++) {
                sum += in[row + c];
            }
            double mu = centred ? sum / columns : 0;
            double squares = 0;
            for (int c = 0; c < columns; c++) {
                squares += (in[row + c] - mu) * (in[row + c] - mu);
            }
            double r = 1 / StrictMath.sqrt(squares / columns + norm.epsilon());
            for (int c = 0; c < columns; c++) {
                out[row + c] = (in[row + c] - mu) * r * weight[c] + b[c];
            }
            if (centred) {
                Memory.of(rows.mean())[n] = mu;
            }
            rstds[n] = r;
        }
    }

    static void backward(Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx, @Nullable Tensor dgamma, @Nullable Tensor dbeta) {
        int columns = x.columns();
        boolean centred = norm.kind().centres();
        double[] gradient = Memory.of(dy);
        double[] in = Memory.of(x);
        double[] weight = weight(norm);
        double[] rstds = Memory.of(rows.rstd());
        double[] out = Memory.of(dx);
        double[] dg = dgamma == null ? new double[columns] : Memory.of(dgamma);
        double[] db = dbeta == null ? new double[columns] : Memory.of(dbeta);
        for (int n = 0; n < x.rows(); n++) {
            int row = n * columns;
            double mu = centred ? Memory.of(rows.mean())[n] : 0;
            double r = rstds[n];
            double meanOfD = 0;
            double meanOfDxHat = 0;
            for (int c = 0; c < columns; c++) {
                double xHat = (in[row + c] - mu) * r;
                double d = gradient[row + c] * weight[c];
                meanOfD += d / columns;
                meanOfDxHat += d * xHat / columns;
                dg[c] += gradient[row + c] * xHat;
                db[c] += gradient[row + c];
            }
            if (!centred) {
                meanOfD = 0;
            }
            for (int c = 0; c < columns; c++) {
                double xHat = (in[row + c] - mu) * r;
                double d = gradient[row + c] * weight[c];
                out[row + c] += r * (d - meanOfD - xHat * meanOfDxHat);
            }
        }
    }

    /** γ, or 1 + γ. */
    private static double[] weight(Norm norm) {
        double[] gamma = Memory.of(norm.gamma());
        double[] weight = new double[(int) norm.gamma().size()];
        for (int c = 0; c < weight.length; c++) {
            weight[c] = norm.kind().weightShift() + gamma[c];
        }
        return weight;
    }
}
