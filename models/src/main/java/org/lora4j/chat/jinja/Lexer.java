package org.lora4j.chat.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into text and the words of its tags, as Jinja does with {@code trim_blocks} and {@code lstrip_blocks}:
 *
 * <pre>
 *   {% … %}⏎          the line break behind a statement or a comment goes with it; not with +%}
 *   ⏎    {% … %}      so does the white space from the line's beginning; not with {%+, and not before {{ … }}
 *   {%- … -%}         all white space on that side goes, before and behind {{- … -}} and {#- … -#} too
 * </pre>
 */
final class Lexer {

    enum Kind {
        TEXT, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END
    }

    record Token(Kind kind, String text, int line) {

        boolean is(Kind wanted, String as) {
            return kind == wanted && text.equals(as);
        }
    }

    private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*(?:-%\\}\\s*|%\\})", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_RAW = Pattern.compile(
            "\\{%([-+]?)\\s*endraw\\s*(?:\\+%\\}|-%\\}\\s*|%\\}\\n?)", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern FLOAT = Pattern.compile("\\d+(?:_\\d+)*(?:(?:\\.\\d+(?:_\\d+)*)?[eE][+-]?\\d+(?:_\\d+)*|\\.\\d+(?:_\\d+)*)");
    private static final Pattern INTEGER = Pattern.compile("0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\\da-fA-F])+|\\d+(?:_\\d+)*");
    private static final List<String> OPERATORS = List.of("//", "**", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", ">", "<",
            "=", ".", ":", "|", ",", ";", "(", ")", "[", "]", "{", "}");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private boolean lineStarts = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        Lexer lexer = new Lexer(source.endsWith("\n") ? source.substring(0, source.length() - 1) : source);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        while (at < source.length()) {
            int tag = nextTag();
            if (tag < 0) {
                text(source.substring(at));
                break;
            }
            char kind = source.charAt(tag + 1);
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            String text = source.substring(at, tag);
            int breaks = at;
            at = tag + (sign == '-' || sign == '+' ? 3 : 2);
            text(before(text, kind, sign));
            line += lines(breaks, tag);
            Matcher raw = RAW.matcher(source).region(tag, source.length());
            if (kind == '#') {
                comment();
            } else if (raw.lookingAt()) {
                moveTo(raw.end());
                raw();
            } else {
                tag(kind == '{');
            }
        }
        tokens.add(new Token(Kind.END, "", line));
    }

    private int nextTag() {
        for (int i = source.indexOf('{', at); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            if ("{%#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return -1;
    }

    /** What is left of a text before a tag. */
    private String before(String text, char kind, char sign) {
        if (sign == '-') {
            return StringMethods.stripped(text, null, false, true);
        }
        int begins = text.lastIndexOf('\n') + 1;
        boolean blank = StringMethods.stripped(text.substring(begins), null, true, true).isEmpty();
        return sign != '+' && kind != '{' && (begins > 0 || lineStarts) && blank ? text.substring(0, begins) : text;
    }

    private void text(String text) {
        if (!text.isEmpty()) {
            tokens.add(new Token(Kind.TEXT, text, line));
        }
    }

    private int lines(int from, int to) {
        int count = 0;
        for (int i = from; i < to; i++) {
            count += source.charAt(i) == '\n' ? 1 : 0;
        }
        return count;
    }

    private void moveTo(int end) {
        line += lines(at, end);
        lineStarts = end > 0 && source.charAt(end - 1) == '\n';
        at = end;
    }

    private void comment() {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw new JinjaException("a comment has no end", line, false);
        }
        char sign = end > at ? source.charAt(end - 1) : ' ';
        moveTo(end + 2);
        skipBehind(sign, true);
    }

    /** What goes with the end of a tag. */
    private void skipBehind(char sign, boolean block) {
        int end = at;
        if (sign == '-') {
            while (end < source.length() && StringMethods.isSpace(source.charAt(end))) {
                end++;
            }
        } else if (block && sign != '+' && end < source.length() && source.charAt(end) == '\n') {
            end++;
        }
        moveTo(end);
    }

    private void raw() {
        Matcher end = END_RAW.matcher(source);
        if (!end.find(at)) {
            throw new JinjaException("raw has no endraw", line, false);
        }
        String text = source.substring(at, end.start());
        text(before(text, '%', end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0)));
        moveTo(end.end());
    }

    private void tag(boolean variable) {
        tokens.add(new Token(variable ? Kind.VARIABLE_BEGIN : Kind.BLOCK_BEGIN, "", line));
        String end = variable ? "}}" : "%}";
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            while (at < source.length() && StringMethods.isSpace(source.charAt(at))) {
                moveTo(at + 1);
            }
            if (at >= source.length()) {
                throw new JinjaException("a tag has no end, expected " + end, line, false);
            }
            char c = source.charAt(at);
            boolean signed = (c == '-' || c == '+' && !variable) && source.startsWith(end, at + 1);
            if (open.isEmpty() && (signed || source.startsWith(end, at))) {
                tokens.add(new Token(variable ? Kind.VARIABLE_END : Kind.BLOCK_END, "", line));
                moveTo(at + (signed ? 3 : 2));
                skipBehind(signed ? c : ' ', !variable);
                return;
            }
            word(c, open);
        }
    }

    private void word(char c, Deque<Character> open) {
        if (c == '"' || c == '\'') {
            string(c);
        } else if (c >= '0' && c <= '9') {
            number();
        } else if (c == '_' || Character.isUnicodeIdentifierStart(source.codePointAt(at))) {
            int end = at;
            while (end < source.length() && (source.charAt(end) == '_' || Character.isUnicodeIdentifierPart(source.codePointAt(end)))) {
                end += Character.charCount(source.codePointAt(end));
            }
            add(Kind.NAME, source.substring(at, end), end);
        } else {
            String operator = OPERATORS.stream().filter(one -> source.startsWith(one, at)).findFirst().orElseThrow(
                    () -> new JinjaException("unexpected " + Character.getName(source.codePointAt(at)), line, false));
            balance(operator.charAt(0), open);
            add(Kind.OPERATOR, operator, at + operator.length());
        }
    }

    private void balance(char bracket, Deque<Character> open) {
        int closes = ")]}".indexOf(bracket);
        if ("([{".indexOf(bracket) >= 0) {
            open.push(bracket);
        } else if (closes >= 0 && (open.isEmpty() || open.pop() != "([{".charAt(closes))) {
            throw new JinjaException("unexpected '" + bracket + "'", line, false);
        }
    }

    private void add(Kind kind, String text, int end) {
        tokens.add(new Token(kind, text, line));
        moveTo(end);
    }

    private void number() {
        boolean behindDot = at > 0 && source.charAt(at - 1) == '.';
        Matcher number = FLOAT.matcher(source).region(at, source.length());
        if (!behindDot && number.lookingAt()) {
            add(Kind.FLOAT, number.group().replace("_", ""), number.end());
        } else {
            number = INTEGER.matcher(source).region(at, source.length());
            number.lookingAt();
            add(Kind.INTEGER, number.group().replace("_", ""), number.end());
        }
    }

    private void string(char quote) {
        int end = at + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw new JinjaException("a text in quotation marks has no end", line, false);
        }
        add(Kind.STRING, PythonText.unescaped(source.substring(at + 1, end), line), end + 1);
    }
}
