package org.lora4j.data;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * The files of the E2E NLG challenge (Novikova et al. 2017): CSV with a header: {@code mr} holds a {@link MeaningRepresentation}, {@code ref} what a person wrote, and
 * is missing where only the inputs were published. The same input comes on several lines, each with another text.
 */
final class E2eFormat {

    private static final String INPUT = "mr";
    private static final String TEXT = "ref";
    private static final CSVFormat FORMAT = CSVFormat.RFC4180.builder()
            .setHeader().setSkipHeaderRecord(true).setIgnoreHeaderCase(true).setIgnoreEmptyLines(true).get();

    private E2eFormat() {
    }

    /**
     * The pairs of one CSV file, in its order.
     *
     * @param name for error messages
     */
    static List<TextPair> readCsv(String name, Reader reader) throws IOException {
        List<TextPair> pairs = new ArrayList<>();
        try (CSVParser records = CSVParser.parse(reader, FORMAT)) {
            if (!records.getHeaderMap().containsKey(INPUT)) {
                List<String> header = records.getHeaderNames();
                throw new LoraException(name + ": expected the header mr,ref (or mr alone), found "
                        + (header.isEmpty() ? "an empty file" : Names.oneLine(String.join(",", header))));
            }
            boolean withText = records.getHeaderMap().containsKey(TEXT);
            for (CSVRecord record : records) {
                pairs.add(pair(record, withText, name, records.getCurrentLineNumber()));
            }
        } catch (UncheckedIOException e) {
            if (e.getCause() instanceof CSVException malformed) {
                throw new LoraException(name + ": malformed CSV: " + malformed.getMessage(), e);
            }
            throw e.getCause();
        }
        return pairs;
    }

    private static TextPair pair(CSVRecord record, boolean withText, String name, long line) {
        if (!record.isConsistent()) {
            throw new LoraException(name + ", line " + line + ": expected as many fields as the header has, "
                    + record.getParser().getHeaderNames().size() + ", found " + record.size());
        }
        try {
            String context = MeaningRepresentation.parse(record.get(INPUT)).context();
            return TextPair.stripped(context, withText ? record.get(TEXT) : "", new Place(name, (int) line));
        } catch (LoraException e) {
            throw new LoraException(name + ", line " + line + ": " + e.getMessage(), e);
        }
    }
}
