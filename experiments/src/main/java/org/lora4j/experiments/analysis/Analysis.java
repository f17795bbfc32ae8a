package org.lora4j.experiments.analysis;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.analysis.Amplification;
import org.lora4j.analysis.UpdateSpectrum;

/**
 * What was found about one or two adapters. Grids of φ are [i − 1][j − 1], i directions of the first and j of the second, as
 * {@link org.lora4j.analysis.Similarity} has them.
 *
 * @param adapters   one or two
 * @param model      the base as it was named; null where there is none
 * @param seed       of all that is drawn
 * @param maps       a line for each weight, those of fused maps whole and by parts
 * @param between    the layers of one adapter with each other, where there is one adapter
 * @param gaussian   what two adapters of Gaussian numbers have in common, where there are two
 * @param notes      what is said beside the numbers
 */
public record Analysis(
        List<Source> adapters, @Nullable String model, long seed, List<MapLine> maps, List<BetweenLayers> between,
        List<GaussianPair> gaussian, Notes notes) {

    /** The beginnings of the four pairs of subspaces, in the order of the pages. */
    public enum Side {
        /** Of the input: right singular vectors of A, figures 3, 4, 6 and 7. */
        A_RIGHT("A_right", "right singular vectors of A"),
        /** Of the output: left singular vectors of B. */
        B_LEFT("B_left", "left singular vectors of B"),
        /** Of the input: right singular vectors of ΔW. */
        DELTA_RIGHT("delta_right", "right singular vectors of ΔW"),
        /** Of the output: left singular vectors of ΔW. */
        DELTA_LEFT("delta_left", "left singular vectors of ΔW");

        private final String key;
        private final String title;

        Side(String key, String title) {
            this.key = key;
            this.title = title;
        }

        /** Its name in JSON and CSV. */
        public String key() {
            return key;
        }

        /** What it is called in a sentence. */
        public String title() {
            return title;
        }
    }

    /**
     * An adapter.
     *
     * @param scaled whether its alpha is known; else s is 1
     */
    public record Source(Path path, String format, @Nullable String base, boolean scaled, boolean dora) {
    }

    /**
     * A weight that all adapters change.
     *
     * @param parted     whether lines of its parts follow
     * @param updates    of the adapters, in their order
     * @param similarity between the two adapters, by side; empty where there is one
     * @param base       null without a base, or where it has no such weight
     */
    public record MapLine(
            Where where, boolean parted, List<Update> updates, Map<Side, double[][]> similarity, @Nullable Base base) {
    }

    /**
     * Which weight.
     *
     * @param part  of a fused map; null for a whole module
     * @param layer its block, or −1
     * @param kind  what is the same in every layer
     */
    public record Where(String module, @Nullable String part, int layer, String kind, boolean embedding, int out, int in) {

        /** For a reader. */
        public String text() {
            return part == null ? module : module + " " + part;
        }
    }

    /**
     * What one adapter does to a weight.
     *
     * @param setting   its rank and factor
     * @param valuesA   singular values of A
     * @param counts    how many directions A has, B and ΔW
     * @param amplified with the base; null without
     * @param withBase  φ of the base's directions (i) and ΔW's (j), right and left; null where it was not asked for
     */
    public record Update(
            Setting setting, UpdateSpectrum spectrum, double[] valuesA, double[] valuesB, int[] counts,
            @Nullable Amplification amplified, @Nullable WithBase withBase) {

        /** r. */
        public int rank() {
            return setting.rank;
        }
    }

    /** r, alpha and the factor s; of a part of a fused map those of the part. */
    public record Setting(int rank, double alpha, double scaling) {
    }

    /** Figure 8: φ(i, j) of W's first i directions and ΔW's first j; and with random ones in ΔW's place. */
    public record WithBase(double[][] right, double[][] left, double[][] randomRight, double[][] randomLeft) {
    }

    /**
     * The base's weight.
     *
     * @param norm   ‖W‖_F
     * @param values its largest singular values; null where they were not looked for
     * @param steps  of the bidiagonalisation that found them; 0 where it was decomposed whole
     * @param error  the largest residual over σ₁
     */
    public record Base(double norm, double @Nullable [] values, int steps, double error) {
    }

    /** φ(top, top) between the layers of one kind of map: [a][b]; NaN where a layer has not so many directions. */
    public record BetweenLayers(
            String kind, Side side, int top, List<Integer> layers, List<String> modules, double[][] similarity, double expected) {
    }

    /** φ of two drawn Gaussian matrices. */
    public record GaussianPair(int dimension, int firstRank, int secondRank, double[][] similarity) {
    }

    /**
     * What is said beside numbers.
     *
     * @param leftOut  what one adapter has and the other or the base has not
     * @param remarks  what a reader should know
     * @param detailed the layers that get pictures of their own
     */
    public record Notes(List<LeftOut> leftOut, List<String> remarks, List<Integer> detailed) {
    }

    /** Something that is not compared, and why. */
    public record LeftOut(String module, @Nullable String part, String reason) {
    }

    /** The drawn pair that stands beside this line; null where there is none. */
    public @Nullable GaussianPair gaussianBeside(MapLine line) {
        if (line.updates().size() < 2) {
            return null;
        }
        return gaussian.stream().filter(pair -> pair.dimension() == line.where().in() && pair.firstRank() == line.updates().get(0).counts()[0]
                && pair.secondRank() == line.updates().get(1).counts()[0]).findFirst().orElse(null);
    }
}
