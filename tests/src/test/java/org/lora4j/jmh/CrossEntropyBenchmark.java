package org.lora4j.jmh;

import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Softmax cross-entropy of logits (rows, vocabulary). */
public class CrossEntropyBenchmark extends MillisecondsBenchmark {

    @Param("64")
    public int rows;

    @Param({"4096", "50257"})
    public int vocabulary;

    private Tensor logits;
    private IntTensor targets;
    private Tensor losses;

    @Setup
    public void fill(BackendState backend) {
        logits = backend.random(rows, vocabulary);
        losses = backend.zeros(1, rows).as(Shape.of(rows));
        targets = backend.get().allocateInts(Shape.of(rows));
        int[] ids = new int[rows];
        for (int i = 0; i < rows; i++) {
            ids[i] = i * 37 % vocabulary;
        }
        backend.get().upload(ids, 0, targets, rows);
    }

    @Benchmark
    public void forward(BackendState backend) {
        backend.get().crossEntropy(logits, targets, 0, losses);
    }

    /** The gradient takes the logits' place, so from the second call on it reads small numbers; the work is the same. */
    @Benchmark
    public void withGradient(BackendState backend) {
        backend.get().crossEntropyWithGradient(logits, targets, 0, 1.0 / rows, losses);
    }
}
