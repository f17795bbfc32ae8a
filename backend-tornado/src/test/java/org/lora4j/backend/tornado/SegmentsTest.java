package org.lora4j.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SegmentsTest {

    private static final List<Kernel> LAYER =
            List.of(Kernel.NORM, Kernel.PRODUCT, Kernel.ATTENTION, Kernel.PRODUCT, Kernel.GELU);

    private static List<Kernel> model(int layers) {
        List<Kernel> kernels = new ArrayList<>(List.of(Kernel.FILL, Kernel.GATHER));
        for (int i = 0; i < layers; i++) {
            kernels.addAll(LAYER);
        }
        kernels.addAll(List.of(Kernel.CROSS_ENTROPY, Kernel.COPY));
        return kernels;
    }

    @Test
    void layersThatRepeatAreOnePieceAndWhatIsAroundThemOthers() {
        assertThat(Segments.of(model(12))).containsExactlyInAnyOrder(
                List.of(Kernel.FILL, Kernel.GATHER), LAYER, List.of(Kernel.CROSS_ENTROPY, Kernel.COPY));
    }

    @Test
    void theSamePiecesFitAModelOfAnyDepth() {
        assertThat(Segments.of(model(24))).isEqualTo(Segments.of(model(12)));
    }

    @Test
    void aSequenceWithoutRepetitionIsCutWhereItGrowsTooLong() {
        List<Kernel> kernels = new ArrayList<>(List.of(Kernel.values())); // there and back: no round stands twice in a row
        kernels.addAll(List.of(Kernel.values()).reversed());
        assertThat(Segments.of(kernels)).allMatch(piece -> piece.size() <= Segments.MOST)
                .satisfies(pieces -> assertThat(pieces.stream().mapToInt(List::size).sum()).isEqualTo(kernels.size()));
    }

    @Test
    void theLongestPieceThatFitsIsTaken() {
        Segments segments = new Segments(List.of(List.of(Kernel.NORM), List.of(Kernel.PRODUCT), LAYER));
        List<Kernel> kernels = model(2);
        assertThat(segments.at(kernels, 2)).isEqualTo(2);
        assertThat(segments.at(kernels, 3)).isEqualTo(1);
        assertThat(segments.at(kernels, 4)).isEqualTo(-1);
    }

    @Test
    void anEmptySequenceHasNoPieces() {
        assertThat(Segments.of(List.of())).isEmpty();
    }
}
