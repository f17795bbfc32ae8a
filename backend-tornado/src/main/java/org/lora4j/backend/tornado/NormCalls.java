package org.lora4j.backend.tornado;

import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.tensor.Tensor;

/** Records normalisations and their gradients; the arguments have been checked. */
final class NormCalls {

    private final Operands operands;

    NormCalls(Operands operands) {
        this.operands = operands;
    }

    void forward(Norm norm, Tensor x, Tensor y, NormStatistics rows) {
        boolean centred = norm.kind().centres();
        Region gamma = operands.region(norm.gamma(), "gamma");
        Region rstd = operands.region(rows.rstd(), "rstd");
        Region beta = centred ? operands.region(norm.beta(), "beta") : gamma;
        Region mean = centred ? operands.region(rows.mean(), "mean") : rstd;
        Region in = operands.region(x, "x");
        Region to = operands.region(y, "y");
        operands.record(Launch.of(Kernel.NORM, new int[] {
            x.rows(), x.columns(), in.from(), gamma.from(), beta.from(), to.from(), centred ? mean.from() : -1, rstd.from()},
                norm.epsilon(), centred ? 1 : 0, norm.kind().weightShift()),
                new Region[] {in, gamma, beta}, to, mean, rstd);
    }

    void backward(Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx, Tensor dgamma, Tensor dbeta) {
        Region rstd = operands.region(rows.rstd(), "rstd");
        Region mean = norm.kind().centres() ? operands.region(rows.mean(), "mean") : rstd;
        Region[] reads = {operands.region(dy, "dy"), operands.region(x, "x"), operands.region(norm.gamma(), "gamma"), mean, rstd};
        Region to = operands.region(dx, "dx");
        double centred = norm.kind().centres() ? 1 : 0;
        if ((dgamma != null || dbeta != null) && x.rows() > 0) {
            Region[] sums = {
                dgamma == null ? new Region(-1, -1) : operands.region(dgamma, "dgamma"),
                dbeta == null ? new Region(-1, -1) : operands.region(dbeta, "dbeta")};
            operands.record(Launch.of(Kernel.NORM_PARAMETERS, new int[] {
                x.columns(), x.rows(), reads[0].from(), reads[1].from(), mean.from(), rstd.from(), sums[0].from(),
                sums[1].from()}, centred), reads, sums);
        }
        operands.record(Launch.of(Kernel.NORM_BACKWARD, new int[] {
            x.rows(), x.columns(), reads[0].from(), reads[1].from(), reads[2].from(), mean.from(), rstd.from(), to.from()},
                centred, norm.kind().weightShift()), reads, to);
    }
}
