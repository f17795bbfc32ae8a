package org.lora4j.blocks;

import java.util.Arrays;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Context;
import org.lora4j.nn.Positioning;
import org.lora4j.nn.QueriesKeysValues;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Rotary embeddings (Su et al. 2021) by operations that every backend has. The two halves of a head turn together, by an
 * angle that grows with the position:
 *
 * <pre>
 *   y = x ⊙ c + turn(x) ⊙ s      turn([a b]) = [−b a]      ∂L/∂x = g ⊙ c − turn(g ⊙ s)
 * </pre>
 */
final class Rotary implements Positioning {

    private static final int POSITIONS = 9;

    private final int size;
    private final Tensor cosines;
    private final Tensor sines;

    Rotary(Backend backend, AttentionHeads heads) {
        size = heads.size();
        cosines = table(backend, heads.width(), true);
        sines = table(backend, heads.width(), false);
    }

    private Tensor table(Backend backend, int width, boolean cosine) {
        double[] values = new double[POSITIONS * width];
        Arrays.setAll(values, i -> {
            double angle = i / width * Math.pow(100, -2.0 * (i % (size / 2)) / size);
            return cosine ? Math.cos(angle) : Math.sin(angle);
        });
        Tensor table = backend.allocate(Shape.of(POSITIONS, width));
        backend.upload(values, table);
        return table;
    }

    @Override
    public void forward(QueriesKeysValues in, Context context, Workspace ws) {
        turn(in.q(), context.positions(), 1, ws);
        turn(in.k(), context.positions(), 1, ws);
    }

    @Override
    public void backward(QueriesKeysValues gradient, Sequences sequences, Workspace ws) {
        turn(gradient.q(), sequences.positions(), -1, ws);
        turn(gradient.k(), sequences.positions(), -1, ws);
    }

    private void turn(MatrixView x, IntTensor positions, int direction, Workspace ws) {
        Backend backend = ws.backend();
        int rows = x.rows();
        int width = x.columns();
        Tensor c = ws.scratch("rotary.c", rows, cosines.columns());
        Tensor s = ws.scratch("rotary.s", rows, sines.columns());
        backend.gatherRows(cosines, positions, c, 0);
        backend.gatherRows(sines, positions, s, 0);
        Tensor cx = ws.scratch("rotary.cx", rows, width);
        Tensor sx = ws.scratch("rotary.sx", rows, width);
        backend.copy(c.columns(0, width), cx.matrix());
        backend.copy(s.columns(0, width), sx.matrix());
        Tensor straight = ws.scratch("rotary.x", rows, width);
        Tensor turned = ws.scratch("rotary.turned", rows, width);
        backend.copy(x, straight.matrix());
        backend.fill(turned, 0);
        for (int from = 0; from < width; from += size) {
            backend.add(x.columns(from + size / 2, size / 2), turned.columns(from, size / 2), -direction);
            backend.add(x.columns(from, size / 2), turned.columns(from + size / 2, size / 2), direction);
        }
        backend.multiply(straight, cx, straight);
        backend.multiply(turned, sx, turned);
        backend.add(turned, straight);
        backend.copy(straight.matrix(), x);
    }
}
