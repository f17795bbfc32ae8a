package org.lora4j.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.chat.jinja.Values;
import org.lora4j.io.JsonLines;
import org.lora4j.io.TextInput;

/**
 * Examples as anybody has them. The layout is that of the file's first line, told by its keys; of several that fit the first:
 *
 * <pre>
 *   messages                          a chat: [{"role": "user", "content": "…"}, …], perhaps with tools
 *   conversations                     a chat as ShareGPT has it: [{"from": "human", "value": "…"}, …]
 *   context, completion               a {@link TextPair}
 *   prompt, completion                texts that follow each other, or two lists of messages
 *   instruction, input, output        a chat of one question and its answer, input below the instruction where there is one;
 *                                     also instruction, context and response
 *   question, answer                  likewise; also prompt and response, and input and output
 *   text                              a text
 *
 *   .jsonl, .ndjson, .json            an object a line, or a list of them
 *   .csv, .tsv                        a header, then rows, see {@link CsvText} and {@link TsvText}; a chat is JSON in its field
 *   .csv with mr,ref, .txt            pairs as {@link DataSets} has them
 * </pre>
 *
 * Texts of JSON are kept to the last space; white space around those of a table belongs to the file and is dropped.
 */
public final class ExampleFile implements ExampleReader<Example> {

    private static final String EXPECTED = "{\"messages\": […]}, {\"prompt\": \"…\", \"completion\": \"…\"}, {\"text\": \"…\"} or the like";
    private static final List<String> ENDINGS = List.of(".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt");

    private final Map<String, String> columns;
    private final boolean asFields;

    private ExampleFile(Map<String, String> columns, boolean asFields) {
        this.columns = columns;
        this.asFields = asFields;
    }

    /** By the keys above. */
    public static ExampleFile usual() {
        return new ExampleFile(Map.of(), false);
    }

    /**
     * By other names: {@code prompt} → {@code frage}.
     *
     * @throws LoraException if a role is none of those above
     */
    public static ExampleFile withColumns(Map<String, String> columns) {
        List<String> roles = Layout.roles();
        for (String role : columns.keySet()) {
            if (!roles.contains(role)) {
                List<String> nearest = Names.nearest(role, roles, 1);
                throw new LoraException("`columns`: no layout has a " + Names.quoted(role)
                        + (nearest.isEmpty() ? "; there are " + Names.some(roles, 20) : " (nearest: " + nearest.getFirst() + ")")
                        + ". Say messages=COLUMN, or prompt=COLUMN,completion=COLUMN");
            }
        }
        return new ExampleFile(Map.copyOf(columns), false);
    }

    /** Every line as its fields, for a template of the user's. */
    public static ExampleFile ofFields() {
        return new ExampleFile(Map.of(), true);
    }

    @Override
    public @Nullable String endingOf(String name) {
        String unpacked = TextInput.unpackedName(name).toLowerCase(Locale.ROOT);
        return ENDINGS.stream().filter(unpacked::endsWith).findFirst()
                .map(ending -> name.substring(unpacked.length() - ending.length())).orElse(null);
    }

    @Override
    public String endings() {
        return ".jsonl, .csv, .tsv or .txt";
    }

    @Override
    public String unit() {
        return "examples";
    }

    @Override
    public List<Example> read(String name, BufferedReader reader) throws IOException {
        String ending = endingOf(name);
        String kind = ending == null ? "" : TextInput.unpackedName(ending).toLowerCase(Locale.ROOT);
        String first = LabelledFile.firstLine(reader);
        boolean looksLikeJson = first.startsWith("{") || first.startsWith("[");
        if (kind.startsWith(".json") || kind.equals(".ndjson") || kind.isEmpty() && looksLikeJson) {
            return readJson(name, reader);
        }
        if (!asFields && (kind.equals(".txt") || TextFormat.E2E_CSV.startsLike(first) && !kind.equals(".tsv")
                || kind.isEmpty() && TextFormat.DOUBLE_BARS.startsLike(first))) {
            List<TextPair> pairs = (TextFormat.E2E_CSV.startsLike(first) && !kind.equals(".txt") ? TextFormat.E2E_CSV
                    : TextFormat.DOUBLE_BARS).read(name, reader);
            if (pairs.isEmpty()) {
                throw new LoraException(Names.oneLine(name + ": no pairs in it"));
            }
            return List.copyOf(pairs);
        }
        boolean tabs = kind.equals(".tsv") || !kind.equals(".csv") && first.contains("\t");
        return readTable(name, tabs ? TsvText.read(reader) : CsvText.read(name, reader, first));
    }

