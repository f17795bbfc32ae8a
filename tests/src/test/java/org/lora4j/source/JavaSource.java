package org.lora4j.source;

import java.util.ArrayList;
import java.util.List;

/**
 * A Java file cut into what is code and what is a string, without comments.
 *
 * @param code     the text with comments blanked and strings emptied, line by line
 * @param literals every string and text block, as it is written between its quotes
 */
record JavaSource(List<String> code, List<Literal> literals) {

    /** @param line counted from 1, where it begins */
    record Literal(int line, String text) {
    }

    static JavaSource of(String text) {
        StringBuilder code = new StringBuilder();
        List<Literal> literals = new ArrayList<>();
        int line = 1;
        int at = 0;
        while (at < text.length()) {
            int end;
            if (text.startsWith("//", at)) {
                end = orEnd(text, text.indexOf('\n', at), 0);
            } else if (text.startsWith("/*", at)) {
                end = orEnd(text, text.indexOf("*/", at + 2), 2);
            } else if (text.startsWith("\"\"\"", at)) {
                end = closing(text, at + 3, "\"\"\"");
                literals.add(new Literal(line, text.substring(at + 3, end - 3)));
                code.append("\"\"");
            } else if (text.charAt(at) == '"') {
                end = closing(text, at + 1, "\"");
                literals.add(new Literal(line, text.substring(at + 1, end - 1)));
                code.append("\"\"");
            } else if (text.charAt(at) == '\'') {
                end = closing(text, at + 1, "'");
                code.append("' '");
            } else {
                end = at + 1;
                code.append(text, at, text.charAt(at) == '\n' ? at : end);
            }
            for (; at < end; at++) {
                if (text.charAt(at) == '\n') {
                    line++;
                    code.append('\n');
                }
            }
        }
        return new JavaSource(code.toString().lines().toList(), List.copyOf(literals));
    }

    private static int orEnd(String text, int found, int length) {
        return found < 0 ? text.length() : found + length;
    }

    /** Behind the quotes that are not escaped. */
    private static int closing(String text, int from, String quotes) {
        int at = from;
        while (!text.startsWith(quotes, at)) {
            at += text.charAt(at) == '\\' ? 2 : 1;
        }
        return at + quotes.length();
    }
}
