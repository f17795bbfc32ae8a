package org.lora4j.backend.tornado;

import org.lora4j.backend.Activation;
import org.lora4j.tensor.Tensor;

/** Records activations and their gradients; the arguments have been checked. */
final class ActivationCalls {

    private final Machine machine;
    private final Operands operands;

    ActivationCalls(Machine machine, Operands operands) {
        this.machine = machine;
        this.operands = operands;
    }

    void forward(Activation kind, Tensor x, Tensor y) {
        Region from = operands.region(x, "x");
        Region to = operands.region(y, "y");
        int[] args = {(int) x.size(), from.from(), to.from(), code(kind)};
        if (!isGelu(kind)) {
            operands.record(Launch.of(Kernel.ACTIVATE, args), new Region[] {from}, to);
        } else if (args[0] > 0) {
            machine.recording().addGelu(from.from(), to.from(), args[0], args[3],
                    new Operation(Launch.of(Kernel.GELU, args)).reading(from).writing(to));
        }
    }

    void backward(Activation kind, Tensor x, Tensor dy, Tensor dx) {
        Region in = operands.region(x, "x");
        Region from = operands.region(dy, "dy");
        Region to = operands.region(dx, "dx");
        int[] args = {(int) x.size(), in.from(), from.from(), to.from(), code(kind)};
        if (!isGelu(kind)) {
            operands.record(Launch.of(Kernel.ACTIVATE_BACKWARD, args), new Region[] {in, from}, to);
        } else if (args[0] > 0) {
            machine.recording().addGeluBackward(in.from(), from.from(), to.from(), args[0], args[4],
                    new Operation(Launch.of(Kernel.GELU_BACKWARD, args)).reading(in, from).writing(to));
        }
    }

    /** GELU is what a product can do to its result; the others have a kernel of their own. */
    private static boolean isGelu(Activation kind) {
        return kind == Activation.GELU_TANH || kind == Activation.GELU_ERF;
    }

    /** The number by which kernels know it. */
    private static int code(Activation kind) {
        return switch (kind) {
            case GELU_TANH, RELU -> 0;
            case GELU_ERF, SILU -> 1;
            case TANH -> 2;
            case QUICK_GELU -> 3;
            case SIGMOID -> 4;
        };
    }
}
