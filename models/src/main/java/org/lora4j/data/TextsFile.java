package org.lora4j.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.FileErrors;
import org.lora4j.io.TextInput;

/**
 * Texts to be judged, in a file or in standard input. A file whose ending says that it has columns, and one that begins with a
 * JSON object or a list of them, is read as {@link LabelledFile} reads it, its labels passed over; anything else has a text in
 * each line, as it stands, and blank lines are none.
 */
public final class TextsFile {

    /** What stands for standard input. */
    public static final String STANDARD_INPUT = "-";

    private TextsFile() {
    }

    /**
     * The texts, in their order.
     *
     * @throws LoraException if it cannot be read, holds no text, or is malformed; the message names the line
     */
    public static List<LabelledText> read(String file, TextColumns columns) {
        try {
            if (file.equals(STANDARD_INPUT)) {
                return read("standard input", System.in, columns);
            }
            Path path = Path.of(file);
            if (Files.isDirectory(path)) {
                throw new LoraException(Names.oneLine("`data` " + file + ": is a folder, expected a file of texts"));
            }
            try (InputStream in = Files.newInputStream(path)) {
                return read(file, in, columns);
            }
        } catch (IOException e) {
            throw new LoraException("`data`: " + FileErrors.reading(Path.of(file), e).getMessage(), e);
        }
    }

    static List<LabelledText> read(String name, InputStream in, TextColumns columns) throws IOException {
        LabelledFile tables = new LabelledFile(columns);
        try (BufferedReader reader = TextInput.open(name, in)) {
            String ending = tables.endingOf(name);
            boolean table = ending != null && !TextInput.unpackedName(ending).equalsIgnoreCase(".txt") || columns.text() != null;
            String first = LabelledFile.firstLine(reader);
            List<LabelledText> texts = table || first.matches("(?s)(\\{|\\[\\s*\\{).*") ? tables.read(name, reader) : lines(name, reader);
            if (texts.isEmpty()) {
                throw new LoraException(Names.oneLine("`data` " + name + ": has no text in it, expected one a line, or a table"));
            }
            return texts;
        }
    }

    private static List<LabelledText> lines(String name, BufferedReader reader) throws IOException {
        List<LabelledText> texts = new ArrayList<>();
        int number = 0;
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            number++;
            if (!line.isBlank()) {
                texts.add(new LabelledText(line, null, null, new Place(name, number)));
            }
        }
        return texts;
    }
}
