package org.lora4j.toy;

import java.util.List;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Layer;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Past;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Causal self-attention whose q, k and v are made by three maps. */
record ToyAttention(
        int stage, int heads, Slot<Projection> q, Slot<Projection> k, Slot<Projection> v, Slot<Projection> o) implements Layer {

    void forward(Tensor x, Tensor y, Sequences sequences, Workspace ws) {
        Tensor mixed = tensor("mixed", x, ws);
        ws.backend().attention(attention(x, sequences, ws, true), new AttentionOutput(mixed.matrix(),
                ws.training() ? logSumExp(sequences, ws) : null));
        map(o, mixed, y, ws);
    }

    void forward(Tensor x, Tensor y, Past past, Workspace ws) {
        Attention made = attention(x, new Sequences(1, x.rows(), null), ws, true);
        Tensor mixed = tensor("mixed", x, ws);
        past.attend(stage, made.q(), made.k(), made.v(), heads, 1 / Math.sqrt(x.columns() / heads), mixed.matrix(), ws);
        map(o, mixed, y, ws);
    }

    void backward(Tensor dy, Tensor dx, Sequences sequences, Workspace ws) {
        Backend backend = ws.backend();
        Tensor mixed = tensor("mixed", dy, ws);
        Tensor dMixed = tensor("dMixed", dy, ws);
        o.get().backward(dy, dMixed, ws);
        Tensor dq = tensor("dq", dy, ws);
        Tensor dk = tensor("dk", dy, ws);
        Tensor dv = tensor("dv", dy, ws);
        backend.attentionBackward(attention(dy, sequences, ws, false),
                new AttentionOutput(mixed.matrix(), logSumExp(sequences, ws)), dMixed.matrix(),
                new AttentionGradient(dq.matrix(), dk.matrix(), dv.matrix()));
        Tensor share = tensor("share", dy, ws);
        ws.showGradient(q.name(), dq);
        q.get().backward(dq, dx, ws);
        k.get().backward(dk, share, ws);
        backend.add(share, dx);
        v.get().backward(dv, share, ws);
        backend.add(share, dx);
    }

    /** q, k and v of x, or those that were made before. */
    private Attention attention(Tensor x, Sequences sequences, Workspace ws, boolean make) {
        Tensor queries = tensor("q", x, ws);
        Tensor keys = tensor("k", x, ws);
        Tensor values = tensor("v", x, ws);
        if (make) {
            map(q, x, queries, ws);
            map(k, x, keys, ws);
            map(v, x, values, ws);
        }
        return Attention.of(queries.matrix(), keys.matrix(), values.matrix(), AttentionShape.self(
                sequences.batch(), sequences.length(), heads, x.columns() / heads, true)).withMask(sequences.mask());
    }

    private static void map(Slot<Projection> slot, Tensor x, Tensor y, Workspace ws) {
        slot.get().forward(x, y, ws);
        ws.show(slot.name(), y);
    }

    private Tensor tensor(String name, Tensor x, Workspace ws) {
        return ws.tensor(this, name, x.rows(), x.columns());
    }

    private Tensor logSumExp(Sequences sequences, Workspace ws) {
        return ws.tensor(this, "lse", sequences.rows(), heads).as(Shape.of(sequences.batch() * heads, sequences.length()));
    }

    List<Slot<Projection>> slots() {
        return List.of(q, k, v, o);
    }

    @Override
    public List<Parameter> parameters() {
        return slots().stream().flatMap(slot -> slot.parameters().stream()).toList();
    }
}
