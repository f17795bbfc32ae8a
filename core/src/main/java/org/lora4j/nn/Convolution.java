package org.lora4j.nn;

import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * A convolution over the positions of each sequence, zeros before its first and behind its last:
 *
 * <pre>
 *   y[t] = b + Σᵢ x[t + i − ⌊k/2⌋]·W[·, ·, i]ᵀ          x, y: (N, C)   W: (C, C/groups, k), k odd   b: (C)
 *
 *   ∂L/∂W[·, ·, i] = Σ g[t]ᵀ·x[t + i − ⌊k/2⌋]      ∂L/∂b = Σ g      ∂L/∂x[t + i − ⌊k/2⌋] += g[t]·W[·, ·, i]
 * </pre>
 *
 * <p>With groups, each C/groups outputs see as many inputs of their own.
 */
public final class Convolution implements Layer {

    private final Parameter weight;
    private final Parameter bias;
    private final int groups;
    private final String place;

    /**
     * A convolution along the tokens of a sequence, with an odd kernel of k.
     *
     * @throws IllegalArgumentException if k is even, or the groups do not fit
     */
    public Convolution(Parameter weight, Parameter bias, int groups) {
        Shape shape = weight.shape();
        if (shape.rank() != 3 || shape.dim(2) % 2 == 0 || shape.dim(0) != groups * shape.dim(1)) {
            throw new IllegalArgumentException(weight + " with " + groups + " groups, expected (C, C/groups, k) and k odd");
        }
        this.weight = weight;
        this.bias = bias;
        this.groups = groups;
        place = weight.name().replaceFirst("\\.weight$", "");
    }

    /**
     * y[t] = Σⱼ W[j]·x[t + j − (k − 1)/2] + b, with zeros beyond the ends of each sequence.
     *
     * @param x (N, C); read
     * @param y (N, C); written
     */
    public void forward(Tensor x, Tensor y, Sequences sequences, Workspace ws) {
        Backend backend = ws.backend();
        Tensor padded = padded(x.rows(), ws);
        Tensor none = ws.block(this, "none", 1, x.columns());
        backend.fill(none, 0);
        backend.copy(x.matrix(), padded.rows(0, x.rows()));
        backend.copy(none.matrix(), padded.rows(x.rows(), 1));
        for (int i = 0; i < taps(); i++) {
            Tensor shifted = ws.scratch("convolution.x", x.rows(), x.columns());
            backend.gatherRows(padded, rows(i, sequences, ws), shifted, 0);
            Tensor w = tap(i, ws);
            for (int group = 0; group < groups; group++) {
                backend.matmul(in(shifted, group), out(w, group).t(), in(y, group), 1, i == 0 ? 0 : 1);
            }
        }
        backend.addRow(bias.value().as(Shape.of(1, y.columns())).matrix(), 1, y.matrix());
        ws.show(place, y);
    }

    /**
     * Adds up ∂L/∂W and ∂L/∂b as far as they train, and writes ∂L/∂x.
     *
     * @param dy ∂L/∂y; read
     * @param dx ∂L/∂x; written; null where nothing below needs it
     */
    public void backward(Tensor dy, Tensor dx, Sequences sequences, Workspace ws) {
        Backend backend = ws.backend();
        ws.showGradient(place, dy);
        if (bias.isTrainable()) {
            backend.addColumnSums(dy.matrix(), bias.gradient());
        }
        Tensor dPadded = ws.scratch("convolution.dpadded", dy.rows() + 1, dy.columns());
        if (dx != null) {
            backend.fill(dPadded, 0);
        }
        for (int i = 0; i < taps(); i++) {
            IntTensor rows = rows(i, sequences, ws);
            Tensor shifted = ws.scratch("convolution.x", dy.rows(), dy.columns());
            if (weight.isTrainable()) {
                backend.gatherRows(padded(dy.rows(), ws), rows, shifted, 0);
                Tensor dw = ws.block(this, "dw", weight.shape().dim(0), weight.shape().dim(1));
                for (int group = 0; group < groups; group++) {
                    backend.matmul(in(dy, group).t(), in(shifted, group), out(dw, group), 1, 0);
                }
                backend.add(column(dw), weight.gradient().columns(i, 1), 1);
            }
            if (dx != null) {
                Tensor w = tap(i, ws);
                for (int group = 0; group < groups; group++) {
                    backend.matmul(in(dy, group), out(w, group), in(shifted, group), 1, 0);
                }
                backend.scatterAddRows(shifted, rows, dPadded);
            }
        }
        if (dx != null) {
            backend.copy(dPadded.rows(0, dx.rows()), dx.matrix());
        }
    }

    private int taps() {
        return weight.shape().dim(2);
    }

    /** x and a row of zeros, which backward reads where W trains. */
    private Tensor padded(int rows, Workspace ws) {
        int columns = weight.shape().dim(0);
        return weight.isTrainable() ? ws.activation(this, "convolution.padded", rows + 1, columns)
                : ws.scratch("convolution.padded", rows + 1, columns);
    }

    /** W[·, ·, i]: the file has the taps of one weight side by side. */
    private Tensor tap(int i, Workspace ws) {
        Tensor tap = ws.block(this, "w", weight.shape().dim(0), weight.shape().dim(1));
        ws.backend().copy(weight.value().columns(i, 1), column(tap));
        return tap;
    }

    private static MatrixView column(Tensor x) {
        return x.as(Shape.of(Math.toIntExact(x.size()), 1)).matrix();
    }

    /** For each row the one that tap i reads, N for none. */
    private IntTensor rows(int i, Sequences sequences, Workspace ws) {
        int shift = i - taps() / 2;
        int length = sequences.length();
        int[] rows = new int[sequences.rows()];
        for (int n = 0; n < rows.length; n++) {
            int t = n % length + shift;
            rows[n] = t >= 0 && t < length ? n + shift : rows.length;
        }
        IntTensor tensor = ws.ints(this, "rows" + i, rows.length);
        ws.backend().upload(rows, 0, tensor, rows.length);
        return tensor;
    }

    private MatrixView in(Tensor x, int group) {
        int width = weight.shape().dim(1);
        return x.columns(group * width, width);
    }

    private MatrixView out(Tensor w, int group) {
        int width = weight.shape().dim(0) / groups;
        return w.rows(group * width, width);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight, bias);
    }
}
