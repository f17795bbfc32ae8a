package org.lora4j.backend.tornado;

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
import org.lora4j.backend.tornado.kernel.TiledAttention;
import org.lora4j.backend.tornado.kernel.TiledProducts;
import org.lora4j.backend.tornado.kernel.TiledRows;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task5;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task6;

/** The kernels once more, as TornadoVM takes them: it looks for the method that such a reference calls. */
final class Tasks {

    private Tasks() {
    }

    static Task5<float[], int[], int[], float[], Integer> plain(Kernel kernel) {
        return switch (kernel) {
            case FILL -> ElementwiseKernels::fill;
            case SCALE -> ElementwiseKernels::scale;
            case COPY -> ElementwiseKernels::copy;
            case ADD -> ElementwiseKernels::add;
            case MULTIPLY -> ElementwiseKernels::multiply;
            case GELU -> ElementwiseKernels::gelu;
            case GELU_BACKWARD -> ElementwiseKernels::geluBackward;
            case ACTIVATE -> ElementwiseKernels::activate;
            case ACTIVATE_BACKWARD -> ElementwiseKernels::activateBackward;
            case DROPOUT -> DropoutKernels::dropout;
            case ADD_ROW -> ColumnKernels::addRow;
            case SCALE_COLUMNS -> ColumnKernels::scaleColumns;
            case COLUMN_DOTS -> ColumnKernels::addColumnDots;
            case DIVIDE_BY_ROOTS -> ColumnKernels::divideByRoots;
            case PRODUCT -> ProductKernels::product;
            case COLUMN_SUMS -> ProductKernels::columnSums;
            case NORM -> NormKernels::forward;
            case NORM_BACKWARD -> NormKernels::backward;
            case NORM_PARAMETERS -> NormKernels::backwardParameters;
            case ATTENTION -> AttentionKernels::forward;
            case ATTENTION_QUERIES -> AttentionKernels::backwardQueries;
            case ATTENTION_KEYS -> AttentionKernels::backwardKeys;
            case RELATIVE_ATTENTION -> RelativeAttentionKernels::forward;
            case RELATIVE_ATTENTION_QUERIES -> RelativeAttentionKernels::backwardQueries;
            case RELATIVE_ATTENTION_KEYS -> RelativeAttentionKernels::backwardKeys;
            case RELATIVE_ATTENTION_VALUES -> RelativeAttentionKernels::backwardValues;
            case RELATIVE_ATTENTION_TABLE -> RelativeAttentionKernels::backwardTable;
            case GATHERED_ATTENTION -> GatheredAttentionKernels::attention;
            case GATHER -> EmbeddingKernels::gather;
            case SCATTER_ADD -> EmbeddingKernels::scatterAdd;
            case CROSS_ENTROPY -> CrossEntropyKernels::crossEntropy;
            case ADAM_W -> AdamWKernels::adamW;
            default -> throw new IllegalArgumentException(kernel + " has no plain form of its own");
        };
    }

    static Task6<KernelContext, float[], int[], int[], float[], Integer> tiled(Kernel kernel) {
        return switch (kernel) {
            case TILED_PRODUCT -> TiledProducts::product;
            case TILED_NORM -> TiledRows::norm;
            case TILED_NORM_BACKWARD -> TiledRows::normBackward;
            case TILED_CROSS_ENTROPY -> TiledRows::crossEntropy;
            case TILED_ATTENTION -> TiledAttention::forward;
            case TILED_ATTENTION_QUERIES -> TiledAttention::backwardQueries;
            case TILED_ATTENTION_KEYS -> TiledAttention::backwardKeys;
            default -> throw new IllegalArgumentException(kernel + " has no second form");
        };
    }
}
