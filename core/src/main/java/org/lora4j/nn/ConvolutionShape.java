package org.lora4j.nn;

/**
 * How a convolution over a plane goes: its kernel, and for both directions the step, the rows of zeros around, and the distance of
 * the kernel's taps.
 *
 * @param kernel   (k_h, k_w)
 * @param stride   steps between outputs
 * @param padding  zeros before the first and behind the last
 * @param dilation distance between two taps
 * @param groups   each out/groups outputs see as many of the inputs' groups
 */
public record ConvolutionShape(Pair kernel, Pair stride, Pair padding, Pair dilation, int groups) {

    /** A number for each direction. */
    public record Pair(int height, int width) {

        /** The same in both. */
        public static Pair of(int both) {
            return new Pair(both, both);
        }
    }

    /**
     * Where the rows of a tensor stand: rows·columns positions for each of some planes, one plane behind the other and row by row.
     *
     * @param planes  B, how many there are
     * @param rows    H
     * @param columns W
     */
    public record Plane(int planes, int rows, int columns) {

        /** B·H·W. */
        public int positions() {
            return planes * rows * columns;
        }
    }

    /** Requires sizes that a convolution can have. */
    public ConvolutionShape {
        if (kernel.height < 1 || kernel.width < 1 || stride.height < 1 || stride.width < 1 || padding.height < 0 || padding.width < 0
                || dilation.height < 1 || dilation.width < 1 || groups < 1) {
            throw new IllegalArgumentException("kernel " + kernel + ", stride " + stride + ", padding " + padding + ", dilation "
                    + dilation + ", groups " + groups + ": expected at least 1, and of the padding at least 0");
        }
    }

    /** A kernel with a step of 1 and nothing around. */
    public static ConvolutionShape of(int height, int width) {
        return new ConvolutionShape(new Pair(height, width), Pair.of(1), Pair.of(0), Pair.of(1), 1);
    }

    /** The same with other steps. */
    public ConvolutionShape withStride(int height, int width) {
        return new ConvolutionShape(kernel, new Pair(height, width), padding, dilation, groups);
    }

    /** The same with zeros around. */
    public ConvolutionShape withPadding(int height, int width) {
        return new ConvolutionShape(kernel, stride, new Pair(height, width), dilation, groups);
    }

    /** The same with other distances between taps. */
    public ConvolutionShape withDilation(int height, int width) {
        return new ConvolutionShape(kernel, stride, padding, new Pair(height, width), groups);
    }

    /** The same in groups. */
    public ConvolutionShape withGroups(int count) {
        return new ConvolutionShape(kernel, stride, padding, dilation, count);
    }

    /** k_h·k_w. */
    public int taps() {
        return kernel.height * kernel.width;
    }

    /**
     * Where the outputs stand: ⌊(H + 2·p − d·(k − 1) − 1)/s⌋ + 1 rows, and columns the same way.
     *
     * @throws IllegalArgumentException if the kernel is larger than the plane with what is around it
     */
    public Plane output(Plane input) {
        int height = extent(input.rows, kernel.height, stride.height, padding.height, dilation.height);
        int width = extent(input.columns, kernel.width, stride.width, padding.width, dilation.width);
        if (height < 1 || width < 1) {
            throw new IllegalArgumentException("a kernel of " + kernel + ", dilation " + dilation + ", does not fit into a plane of "
                    + input.rows + " × " + input.columns + " with padding " + padding);
        }
        return new Plane(input.planes, height, width);
    }

    private static int extent(int extent, int kernel, int stride, int padding, int dilation) {
        return Math.floorDiv(extent + 2 * padding - dilation * (kernel - 1) - 1, stride) + 1;
    }

    /** For each output the input that a tap reads, and {@code input.positions()} where that is outside. */
    int[] rows(int tap, Plane input) {
        Plane output = output(input);
        int dh = tap / kernel.width * dilation.height - padding.height;
        int dw = tap % kernel.width * dilation.width - padding.width;
        int[] rows = new int[output.positions()];
        int n = 0;
        for (int b = 0; b < output.planes; b++) {
            for (int i = 0; i < output.rows; i++) {
                for (int j = 0; j < output.columns; j++) {
                    int h = i * stride.height + dh;
                    int w = j * stride.width + dw;
                    boolean inside = h >= 0 && h < input.rows && w >= 0 && w < input.columns;
                    rows[n++] = inside ? (b * input.rows + h) * input.columns + w : input.positions();
                }
            }
        }
        return rows;
    }
}
