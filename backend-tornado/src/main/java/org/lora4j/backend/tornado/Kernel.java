package org.lora4j.backend.tornado;

import java.util.Locale;
import org.lora4j.backend.tornado.kernel.AdamWKernels;
import org.lora4j.backend.tornado.kernel.AttentionKernels;
import org.lora4j.backend.tornado.kernel.ColumnKernels;
import org.lora4j.backend.tornado.kernel.CrossEntropyKernels;
import org.lora4j.backend.tornado.kernel.DropoutKernels;
import org.lora4j.backend.tornado.kernel.ElementwiseKernels;
import org.lora4j.backend.tornado.kernel.EmbeddingKernels;
import org.lora4j.backend.tornado.kernel.GatheredAttentionKernels;
import org.lora4j.backend.tornado.kernel.NormKernels;
import org.lora4j.backend.tornado.kernel.ProductKernels;
import org.lora4j.backend.tornado.kernel.RelativeAttentionKernels;

/** The kernels that operations are made of, each in its plain form, and those that have a second form for GPUs again in that. */
enum Kernel {
    FILL(ElementwiseKernels::fill),
    SCALE(ElementwiseKernels::scale),
    COPY(ElementwiseKernels::copy),
    ADD(ElementwiseKernels::add),
    MULTIPLY(ElementwiseKernels::multiply),
    GELU(ElementwiseKernels::gelu),
    GELU_BACKWARD(ElementwiseKernels::geluBackward),
    ACTIVATE(ElementwiseKernels::activate),
    ACTIVATE_BACKWARD(ElementwiseKernels::activateBackward),
    DROPOUT(DropoutKernels::dropout),
    ADD_ROW(ColumnKernels::addRow),
    SCALE_COLUMNS(ColumnKernels::scaleColumns),
    COLUMN_DOTS(ColumnKernels::addColumnDots),
    DIVIDE_BY_ROOTS(ColumnKernels::divideByRoots),
    PRODUCT(ProductKernels::product),
    COLUMN_SUMS(ProductKernels::columnSums),
    NORM(NormKernels::forward),
    NORM_BACKWARD(NormKernels::backward),
    NORM_PARAMETERS(NormKernels::backwardParameters),
    ATTENTION(AttentionKernels::forward),
    ATTENTION_QUERIES(AttentionKernels::backwardQueries),
    ATTENTION_KEYS(AttentionKernels::backwardKeys),
    RELATIVE_ATTENTION(RelativeAttentionKernels::forward),
    RELATIVE_ATTENTION_QUERIES(RelativeAttentionKernels::backwardQueries),
    RELATIVE_ATTENTION_KEYS(RelativeAttentionKernels::backwardKeys),
    RELATIVE_ATTENTION_VALUES(RelativeAttentionKernels::backwardValues),
    RELATIVE_ATTENTION_TABLE(RelativeAttentionKernels::backwardTable),
    GATHERED_ATTENTION(GatheredAttentionKernels::attention),
    GATHER(EmbeddingKernels::gather),
    SCATTER_ADD(EmbeddingKernels::scatterAdd),
    CROSS_ENTROPY(CrossEntropyKernels::crossEntropy),
    ADAM_W(AdamWKernels::adamW),
    TILED_PRODUCT(PRODUCT),
    TILED_NORM(NORM),
    TILED_NORM_BACKWARD(NORM_BACKWARD),
    TILED_CROSS_ENTROPY(CROSS_ENTROPY),
    TILED_ATTENTION(ATTENTION),
    TILED_ATTENTION_QUERIES(ATTENTION_QUERIES),
    TILED_ATTENTION_KEYS(ATTENTION_KEYS);

    /** A kernel as any JVM runs it. */
    @FunctionalInterface
    interface Java {
        void run(float[] memory, int[] tables, int[] args, float[] factors, int slot);
    }

    private final Java java;
    private final Kernel plain;

    Kernel(Java java) {
        this.java = java;
        this.plain = null;
    }

    /** A second form of a kernel, with work groups and local memory. */
    Kernel(Kernel plain) {
        this.java = plain.java;
        this.plain = plain;
    }

    boolean isTiled() {
        return plain != null;
    }

    /** The plain form, all work items one after the other. */
    Java java() {
        return java;
    }

    /** As error messages name it: {@code layer norm backward}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
