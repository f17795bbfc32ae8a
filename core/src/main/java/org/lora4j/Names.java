package org.lora4j;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * How error messages speak of names: quoted, on one line, shortened, with the nearest known ones beside a wrong one.
 *
 * <p>Names come from files, and a file may be hostile: a tensor name with a line break or a terminal's escape sequence
 * must not reach the terminal as such, and one of a megabyte must not fill it.
 */
public final class Names {

    /** Characters of an error message; more is read by nobody. */
    public static final int LONGEST_MESSAGE = 4_000;

    private static final int LONGEST_SHOWN = 120;
    /** Used instead of {@code String.format}, which is slow where a file has a hundred thousand such characters. */
    /** Above that a number shows how large it is better with an exponent. */
    private static final double MOST_WHOLE = 1e9;

    private static final HexFormat HEX = HexFormat.of();
    /** So that a file with millions of names delays its error message by milliseconds, not minutes. */
    private static final int MOST_COMPARED = 10_000;

    private Names() {
    }

    /** The name in single quotes, made safe by {@link #oneLine} and cut in the middle if it is very long. */
    public static String quoted(String name) {
        return "'" + shortened(name) + "'";
    }

    /** The name on one line, cut in the middle if it is very long. */
    public static String shortened(String name) {
        return oneLine(name.length() <= LONGEST_SHOWN ? name
                : name.substring(0, LONGEST_SHOWN / 2) + "…" + name.substring(name.length() - LONGEST_SHOWN / 2));
    }

    /** As someone writes a list, {@code a,b,c}; of a long one the first names and how many there are. */
    public static String list(Collection<String> names, int most) {
        String first = names.stream().limit(most).map(Names::shortened).collect(Collectors.joining(","));
        return names.size() <= most ? first : first + ",… (" + names.size() + " names)";
    }

    /** {@code 32}, {@code 0.5}: a number, without a point where it is a whole one. */
    public static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < MOST_WHOLE ? Long.toString((long) value) : Double.toString(value);
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

    /** The message, or its beginning and its end where it is longer than {@link #LONGEST_MESSAGE}. */
    public static String bounded(String message) {
        if (message == null || message.length() <= LONGEST_MESSAGE + 100) { // no message becomes longer by it
            return message;
        }
        int begin = LONGEST_MESSAGE / 2;
        int end = message.length() - LONGEST_MESSAGE / 2;
        // no half of a character that takes two
        begin -= Character.isHighSurrogate(message.charAt(begin - 1)) ? 1 : 0;
        end += Character.isLowSurrogate(message.charAt(end)) ? 1 : 0;
        return message.substring(0, begin) + " … (" + (end - begin) + " characters left out) … " + message.substring(end);
    }

    /** The first {@code most} names, as in {@code a, b, c and 9 more}; all where they fit, as in {@code a and b}. */
    public static String some(Collection<String> names, int most) {
        StringBuilder text = new StringBuilder();
        Iterator<String> next = names.iterator();
        int shown = Math.min(most, names.size());
        for (int i = 0; i < shown; i++) {
            boolean last = i == names.size() - 1;
            text.append(i == 0 ? "" : last ? " and " : ", ").append(shortened(next.next()));
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
