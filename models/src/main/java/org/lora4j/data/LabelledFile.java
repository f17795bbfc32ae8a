package org.lora4j.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.JsonLines;
import org.lora4j.io.TextInput;

/**
 * Texts with labels as anybody has them, in columns that have names:
 *
 * <pre>
 *   .jsonl, .ndjson, .json    {"text": "Too long by half.", "label": "negative"}, one a line or in a list
 *   .csv                      a header, then rows as RFC 4180 has them; separated by semicolons if the header is
 *   .tsv, .txt                a header, then rows as {@link TsvText} has them
 * </pre>
 *
 * A label is a text, a number, or true and false; white space around it is dropped, and that around the texts of a CSV or TSV
 * file too. A label that is empty or null is none.
 */
public final class LabelledFile implements ExampleReader<LabelledText> {

    private static final String EXPECTED = "{\"text\": \"…\", \"label\": \"…\"}";
    private static final List<String> ENDINGS = List.of(".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt");

    /** A first line longer than this does not tell the format. */
    private static final int LOOK_AHEAD = 1 << 16;

    private final TextColumns columns;
    private final boolean labels;

    /**
     * Reads files with these columns.
     *
     * @param columns which of them to read; that of the labels may be missing
     */
    public LabelledFile(TextColumns columns) {
        this(columns, false);
    }

    private LabelledFile(TextColumns columns, boolean labels) {
        this.columns = columns;
        this.labels = labels;
    }

    /** The same for examples to learn from or to compare with: a file without labels is an error that names its columns. */
    public LabelledFile requiringLabels() {
        return new LabelledFile(columns, true);
    }

    private TextColumns.Chosen chosen(String file, List<String> present) {
        return labels ? columns.withLabelIn(file, present) : columns.in(file, present);
    }

    @Override
    public @Nullable String endingOf(String name) {
        String unpacked = TextInput.unpackedName(name).toLowerCase(Locale.ROOT);
        return ENDINGS.stream().filter(unpacked::endsWith).findFirst()
                .map(ending -> name.substring(unpacked.length() - ending.length())).orElse(null);
    }

    @Override
    public String endings() {
        return ".jsonl, .csv or .tsv";
    }

    @Override
    public String unit() {
        return "texts";
    }

    @Override
    public List<LabelledText> read(String name, BufferedReader reader) throws IOException {
        return records(name, reader, null).rest();
    }

    /**
     * The same one after the other.
     *
     * @param again the same text from its beginning, for a format that takes two looks; null where it is there once only
     */
    Records<LabelledText> records(String name, BufferedReader reader, TsvText.@Nullable Reopened again) throws IOException {
        String ending = endingOf(name);
        String kind = ending == null ? "" : TextInput.unpackedName(ending).toLowerCase(Locale.ROOT);
        String first = firstLine(reader);
        return switch (kind) {
            case ".jsonl", ".ndjson", ".json" -> json(name, reader);
            case ".csv" -> table(name, CsvText.rows(name, reader, first));
            case ".tsv" -> table(name, tabbed(reader, again));
            default -> first.startsWith("{") || first.startsWith("[") ? json(name, reader)
                    : table(name, first.contains("\t") ? tabbed(reader, again) : CsvText.rows(name, reader, first));
        };
    }

    private static Records<TsvText.Row> tabbed(BufferedReader reader, TsvText.@Nullable Reopened again) throws IOException {
        return again == null ? TsvText.rows(reader) : TsvText.rows(again);
    }

    static String firstLine(BufferedReader reader) throws IOException {
        char[] start = new char[LOOK_AHEAD];
        reader.mark(LOOK_AHEAD);
        int n = 0; // a pipe gives what it has, which may be less than a line
        for (int more = 0; more >= 0 && n < LOOK_AHEAD; more = reader.read(start, n, LOOK_AHEAD - n)) {
            n += more;
        }
        reader.reset();
        return new String(start, 0, n).lines().filter(line -> !line.isBlank()).findFirst().orElse("").strip();
    }

    // ------------------------------------------------------------------------------------------------ JSON

    private Records<LabelledText> json(String name, BufferedReader reader) throws IOException {
        JsonLines lines = JsonLines.orArray(name, EXPECTED, reader);
        return new Records<>() {
            private TextColumns.@Nullable Chosen chosen;

            @Override
            public @Nullable LabelledText next() throws IOException {
                ObjectNode object = lines.next();
                if (object == null) {
                    return null;
                }
                Place place = new Place(name, lines.line());
                chosen = chosen != null ? chosen
                        : chosen(place.toString(), object.properties().stream().map(Map.Entry::getKey).toList());
                String second = chosen.second() == null ? null : text(object, chosen.second(), place);
                return new LabelledText(text(object, chosen.text(), place), second, label(object, chosen.label(), place), place);
            }
        };
    }

    private static String text(ObjectNode object, String field, Place place) {
        JsonNode value = object.get(field);
        if (value == null || !value.isTextual()) {
            throw new LoraException(Names.oneLine(place + ": expected a text as " + field + ", found "
                    + (value == null ? "no " + field + (object.isEmpty() ? " and no other key" : " among the keys "
                            + Names.some(object.properties().stream().map(Map.Entry::getKey).toList(), 8))
                            : Names.shortened(value.toString()))));
        }
        return value.textValue();
    }

    private static @Nullable String label(ObjectNode object, @Nullable String field, Place place) {
        JsonNode value = field == null ? null : object.get(field);
        if (value == null || value.isNull()) {
            return null;
        }
        if (!value.isTextual() && !value.isNumber() && !value.isBoolean()) {
            throw new LoraException(Names.oneLine(place + ": expected a text or a number as " + field + ", found "
                    + Names.shortened(value.toString()) + ". An example has one label here"));
        }
        return labelOrNone(value.asText());
    }

    // ------------------------------------------------------------------------------------------------ tables

    private Records<LabelledText> table(String name, Records<TsvText.Row> rows) throws IOException {
        TsvText.Row header = rows.next();
        if (header == null) {
            return () -> null;
        }
        Table table = new Table(name, header.fields());
        return () -> {
            TsvText.Row row = rows.next();
            return row == null ? null : table.row(row.fields(), row.line());
        };
    }

    /** A header, and where in each row the columns are that count. */
    private final class Table {

        private final String name;
        private final int width;
        private final int text;
        private final int second; // −1 for none
        private final int label; // −1 for none

        Table(String name, List<String> header) {
            this.name = name;
            width = header.size();
            List<String> names = header.stream().map(String::strip).toList();
            TextColumns.Chosen chosen = chosen(name, names);
            text = once(names, chosen.text());
            second = chosen.second() == null ? -1 : once(names, chosen.second());
            label = chosen.label() == null ? -1 : once(names, chosen.label());
        }

        private int once(List<String> names, String column) {
            if (names.indexOf(column) != names.lastIndexOf(column)) {
                throw new LoraException(Names.oneLine(name + ": two columns are called " + column + ". Give one of them another name"));
            }
            return names.indexOf(column);
        }

        LabelledText row(List<String> fields, int line) {
            Place place = new Place(name, line);
            if (fields.size() != width) {
                throw new LoraException(place + ": expected as many fields as the header has, " + width + ", found "
                        + fields.size());
            }
            return new LabelledText(fields.get(text).strip(), second < 0 ? null : fields.get(second).strip(),
                    label < 0 ? null : labelOrNone(fields.get(label)), place);
        }
    }

    private static @Nullable String labelOrNone(String text) {
        return text.isBlank() ? null : text.strip();
    }
}
