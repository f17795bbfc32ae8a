package org.lora4j.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows whose fields are separated by tabs. Two dialects are about. In the first, GLUE's, a quotation mark is a letter like
 * any other and a line is a row. In the second, that of programs which write CSV with tabs, a field may be quoted, and then
 * hold tabs and line breaks and has its own quotation marks twice.
 *
 * <p>Which it is shows in the whole file only: it is quoted if every field that begins with a quotation mark is quoted to its
 * end, and every row then has as many fields as the first. {@code "Fairies don't exist" - fine.} says that it is not.
 */
public final class TsvText {

    private TsvText() {
    }

    /**
     * A row.
     *
     * @param line   where it begins, counted from 1
     * @param fields as they stand there
     */
    public record Row(int line, List<String> fields) {
    }

    /** The rows of either dialect; lines that are blank are left out. */
    public static List<Row> read(BufferedReader reader) throws IOException {
        StringBuilder text = new StringBuilder();
        char[] some = new char[1 << 14];
        for (int n = reader.read(some); n >= 0; n = reader.read(some)) {
            text.append(some, 0, n);
        }
        List<Row> quoted = text.indexOf("\"") < 0 ? null : quoted(text);
        return quoted != null ? quoted : plain(new BufferedReader(new StringReader(text.toString())));
    }

    /** The rows of the first dialect: every line one row. */
    public static List<Row> plain(BufferedReader reader) throws IOException {
        List<Row> rows = new ArrayList<>();
        int number = 0;
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            number++;
            if (!line.isBlank()) {
                rows.add(new Row(number, List.of(line.split("\t", -1))));
            }
        }
        return rows;
    }

    /** The rows of the second dialect; null where the text is not written so. */
    private static @Nullable List<Row> quoted(CharSequence text) {
        List<Row> rows = new ArrayList<>();
        boolean anyQuoted = false;
        int line = 1;
        int at = 0;
        while (at < text.length()) {
            List<String> fields = new ArrayList<>();
            int begins = line;
            boolean more = true;
            while (more) {
                StringBuilder field = new StringBuilder();
                if (at < text.length() && text.charAt(at) == '"') {
                    anyQuoted = true;
                    int end = endOfQuoted(text, at, field);
                    if (end < 0) {
                        return null;
                    }
                    line += lineBreaks(text, at, end);
                    at = end;
                } else {
                    while (at < text.length() && !isEnd(text.charAt(at))) {
                        field.append(text.charAt(at++));
                    }
                }
                fields.add(field.toString());
                more = at < text.length() && text.charAt(at) == '\t';
                at += more ? 1 : 0;
            }
            if (fields.size() > 1 || !fields.getFirst().isBlank()) {
                if (!rows.isEmpty() && fields.size() != rows.getFirst().fields().size()) {
                    return null;
                }
                rows.add(new Row(begins, fields));
            }
            if (at < text.length()) {
                at += text.charAt(at) == '\r' && at + 1 < text.length() && text.charAt(at + 1) == '\n' ? 2 : 1;
                line++;
            }
        }
        return anyQuoted ? rows : null;
    }

    /** Behind the closing quotation mark of the field that begins here; −1 where the field does not end with it. */
    private static int endOfQuoted(CharSequence text, int begin, StringBuilder field) {
        int at = begin + 1;
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c != '"') {
                field.append(c);
            } else if (at < text.length() && text.charAt(at) == '"') {
                field.append(c);
                at++;
            } else {
                return at == text.length() || isEnd(text.charAt(at)) ? at : -1;
            }
        }
        return -1;
    }

    private static boolean isEnd(char c) {
        return c == '\t' || c == '\n' || c == '\r';
    }

    private static int lineBreaks(CharSequence text, int from, int to) {
        int count = 0;
        for (int i = from; i < to; i++) {
            count += text.charAt(i) == '\n' ? 1 : 0;
        }
        return count;
    }
}
