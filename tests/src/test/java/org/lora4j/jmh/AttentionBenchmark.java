package org.lora4j.jmh;

import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Causal attention of whole sequences, as in training. */
public class AttentionBenchmark extends MillisecondsBenchmark {

    /** Sequences × tokens. */
    @Param({"8x64", "4x128", "1x1024"})
    public String tokens;

    @Param("12")
    public int heads;

    @Param("64")
    public int headSize;

    private AttentionShape shape;
    private Tensor q;
    private Tensor k;
    private Tensor v;
    private Tensor y;
    private Tensor lse;
    private Tensor dy;
    private Tensor dq;
    private Tensor dk;
    private Tensor dv;

    @Setup
    public void fill(BackendState backend) {
        int[] sizes = sizes(tokens);
        int batch = sizes[0];
        int length = sizes[1];
        int rows = batch * length;
        int width = heads * headSize;
        shape = AttentionShape.self(batch, length, heads, headSize, true);
        q = backend.random(rows, width);
        k = backend.random(rows, width);
        v = backend.random(rows, width);
        dy = backend.random(rows, width);
        y = backend.zeros(rows, width);
        dq = backend.zeros(rows, width);
        dk = backend.zeros(rows, width);
        dv = backend.zeros(rows, width);
        lse = backend.zeros(batch * heads, length);
        forward(backend);
    }

    @Benchmark
    public void forward(BackendState backend) {
        backend.get().attention(Attention.of(q.matrix(), k.matrix(), v.matrix(), shape),
                new AttentionOutput(y.matrix(), lse));
    }

    @Benchmark
    public void backward(BackendState backend) {
        backend.get().attentionBackward(Attention.of(q.matrix(), k.matrix(), v.matrix(), shape),
                new AttentionOutput(y.matrix(), lse), dy.matrix(),
                new AttentionGradient(dq.matrix(), dk.matrix(), dv.matrix()));
    }
}
