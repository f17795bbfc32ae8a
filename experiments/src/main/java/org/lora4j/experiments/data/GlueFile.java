package org.lora4j.experiments.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.data.ExampleReader;
import org.lora4j.data.LabelledFile;
import org.lora4j.data.LabelledText;
import org.lora4j.data.Place;
import org.lora4j.data.TextColumns;
import org.lora4j.data.TsvText;

/**
 * A file of a GLUE task. GLUE's own are lines of fields between tabs in which a quotation mark is a letter, with a header or,
 * as CoLA's, without; the texts are taken as they stand, white space at their ends included, as Transformers does. Microsoft's
 * files for MRPC are read with quoted fields where they have such; those of the STS benchmark, called {@code .csv}, are GLUE's
 * dialect too. What is written as JSON lines or as CSV is read as anybody's, by the columns' names.
 */
final class GlueFile implements ExampleReader<LabelledText> {

    /** MNLI's gold label where the people who were asked did not agree. */
    private static final String NO_GOLD = "-";

    /** A first line longer than this does not tell the dialect. */
    private static final int LOOK_AHEAD = 1 << 16;

    private final GlueTask task;
    private final Predicate<List<String>> taken;
    private final List<Place> passedOver;

    /**
     * @param taken      which rows of a table to take
     * @param passedOver gets the lines of QQP that are broken, as a few are in GLUE's own file, and those of MNLI without a label
     */
    GlueFile(GlueTask task, Predicate<List<String>> taken, List<Place> passedOver) {
        this.task = task;
        this.taken = taken;
        this.passedOver = passedOver;
    }

    @Override
    public @Nullable String endingOf(String name) {
        return new LabelledFile(TextColumns.USUAL).endingOf(name);
    }

    @Override
    public String endings() {
        return ".tsv, .jsonl or .csv";
    }

    @Override
    public String unit() {
        return "examples of " + task.title();
    }

    @Override
    public List<LabelledText> read(String name, BufferedReader reader) throws IOException {
        reader.mark(LOOK_AHEAD);
        char[] start = new char[LOOK_AHEAD - 1];
        int read = Math.max(0, reader.read(start));
        reader.reset();
        String first = new String(start, 0, read).lines().findFirst().orElse("");
        if (first.contains("\t") && !first.stripLeading().startsWith("{")) {
            return table(name, task == GlueTask.MRPC ? TsvText.read(reader) : TsvText.plain(reader));
        }
        return new LabelledFile(TextColumns.USUAL).read(name, reader).stream().map(this::checked).toList();
    }

    private LabelledText checked(LabelledText text) {
        if (task.isOfPairs() == (text.second() == null)) {
            throw new LoraException(Names.oneLine(text.placeOr(1) + ": has " + (text.second() == null ? "one text" : "two texts")
                    + ", and an example of " + task.title() + " has " + (task.isOfPairs() ? "two" : "one")
                    + ". Is it another task's file?"));
        }
        return text.label() == null ? text : new LabelledText(text.first(), text.second(), named(text.label()), text.place());
    }

    /** A class's number as its name, and the hub's −1 for a label that is kept secret as none. */
    private @Nullable String named(String label) {
        if (label.matches("-1(\\.0*)?")) {
            return null;
        }
        List<String> names = task.labels().names();
        boolean number = label.matches("[0-9](\\.0*)?") && label.charAt(0) - '0' < names.size();
        return number ? names.get(label.charAt(0) - '0') : label;
    }

    // ------------------------------------------------------------------------------------------------ tables

    private List<LabelledText> table(String name, List<TsvText.Row> rows) {
        List<LabelledText> texts = new ArrayList<>();
        boolean header = !rows.isEmpty() && task.firstColumns().stream().anyMatch(rows.getFirst().fields()::contains);
        List<String> columns = header ? rows.getFirst().fields() : List.of();
        for (TsvText.Row row : header ? rows.subList(1, rows.size()) : rows) {
            Place place = new Place(name, row.line());
            List<String> known = header ? columns : task.columns(row.fields().size());
            if (header && known.size() != row.fields().size() || !header && known.isEmpty()) {
                if (task != GlueTask.QQP) {
                    throw new LoraException(Names.oneLine(place + ": expected " + expected(columns) + ", found "
                            + row.fields().size() + " fields. Is it a file of " + task.title() + "?"));
                }
                passedOver.add(place);
            } else if (taken.test(row.fields())) {
                add(known, row, place, texts);
            }
        }
        return texts;
    }

    private String expected(List<String> header) {
        return header.isEmpty() ? "a header with " + String.join(" or ", task.firstColumns()) + ", or the columns of GLUE's own file"
                : "as many fields as the header has, " + header.size();
    }

    private void add(List<String> columns, TsvText.Row row, Place place, List<LabelledText> texts) {
        String first = row.fields().get(required(columns, task.firstColumns(), place));
        String second = task.isOfPairs() ? row.fields().get(required(columns, task.secondColumns(), place)) : null;
        int at = index(columns, task.labelColumns());
        String label = at < 0 || row.fields().get(at).isBlank() ? null : row.fields().get(at).strip();
        if (task == GlueTask.MNLI && NO_GOLD.equals(label)) {
            passedOver.add(place);
        } else {
            texts.add(checked(new LabelledText(first, second, label, place)));
        }
    }

    private int required(List<String> columns, List<String> names, Place place) {
        int at = index(columns, names);
        if (at < 0) {
            throw new LoraException(Names.oneLine(place.file() + ": no column " + String.join(" or ", names) + ", as files of "
                    + task.title() + " have; there are " + Names.some(columns, 12)));
        }
        return at;
    }

    private static int index(List<String> columns, List<String> names) {
        return names.stream().mapToInt(columns::indexOf).filter(at -> at >= 0).findFirst().orElse(-1);
    }
}
