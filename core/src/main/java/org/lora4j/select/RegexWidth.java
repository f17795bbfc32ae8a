package org.lora4j.select;

/** How many characters a piece of an expression matches, where that is always the same number. */
final class RegexWidth {

    private static final int VARIES = -1;

    private RegexWidth() {
    }

    /** The number, or −1 where it varies or cannot be told. */
    static int of(RegexNode node) {
        return switch (node) {
            case RegexNode.One one -> 1;
            case RegexNode.Sequence sequence -> {
                long sum = 0;
                for (RegexNode part : sequence.nodes()) {
                    int width = of(part);
                    if (width < 0) {
                        yield VARIES;
                    }
                    sum += width;
                }
                yield sum > Integer.MAX_VALUE ? VARIES : (int) sum;
            }
            case RegexNode.Either either -> {
                int width = of(either.nodes().getFirst());
                yield either.nodes().stream().allMatch(part -> of(part) == width) ? width : VARIES;
            }
            case RegexNode.Group group -> of(group.node());
            case RegexNode.Atomic atomic -> of(atomic.node());
            case RegexNode.Repeat repeat -> {
                long width = (long) of(repeat.node()) * repeat.least();
                yield of(repeat.node()) == 0 ? 0 : repeat.least() != repeat.most() || width < 0 || width > Integer.MAX_VALUE
                        ? VARIES : (int) width;
            }
            case RegexNode.Look look -> 0;
            case RegexNode.Anchor anchor -> 0;
            case RegexNode.IfGroup either -> of(either.yes()) == of(either.no()) ? of(either.yes()) : VARIES;
            case RegexNode.Again again -> again.width();
        };
    }
}
