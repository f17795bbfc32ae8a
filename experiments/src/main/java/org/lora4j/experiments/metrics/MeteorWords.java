package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * METEOR 1.5's own normalisation of English ({@code -norm}), which the E2E scorer lets follow on
 * {@link CaptionTokenizer}:
 *
 * <pre>
 *   small letters; marks apart from words; quotes and dashes alike
 *   family-friendly → family friendly      don't → don 't      u.s. → us      st. before a word in small letters stays
 * </pre>
 */
final class MeteorWords {

    private static final String ALPHA = "A-Za-z\u0160\u017D\u0161\u017E\u0178\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u017E"
            + "\u0400-\u0527\uA640-\uA66E\uA67E-\uA697\u1D00-\u1D7F";
    private static final String ALNUM = "0-9" + ALPHA;

    /** Stands for a point of several in a row, which no later step touches. */
    private static final String POINT_OF_SEVERAL = "\uE000";

    private static final Pattern MARK = Pattern.compile("([^" + ALNUM + "\\s.'`,\\-\u2018\u2019])");
    private static final Pattern POINTS = Pattern.compile("\\.{2,}");
    private static final List<Pattern> COMMAS = List.of(Pattern.compile("([^0-9]),([^0-9])"),
            Pattern.compile("([0-9]),([^0-9])"), Pattern.compile("([^0-9]),([0-9])"));
    private static final Pattern DASH_IN_WORD = Pattern.compile("([" + ALNUM + ".])-([" + ALNUM + "])");
    private static final List<Pattern> LONE_APOSTROPHES = List.of(
            Pattern.compile("([^" + ALPHA + "])'([^" + ALPHA + "])"),
            Pattern.compile("([^" + ALPHA + "0-9])'([" + ALPHA + "])"),
            Pattern.compile("([" + ALPHA + "])'([^" + ALPHA + "])"));
    private static final List<Pattern> CONTRACTIONS = List.of(
            Pattern.compile("([" + ALPHA + "])'([" + ALPHA + "])"), Pattern.compile("([0-9])'(s)"));
    private static final Pattern LETTER = Pattern.compile("[" + ALPHA + "]");
    private static final Pattern SPACES = Pattern.compile("[\\p{Zs}\\s]+");

    /** Small abbreviations that keep their point whatever follows, and one that keeps it before a number. */
    private static final Set<String> ABBREVIATIONS = Set.of("v", "vs", "rev");
    private static final String BEFORE_NUMBERS = "pp";

    private MeteorWords() {
    }

    static List<String> of(String text) {
        String line = MARK.matcher(" " + text + " ").replaceAll(" $1 ");
        line = POINTS.matcher(line).replaceAll(points -> " " + POINT_OF_SEVERAL.repeat(points.group().length()) + " ");
        for (Pattern comma : COMMAS) {
            line = comma.matcher(line).replaceAll("$1 , $2");
        }
        line = line.replaceAll("[`\u2018\u2019]", "'").replaceAll("[\u201C\u201D]|''", " \" ");
        line = DASH_IN_WORD.matcher(line.replace("\u2013", "-").replace("--", "-")).replaceAll("$1 $2");
        for (Pattern apostrophe : LONE_APOSTROPHES) {
            line = apostrophe.matcher(line).replaceAll("$1 ' $2");
        }
        for (Pattern contraction : CONTRACTIONS) {
            line = contraction.matcher(line).replaceAll("$1 '$2");
        }
        String[] parts = Arrays.stream(line.split("[ \\t\\n\\r\\f]+")).filter(part -> !part.isEmpty()).toArray(String[]::new);
        StringBuilder words = new StringBuilder();
        for (int i = 0; i < parts.length; i++) {
            words.append(point(parts[i], i + 1 < parts.length ? parts[i + 1] : "")).append(' ');
        }
        String done = words.toString().replace(POINT_OF_SEVERAL, ".").toLowerCase(Locale.ROOT);
        List<String> list = new ArrayList<>(List.of(SPACES.split(done)));
        list.removeIf(String::isEmpty);
        return list;
    }

    /** What becomes of a point at the end of a word. */
    private static String point(String word, String next) {
        if (word.length() < 2 || !word.endsWith(".")) {
            return word;
        }
        String stem = word.substring(0, word.length() - 1);
        if (stem.contains(".") && LETTER.matcher(stem).find()) {
            return word.replace(".", "");
        }
        Matcher small = Pattern.compile("^[a-z]").matcher(next);
        boolean keeps = ABBREVIATIONS.contains(stem) || small.find()
                || stem.equals(BEFORE_NUMBERS) && !next.isEmpty() && Character.isDigit(next.charAt(0));
        return keeps ? word : stem + " .";
    }
}
