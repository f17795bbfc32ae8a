package org.lora4j;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;

/**
 * How error messages speak of names: quoted, on one line, shortened, with the nearest known ones beside a wrong one.
 *
 * <p>Names come from files, and a file may be hostile: a tensor name with a line break or a terminal's escape sequence
 * must not reach the terminal as such, and one of a megabyte must not fill it.
 */
public final class Names {

    private static final int LONGEST_SHOWN = 120;
    /** Used instead of {@code String.format}, which is slow where a file has a hundred thousand such characters. */
    private static final HexFormat HEX = HexFormat.of();
    /** So that a file with millions of names delays its error message by milliseconds, not minutes. */
    private static final int MOST_COMPARED = 10_000;

    private Names() {
    }

    /** The name in single quotes, made safe by {@link #oneLine} and cut in the middle if it is very long. */
    public static String quoted(String name) {
        String shown = name.length() <= LONGEST_SHOWN ? name
                : name.substring(0, LONGEST_SHOWN / 2) + "…" + name.substring(name.length() - LONGEST_SHOWN / 2);
        return "'" + oneLine(shown) + "'";
    }

    /** The text with every control character and lone surrogate written as an escape, {@code \n} or {@code \x1b}. */
    public static String oneLine(String text) {
        StringBuilder line = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            switch (Character.getType(c)) {
                case Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
                        Character.SURROGATE ->
                    line.append(c == '\n' ? "\\n" : c < 256 ? "\\x" + HEX.toHexDigits((byte) c)
                            : "\\u" + HEX.toHexDigits(c).substring(c < 0x10000 ? 4 : 3));
                default -> line.appendCodePoint(c);
            }
        });
        return line.toString();
    }

    /** The first {@code most} names, as in {@code a, b, c and 9 more}; all where they fit, as in {@code a and b}. */
    public static String some(Collection<String> names, int most) {
        StringBuilder text = new StringBuilder();
        Iterator<String> next = names.iterator();
        int shown = Math.min(most, names.size());
        for (int i = 0; i < shown; i++) {
            boolean last = i == names.size() - 1;
            text.append(i == 0 ? "" : last ? " and " : ", ").append(oneLine(next.next()));
        }
        return names.size() > shown ? text + " and " + (names.size() - shown) + " more" : text.toString();
    }

    /**
     * The known names that someone who typed {@code asked} may have meant, nearest first: those at an edit distance of
     * at most a third of its length (two for short names).
     */
    public static List<String> nearest(String asked, Collection<String> known, int most) {
        int limit = Math.max(2, asked.length() / 3);
        record Candidate(String name, int distance) {}
        List<Candidate> candidates = new ArrayList<>();
        known.stream().limit(MOST_COMPARED).forEach(name -> {
            if (Math.abs(name.length() - asked.length()) <= limit && name.length() <= 4 * LONGEST_SHOWN) {
                int distance = editDistance(asked, name);
                if (distance <= limit) {
                    candidates.add(new Candidate(name, distance));
                }
            }
        });
        candidates.sort(Comparator.comparingInt(Candidate::distance));
        return candidates.stream().limit(most).map(Candidate::name).toList();
    }

    /**
     * Insertions, deletions, substitutions and swaps of neighbours that turn one name into the other (optimal string
     * alignment), ignoring case. A swap counts once because it is the commonest slip of the fingers.
     */
    static int editDistance(String from, String to) {
        int[] beforePrevious = new int[to.length() + 1];
        int[] previous = new int[to.length() + 1];
        int[] current = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            current[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int substitution = previous[j - 1] + (same(from, i - 1, to, j - 1) ? 0 : 1);
                current[j] = Math.min(substitution, 1 + Math.min(previous[j], current[j - 1]));
                if (i > 1 && j > 1 && same(from, i - 1, to, j - 2) && same(from, i - 2, to, j - 1)) {
                    current[j] = Math.min(current[j], 1 + beforePrevious[j - 2]);
                }
            }
            int[] free = beforePrevious;
            beforePrevious = previous;
            previous = current;
            current = free;
        }
        return previous[to.length()];
    }

    private static boolean same(String a, int i, String b, int j) {
        return Character.toLowerCase(a.charAt(i)) == Character.toLowerCase(b.charAt(j));
    }
}
