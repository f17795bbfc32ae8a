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

    /** Gives a text from its beginning, as often as it is asked. */
    @FunctionalInterface
    interface Reopened {
        BufferedReader open() throws IOException;
    }

    /** The rows of either dialect; lines that are blank are left out. */
    public static List<Row> read(BufferedReader reader) throws IOException {
        return rows(reader).rest();
    }

    /** The same one after the other, of a text that can be read once only: it is kept in memory. */
    static Records<Row> rows(BufferedReader reader) throws IOException {
        StringBuilder text = new StringBuilder();
        char[] some = new char[1 << 14];
        for (int n = reader.read(some); n >= 0; n = reader.read(some)) {
            text.append(some, 0, n);
        }
        String all = text.toString();
        return rows(() -> new BufferedReader(new StringReader(all)));
    }

    /** The same of a text that is read twice, first to see which dialect it is, and never kept. */
    static Records<Row> rows(Reopened text) throws IOException {
        boolean quoted;
        try (BufferedReader reader = text.open()) {
            quoted = isQuoted(reader);
        }
        return quoted ? new QuotedRows(text.open()) : plainRows(text.open());
    }

    /** The rows of the first dialect: every line one row. */
    public static List<Row> plain(BufferedReader reader) throws IOException {
        return plainRows(reader).rest();
    }

    private static Records<Row> plainRows(BufferedReader reader) {
        return new Records<>() {
            private int number;

            @Override
            public @Nullable Row next() throws IOException {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    number++;
                    if (!line.isBlank()) {
                        return new Row(number, List.of(line.split("\t", -1)));
                    }
                }
                return null;
            }
        };
    }

    /** Whether the text is written in the second dialect, all of it. */
    private static boolean isQuoted(BufferedReader reader) throws IOException {
        QuotedRows rows = new QuotedRows(reader);
        int width = -1;
        for (Row row = rows.next(); row != null; row = rows.next()) {
            if (width >= 0 && row.fields().size() != width) {
                return false;
            }
            width = row.fields().size();
        }
        return rows.anyQuoted && !rows.broken;
    }

    /** The rows of the second dialect; they end where the text turns out to be of the first one. */
    private static final class QuotedRows implements Records<Row> {

        private static final int END = -1;

        private final BufferedReader reader;
        private int line = 1;
        private int c;
        private boolean anyQuoted;
        private boolean broken;

        QuotedRows(BufferedReader reader) throws IOException {
            this.reader = reader;
            c = reader.read();
        }

        @Override
        public @Nullable Row next() throws IOException {
            while (c != END && !broken) {
                int begins = line;
                List<String> fields = new ArrayList<>();
                boolean more = true;
                while (more) {
                    fields.add(field());
                    more = c == '\t' && !broken;
                    if (more) {
                        c = reader.read();
                    }
                }
                if (broken) {
                    return null;
                }
                if (c != END) {
                    boolean carriage = c == '\r';
                    c = reader.read();
                    if (carriage && c == '\n') {
                        c = reader.read();
                    }
                    line++;
                }
                if (fields.size() > 1 || !fields.getFirst().isBlank()) {
                    return new Row(begins, fields);
                }
            }
            return null;
        }

        private String field() throws IOException {
            StringBuilder field = new StringBuilder();
            if (c != '"') {
                while (!isEnd()) {
                    take(field);
                }
                return field.toString();
            }
            anyQuoted = true;
            c = reader.read();
            while (c != END) {
                if (c != '"') {
                    line += c == '\n' ? 1 : 0;
                    take(field);
                    continue;
                }
                c = reader.read();
                if (c != '"') {
                    broken = !isEnd();
                    return field.toString();
                }
                take(field);
            }
            broken = true; // without a closing quotation mark
            return field.toString();
        }

        private void take(StringBuilder field) throws IOException {
            field.append((char) c);
            c = reader.read();
        }

        private boolean isEnd() {
            return c == END || c == '\t' || c == '\n' || c == '\r';
        }
    }
}
