package org.lora4j.cli;

import java.util.HexFormat;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.lora4j.Names;

/**
 * What may reach a terminal. Texts come from files, and one may hold what a terminal obeys: a line break that forges a
 * line, an escape sequence that erases one, a sign that turns the direction of reading. They are shown as escapes,
 * {@code \n}, {@code \x1b}, <code>&#92;u202e</code>.
 */
final class Shown {

    /** The looks that {@link Ui} gives to words. */
    private static final Pattern OUR_STYLE = Pattern.compile("\u001b\\[(?:0|1|2|31|32)m");

    private static final HexFormat HEX = HexFormat.of();

    private Shown() {
    }

    /** One line, whatever is in it; tabs stay, since tables have them. */
    static String line(String text) {
        return replaced(text, c -> c != '\t' && isHidden(c), false);
    }

    /** {@link #line} that leaves what {@link Ui#bold} and the like put around words. */
    static String styledLine(String text) {
        return styled(text, Shown::line);
    }

    /** {@link #text} likewise, or the text as it is where no terminal shows it. */
    static String styledText(String text, boolean terminal) {
        return terminal ? styled(text, Shown::text) : text;
    }

    private static String styled(String text, UnaryOperator<String> cleaned) {
        StringBuilder shown = new StringBuilder(text.length());
        int from = 0;
        var style = OUR_STYLE.matcher(text);
        while (style.find()) {
            shown.append(cleaned.apply(text.substring(from, style.start()))).append(style.group());
            from = style.end();
        }
        return shown.append(cleaned.apply(text.substring(from))).toString();
    }

    /** A message, as one line that is cut in the middle where it is very long. */
    static String message(String text) {
        return line(Names.bounded(String.valueOf(text)));
    }

    /** Text of several lines, such as a model writes: line breaks and tabs stay, and the joiners that scripts need. */
    static String text(String text) {
        return replaced(text, c -> c != '\n' && c != '\t' && (Character.isISOControl(c) || turnsDirection(c)), false);
    }

    /** JSON that says the same: what is hidden can only stand within strings, where an escape is as good. */
    static String json(String json) {
        return replaced(json, c -> c > ' ' && isHidden(c), true);
    }

    private static boolean isHidden(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> true;
            default -> false;
        };
    }

    private static boolean turnsDirection(int c) {
        return c == 0x61c || c == 0x200e || c == 0x200f || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069;
    }

    private static String replaced(String text, IntPredicate hidden, boolean json) {
        if (text.codePoints().noneMatch(hidden)) {
            return text;
        }
        StringBuilder shown = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(c -> {
            if (!hidden.test(c)) {
                shown.appendCodePoint(c);
            } else if (json) {
                for (char unit : Character.toChars(c)) {
                    shown.append("\\u").append(HEX.toHexDigits(unit));
                }
            } else {
                shown.append(Names.oneLine(Character.toString(c)));
            }
        });
        return shown.toString();
    }
}
