package org.lora4j.select;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Writes a regular expression of Python's {@code re} (3.11) in the dialect of {@link Pattern}. The two agree but
 * for these spellings:
 *
 * <pre>
 *   (?P&lt;layer_idx&gt;…)    a plain group: Java's names allow no underscore, and the number stays the same
 *   (?P=layer_idx)  \1   the back-reference by the number, in a group of its own, or a digit that follows would belong to it
 *   (?#…)                nothing
 *   \Z                   \z, the very end
 *   [a[b&amp;&amp;c]             a bracket and ampersands: Java would nest and intersect classes
 *   x{,3}  {             x{0,3}, and a brace that repeats nothing is a character
 * </pre>
 *
 * What Python calls an error is one here. Some constructs that no adapter was seen to use are not read: conditions, the flags
 * a, m and x, look-behinds with more in them than one character after the other, and characters by octal number, {@code \U} or {@code \N}.
 * Letters, digits and spaces are Unicode's, by Java's count.
 *
 * <p>Every piece gets a {@link #LOOK} before it, for the matching is bounded by counting the characters it reads, and an
 * expression such as {@code (||)(||)(||)…x} can be made to take forever without reading one.
 *
 * <p>Source: the documentation of Python's module {@code re}, "Regular Expression Syntax".
 */
final class PythonDialect {

    /** Matches nothing at any place, and reads the character before it or after it. */
    private static final String LOOK = "(?:\\b|\\B)";
    private static final String DIGITS = "0123456789";
    private static final Pattern OCTAL = Pattern.compile("[0-3][0-7][0-7]");
    private static final String LETTERS_OF_CLASSES = "dDsSwW";

    private final String python;
    private final StringBuilder java = new StringBuilder();
    private final List<String> groups = new ArrayList<>();
    private final Set<Integer> open = new HashSet<>();
    private int at;
    /** Where the flags of the whole expression end, at its beginning. */
    private int afterFlags;
    private boolean behind;

    /** A construct of Python's dialect that is right and not read here; the message is its name. */
    static final class NotReadHere extends IllegalArgumentException {
        private static final long serialVersionUID = 1L;

        NotReadHere(String construct) {
            super(construct);
        }
    }

    private PythonDialect(String python) {
        this.python = python;
    }

    /** @throws IllegalArgumentException if it is not a regular expression, with a reason, or not one that is read here */
    static PythonDialect read(String python) {
        PythonDialect dialect = new PythonDialect(python);
        dialect.alternatives();
        if (dialect.at < python.length()) {
            throw wrong("unbalanced parenthesis");
        }
        return dialect;
    }

    String inJava() {
        return java.toString();
    }

    /** The names of its groups, in the order of their numbers; those without a name are empty. */
    List<String> groups() {
        return groups;
    }

    // ------------------------------------------------------------------------------------------------ structure

    /** What may stand before a repetition: something to repeat, a place, which cannot be repeated, or a repetition. */
    private enum Before { NOTHING, PIECE, PLACE, REPETITION }

    private void alternatives() {
        sequence();
        while (accept("|")) {
            refuseBehind("alternatives");
            java.append('|');
            sequence();
        }
    }

    private void sequence() {
        java.append(LOOK);
        Before before = Before.NOTHING;
        while (at < python.length() && peek() != '|' && peek() != ')') {
            String repetition = repetition();
            if (repetition == null) {
                Before piece = piece();
                before = piece == Before.NOTHING ? before : piece; // a comment leaves the one before it to be repeated
            } else if (before == Before.PIECE) {
                refuseBehind("a repetition");
                java.append(repetition).append(accept("?") ? "?" : accept("+") ? "+" : "");
                before = Before.REPETITION;
            } else {
                throw wrong(before == Before.REPETITION ? "multiple repeat" : "nothing to repeat");
            }
        }
    }

    /** The repetition that stands here, without what makes it lazy; null and nothing read where there is none. */
    private String repetition() {
        for (String sign : List.of("*", "+", "?")) {
            if (accept(sign)) {
                return sign;
            }
        }
        int start = at;
        if (accept("{") && !accept("}")) {
            String least = all(DIGITS);
            boolean range = accept(",");
            String most = range ? all(DIGITS) : least;
            if (accept("}")) {
                return "{" + (least.isEmpty() ? "0" : least) + (range ? "," + most : "") + "}";
            }
        }
        at = start; // a brace is a brace
        return null;
    }

    private Before piece() {
        char c = python.charAt(at);
        if (c == '(') {
            return group();
        }
        java.append(LOOK);
        if (c == '^' || c == '$') {
            java.append(c);
            at++;
            return Before.PLACE;
        }
        if (c == '.') {
            java.append(c);
            at++;
        } else if (c == '[') {
            characterClass();
        } else if (c == '\\') {
            return escape();
        } else {
            character(take());
        }
        return Before.PIECE;
    }

    // ------------------------------------------------------------------------------------------------ groups

    private Before group() {
        if (accept("(?#")) {
            upTo(')', "comment");
            return Before.NOTHING;
        }
        int start = at;
        if (accept("(?P=")) {
            return again(numberOf(upTo(')', "group name")));
        }
        if (accept("(?P<")) {
            String name = upTo('>', "group name");
            if (!Character.isUnicodeIdentifierStart(name.codePointAt(0)) && name.charAt(0) != '_'
                    || !name.codePoints().allMatch(c -> c == '_' || Character.isUnicodeIdentifierPart(c))) {
                throw wrong("bad character in group name");
            }
            return capturing(name);
        }
        if (accept("(?(")) {
            throw new NotReadHere("a condition, as in (?(1)a|b),");
        }
        for (String head : List.of("(?:", "(?>", "(?=", "(?!")) {
            if (accept(head)) {
                return inner(head);
            }
        }
        for (String head : List.of("(?<=", "(?<!")) {
            if (accept(head)) {
                return lookBehind(head);
            }
        }
        if (accept("(?")) {
            return flagged(start);
        }
        accept("(");
        return capturing("");
    }

    private Before inner(String head) {
        refuseBehind("a group");
        java.append(head);
        alternatives();
        if (!accept(")")) {
            throw wrong("missing ), unterminated subpattern");
        }
        java.append(')');
        return Before.PIECE;
    }

    private Before capturing(String name) {
        if (!name.isEmpty() && groups.contains(name)) {
            throw wrong("the group name " + name + " is there twice");
        }
        groups.add(name);
        int number = groups.size();
        open.add(number);
        inner("(");
        open.remove(number);
        return Before.PIECE;
    }

    /** Python wants to know how many characters it has; Java is content with less, so that only what is surely right is read. */
    private Before lookBehind(String head) {
        refuseBehind("a group");
        java.append(LOOK).append(head);
        behind = true;
        sequence();
        if (at < python.length() && peek() == '|') {
            refuseBehind("alternatives");
        }
        if (!accept(")")) {
            throw wrong("missing ), unterminated subpattern");
        }
        behind = false;
        java.append(')');
        return Before.PIECE;
    }

    private Before flagged(int start) {
        int flags = at;
        all("aimsuxL-");
        String letters = python.substring(flags, at);
        boolean whole = accept(")");
        if (letters.isEmpty() || !whole && !accept(":") || letters.endsWith("-") || letters.indexOf('-') != letters.lastIndexOf('-')
                || whole && letters.contains("-")) {
            throw wrong("unknown extension ?" + python.substring(flags, Math.min(flags + 1, python.length())));
        }
        for (char letter : "amxL".toCharArray()) {
            if (letters.indexOf(letter) >= 0) {
                throw new NotReadHere("the flag " + letter);
            }
        }
        if (letters.lastIndexOf('u') > letters.indexOf('-') && letters.contains("-")) {
            throw wrong("bad inline flags: cannot turn off flag u");
        }
        if (!whole) {
            return inner("(?" + letters + ":");
        }
        if (start != afterFlags) {
            throw wrong("global flags not at the start of the expression");
        }
        afterFlags = at;
        java.append("(?").append(letters).append(')');
        return Before.NOTHING;
    }

    // ------------------------------------------------------------------------------------------------ escapes

    private Before escape() {
        at++;
        if (at == python.length()) {
            throw wrong("bad escape (end of pattern)");
        }
        char c = peek();
        if ("AZbB".indexOf(c) >= 0) {
            at++;
            java.append('\\').append(c == 'Z' ? 'z' : c);
            return Before.PLACE;
        }
        if (LETTERS_OF_CLASSES.indexOf(c) >= 0) {
            at++;
            java.append('\\').append(c);
            return Before.PIECE;
        }
        if (c >= '1' && c <= '9' && !OCTAL.matcher(python).region(at, python.length()).lookingAt()) {
            int digits = at + 1 < python.length() && DIGITS.indexOf(python.charAt(at + 1)) >= 0 ? 2 : 1;
            at += digits;
            return again(Integer.parseInt(python.substring(at - digits, at)));
        }
        escaped();
        return Before.PIECE;
    }

    private Before again(int group) {
        if (group > groups.size()) {
            throw wrong("invalid group reference " + group);
        }
        if (open.contains(group)) {
            throw wrong("cannot refer to an open group");
        }
        refuseBehind("a back-reference");
        java.append("(?:").append(LOOK).append('\\').append(group).append(')');
        return Before.PIECE;
    }

    private int numberOf(String name) {
        int group = name.isEmpty() ? 0 : groups.indexOf(name) + 1;
        if (group == 0) {
            throw wrong("unknown group name");
        }
        return group;
    }

    /** A character by its escape, from the letter on. */
    private void escaped() {
        int c = take();
        if (c >= '0' && c <= '9') {
            throw new NotReadHere("a character by its octal number");
        }
        if (c == 'N' || c == 'U') {
            throw new NotReadHere("the escape \\" + (char) c);
        }
        if (c == 'x' || c == 'u') {
            int end = at + (c == 'x' ? 2 : 4);
            if (end > python.length() || !python.substring(at, end).matches("[0-9a-fA-F]+")) {
                throw wrong("incomplete escape \\" + (char) c);
            }
            java.append("\\x{").append(python, at, end).append('}');
            at = end;
        } else if (c < 128 && Character.isLetter(c)) {
            int control = "afnrtv".indexOf(c);
            if (control < 0) {
                throw wrong("bad escape \\" + (char) c);
            }
            character("\u0007\f\n\r\t\u000b".charAt(control));
        } else {
            character(c);
        }
    }

    // ------------------------------------------------------------------------------------------------ classes

    /** A bracket that comes first is a character. */
    private void characterClass() {
        accept("[");
        java.append(accept("^") ? "[^" : "[");
        for (boolean first = true; first || python.indexOf(']', at) != at; first = false) {
            member();
        }
        at++;
        java.append(']');
    }

    /** One character, a category such as \d, or a range; a dash that comes last is a character. */
    private void member() {
        boolean category = classMember();
        if (!python.startsWith("-", at) || python.startsWith("-]", at)) {
            return;
        }
        at++;
        java.append('-');
        if (classMember() || category) {
            throw wrong("bad character range");
        }
    }

    /** @return whether it is a category */
    private boolean classMember() {
        int c = take();
        if (c != '\\') {
            character(c);
            return false;
        }
        if (at < python.length() && LETTERS_OF_CLASSES.indexOf(peek()) >= 0) {
            java.append('\\').appendCodePoint(take());
            return true;
        }
        if (accept("b")) {
            character('\b');
        } else {
            escaped();
        }
        return false;
    }

    // ------------------------------------------------------------------------------------------------ characters

    private void character(int c) {
        if (c < 128 && Character.isLetterOrDigit(c) || c == '_') {
            java.appendCodePoint(c);
        } else {
            java.append(String.format("\\x{%x}", c));
        }
    }

    private char peek() {
        return python.charAt(at);
    }

    private int take() {
        if (at == python.length()) {
            throw wrong("unterminated character set");
        }
        int c = python.codePointAt(at);
        at += Character.charCount(c);
        return c;
    }

    private boolean accept(String text) {
        boolean there = python.startsWith(text, at);
        at += there ? text.length() : 0;
        return there;
    }

    private String all(String of) {
        int start = at;
        while (at < python.length() && of.indexOf(peek()) >= 0) {
            at++;
        }
        return python.substring(start, at);
    }

    private String upTo(char end, String what) {
        int start = at;
        at = python.indexOf(end, start);
        if (at < 0 || at == start && end == '>') {
            throw wrong("missing " + end + ", unterminated " + what);
        }
        return python.substring(start, at++);
    }

    private void refuseBehind(String construct) {
        if (behind) {
            throw new NotReadHere(construct + " in a look-behind");
        }
    }

    private static IllegalArgumentException wrong(String reason) {
        return new IllegalArgumentException(reason);
    }
}
