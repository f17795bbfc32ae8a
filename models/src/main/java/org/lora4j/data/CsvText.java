package org.lora4j.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.List;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.lora4j.LoraException;
import org.lora4j.Names;

/** Rows as RFC 4180 has them, separated by semicolons if the first line is. */
final class CsvText {

    private static final CSVFormat CSV = CSVFormat.RFC4180.builder().setIgnoreEmptyLines(true).get();

    private CsvText() {
    }

    /**
     * @param name  for error messages
     * @param first the first line, which has been looked at
     */
    static List<TsvText.Row> read(String name, BufferedReader reader, String first) throws IOException {
        return rows(name, reader, first).rest();
    }

    /** The same one after the other. */
    static Records<TsvText.Row> rows(String name, BufferedReader reader, String first) throws IOException {
        CSVFormat format = !first.contains(",") && first.contains(";") ? CSV.builder().setDelimiter(';').get() : CSV;
        CSVParser records = CSVParser.parse(reader, format);
        Iterator<CSVRecord> all = records.iterator();
        return () -> {
            try {
                if (!all.hasNext()) {
                    return null;
                }
                CSVRecord record = all.next();
                return new TsvText.Row((int) records.getCurrentLineNumber(), record.toList());
            } catch (UncheckedIOException e) {
                if (e.getCause() instanceof CSVException malformed) {
                    throw new LoraException(Names.oneLine(name + ": malformed CSV: " + malformed.getMessage()), e);
                }
                throw e.getCause();
            }
        };
    }
}
