package org.lora4j.tokenizer.pipeline;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a text at what a pattern finds:
 *
 * <pre>
 *   "ox/ant//bee" at "/"
 *   REMOVED                ox  ant  bee                CONTIGUOUS          ox  /  ant  //  bee
 *   ISOLATED               ox  /  ant  /  /  bee
 *   MERGED_WITH_PREVIOUS   ox/  ant/  /  bee           MERGED_WITH_NEXT    ox  /ant  /  /bee
 * </pre>
 */
public record Cutting(TextPattern pattern, Behavior behavior) implements Splitter {

    /** What becomes of what is found. */
    public enum Behavior {
        REMOVED, ISOLATED, MERGED_WITH_PREVIOUS, MERGED_WITH_NEXT, CONTIGUOUS
    }

    /** BERT's words: white space goes, every punctuation mark is a word of its own. */
    public static final Splitter BERT = Cutting::bert;

    /** Words between white space. */
    public static final Splitter WHITESPACE =
            new Cutting(TextPattern.characters(Characters::isWhitespace), Behavior.REMOVED);

    @Override
    public void split(String text, boolean begins, Words use) {
        switch (behavior) {
            case REMOVED -> pattern.forEach(text, (from, to, found) -> {
                if (!found) {
                    give(text, from, to, begins, use);
                }
            });
            case ISOLATED -> pattern.forEach(text, (from, to, found) -> give(text, from, to, begins, use));
            default -> merged(text, begins, use);
        }
    }

    private static void give(String text, int from, int to, boolean begins, Words use) {
        if (from < to) {
            use.accept(text.substring(from, to), begins && from == 0);
        }
    }

    /** A part of the text; {@code found} as the pattern says. */
    private record Part(int from, int to, boolean found) {
    }

    private void merged(String text, boolean begins, Words use) {
        List<Part> parts = new ArrayList<>();
        pattern.forEach(text, (from, to, found) -> parts.add(new Part(from, to, found)));
        List<int[]> ranges = behavior == Behavior.MERGED_WITH_NEXT ? withNext(parts) : forwards(parts);
        ranges.forEach(range -> give(text, range[0], range[1], begins, use));
    }

    private List<int[]> forwards(List<Part> parts) {
        List<int[]> ranges = new ArrayList<>();
        boolean before = false;
        for (Part part : parts) {
            boolean joins = behavior == Behavior.CONTIGUOUS ? part.found == before : part.found && !before;
            if (joins && !ranges.isEmpty()) {
                ranges.getLast()[1] = part.to;
            } else {
                ranges.add(new int[] {part.from, part.to});
            }
            before = part.found;
        }
        return ranges;
    }

    private static List<int[]> withNext(List<Part> parts) {
        List<int[]> ranges = new ArrayList<>();
        boolean behind = false;
        for (Part part : parts.reversed()) {
            if (part.found && !behind && !ranges.isEmpty()) {
                ranges.getLast()[0] = part.from;
            } else {
                ranges.add(new int[] {part.from, part.to});
            }
            behind = part.found;
        }
        return ranges.reversed();
    }

    private static void bert(String text, boolean begins, Words use) {
        int from = 0;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            int next = i + Character.charCount(c);
            if (Characters.isWhitespace(c)) {
                give(text, from, i, begins, use);
                from = next;
            } else if (Characters.isPunctuation(c)) {
                give(text, from, i, begins, use);
                give(text, i, next, begins, use);
                from = next;
            }
            i = next;
        }
        give(text, from, text.length(), begins, use);
    }
}
