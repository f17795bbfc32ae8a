package org.lora4j.chat.jinja;

import java.util.ArrayList;
import java.util.List;

/** One rendering: what it has written, where the marked parts lie, and how much it may still do. */
final class Run {

    /** Far above any chat; a template that loops without end stops here. */
    private static final int MOST_STEPS = 20_000_000;
    private static final int DEEPEST = 120;

    /** Characters of any one text that a template makes. */
    static final int LONGEST = 1 << 27;

    private final StringBuilder root = new StringBuilder();
    private final List<int[]> marked = new ArrayList<>();
    private int steps;
    private int depth;

    StringBuilder root() {
        return root;
    }

    List<int[]> marked() {
        return marked;
    }

    /** A part that is marked, about to be put behind what is written: where that is, Transformers counts in the outermost text. */
    void mark(String part) {
        marked.add(new int[] {root.length(), root.length() + part.length()});
    }

    void step() {
        if (++steps > MOST_STEPS) {
            throw new JinjaException("more than " + MOST_STEPS + " steps: the template does not come to an end");
        }
    }

    void append(StringBuilder out, String text) {
        if (out.length() > LONGEST - text.length()) {
            throw tooLong();
        }
        out.append(text);
    }

    static JinjaException tooLong() {
        return new JinjaException("more than " + LONGEST + " characters");
    }

    void enter() {
        step();
        if (++depth > DEEPEST) {
            throw new JinjaException("calls more than " + DEEPEST + " deep");
        }
    }

    void leave() {
        depth--;
    }
}