    private List<Example> readJson(String name, BufferedReader reader) throws IOException {
        List<Example> examples = new ArrayList<>();
        ExampleRow.Made made = null;
        try (JsonLines lines = JsonLines.orArray(name, EXPECTED, reader)) {
            for (ObjectNode object = lines.next(); object != null; object = lines.next()) {
                Map<String, Object> fields = new LinkedHashMap<>();
                object.properties().forEach(field -> fields.put(field.getKey(), Values.of(field.getValue())));
                made = made != null ? made : made(new Place(name, lines.line()), fields);
                examples.add(made.of(new ExampleRow(fields, columns, new Place(name, lines.line()), false)));
            }
        }
        return examples;
    }

    private List<Example> readTable(String name, List<TsvText.Row> rows) {
        List<Example> examples = new ArrayList<>();
        if (rows.isEmpty()) {
            throw new LoraException(Names.oneLine(name + ": expected a header and rows, found an empty file"));
        }
        List<String> header = rows.getFirst().fields().stream().map(String::strip).toList();
        if (header.stream().distinct().count() < header.size()) {
            throw new LoraException(Names.oneLine(name + ": two columns have one name in " + Names.some(header, 12)));
        }
        Map<String, Object> keys = new LinkedHashMap<>();
        header.forEach(column -> keys.put(column, ""));
        ExampleRow.Made made = made(new Place(name, rows.getFirst().line()), keys);
        for (TsvText.Row row : rows.subList(1, rows.size())) {
            Place place = new Place(name, row.line());
            if (row.fields().size() != header.size()) {
                throw new LoraException(place + ": expected as many fields as the header has, " + header.size() + ", found "
                        + row.fields().size());
            }
            Map<String, Object> fields = new LinkedHashMap<>();
            for (int i = 0; i < header.size(); i++) {
                fields.put(header.get(i), row.fields().get(i).strip());
            }
            examples.add(made.of(new ExampleRow(fields, columns, place, true)));
        }
        return examples;
    }

    /** How lines with these keys become examples. */
    private ExampleRow.Made made(Place place, Map<String, Object> fields) {
        if (asFields) {
            return ExampleRow::fields;
        }
        for (Map.Entry<String, String> column : columns.entrySet()) {
            if (!fields.containsKey(column.getValue())) {
                List<String> nearest = Names.nearest(column.getValue(), fields.keySet(), 3);
                throw new LoraException(Names.oneLine(place + ": `columns` " + column.getKey() + "=" + column.getValue()
                        + ": there is no such column" + (nearest.isEmpty() ? "; there " + found(fields)
                        : " (nearest: " + Names.some(nearest, 3) + ")")));
            }
        }
        List<String> keys = new ArrayList<>(fields.keySet());
        keys.removeAll(columns.values());
        keys.addAll(columns.keySet());
        Layout layout = Layout.of(keys, columns.keySet());
        if (layout == null) {
            throw none(place, keys, fields);
        }
        return row -> row.as(layout);
    }

    private static LoraException none(Place place, List<String> keys, Map<String, Object> fields) {
        Layout nearest = Layout.nearest(keys);
        String keysFound = fields.isEmpty() ? "no keys" : Names.list(fields.keySet(), 12);
        String problem = fields.containsKey("chosen") && fields.containsKey("rejected")
                ? "found " + keysFound + ": preferences are not learnt here. Give the chosen text as a completion"
                : nearest != null ? "expected " + String.join(" and ", nearest.needed()) + ", found no "
                        + nearest.needed().stream().filter(key -> !keys.contains(key)).findFirst().orElseThrow() + " among the keys "
                        + Names.some(fields.keySet(), 12)
                : "expected the keys " + Layout.all() + ", or mr and ref; found " + keysFound;
        return new LoraException(Names.oneLine(place + ": " + problem
                + ". Name the columns that you mean by `columns` " + columnsMeant(fields.keySet()) + ", or give a `template`"));
    }

    /** Those whose names differ from a layout's in capitals alone, else an example. */
    private static String columnsMeant(Set<String> found) {
        Map<String, String> small = new LinkedHashMap<>();
        found.forEach(name -> small.putIfAbsent(name.strip().toLowerCase(Locale.ROOT), name));
        Layout meant = Layout.of(small.keySet(), List.of());
        return meant == null ? "prompt=…,completion=…"
                : meant.needed().stream().map(role -> role + "=" + small.get(role)).collect(Collectors.joining(","));
    }

    private static String found(Map<String, Object> fields) {
        return fields.isEmpty() ? "are none" : (fields.size() == 1 ? "is " : "are ") + Names.some(fields.keySet(), 12);
    }
}
