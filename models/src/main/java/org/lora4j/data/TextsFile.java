package org.lora4j.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.FileErrors;
import org.lora4j.io.TextInput;

/**
 * Texts to be judged, in a file or in standard input. A file whose ending says that it has columns, and one that begins with a
 * JSON object or a list of them, is read as {@link LabelledFile} reads it, its labels passed over; anything else has a text in
 * each line, as it stands, and blank lines are none.
 *
 * <p>They are read as they are asked for, so that memory does not grow with the file. Only a table between tabs that comes from
 * standard input is kept: how it is quoted shows at its end.
 */
public final class TextsFile implements AutoCloseable {

    /** What stands for standard input. */
    public static final String STANDARD_INPUT = "-";

    private final String file;
    private final String name;
    private final List<BufferedReader> opened;
    private final Records<LabelledText> texts;
    private boolean any;

    private TextsFile(String file, String name, List<BufferedReader> opened, Records<LabelledText> texts) {
        this.file = file;
        this.name = name;
        this.opened = opened;
        this.texts = texts;
    }

    /**
     * Opens it.
     *
     * @throws LoraException if it cannot be read, or has no column of texts
     */
    public static TextsFile open(String file, TextColumns columns) {
        try {
            if (file.equals(STANDARD_INPUT)) {
                return open(file, "standard input", columns, null, System.in);
            }
            Path path = Path.of(file);
            if (Files.isDirectory(path)) {
                throw new LoraException(Names.oneLine("`data` " + file + ": is a folder, expected a file of texts"));
            }
            return open(file, file, columns, Files.isRegularFile(path) ? path : null, Files.newInputStream(path));
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    static TextsFile open(String name, InputStream in, TextColumns columns) throws IOException {
        return open(name, name, columns, null, in);
    }

    /** @param path where it can be opened again; null for what is there once */
    private static TextsFile open(
            String file, String name, TextColumns columns, @Nullable Path path, InputStream in) throws IOException {
        List<BufferedReader> opened = new ArrayList<>();
        LabelledFile tables = new LabelledFile(columns);
        try {
            BufferedReader reader = TextInput.open(name, in);
            opened.add(reader);
            String ending = tables.endingOf(name);
            boolean table = ending != null && !TextInput.unpackedName(ending).equalsIgnoreCase(".txt") || columns.text() != null;
            String first = LabelledFile.firstLine(reader);
            TsvText.Reopened again = path == null ? null : () -> {
                BufferedReader another = TextInput.open(name, Files.newInputStream(path));
                opened.add(another);
                return another;
            };
            return new TextsFile(file, name, opened, table || first.matches("(?s)(\\{|\\[\\s*\\{).*")
                    ? tables.records(name, reader, again) : lines(name, reader));
        } catch (IOException | RuntimeException e) {
            closeAll(opened);
            throw e;
        }
    }

    private static Records<LabelledText> lines(String name, BufferedReader reader) {
        return new Records<>() {
            private int number;

            @Override
            public @Nullable LabelledText next() throws IOException {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    number++;
                    if (!line.isBlank()) {
                        return new LabelledText(line, null, null, new Place(name, number));
                    }
                }
                return null;
            }
        };
    }

    /**
     * The next texts, in their order.
     *
     * @param texts      at most so many
     * @param characters no more of them once they have so many together
     * @return none where there are no more
     * @throws LoraException if it cannot be read, is malformed, or holds no text at all; the message names the line
     */
    public List<LabelledText> next(int texts, long characters) {
        List<LabelledText> some = new ArrayList<>();
        try {
            long read = 0;
            while (some.size() < texts && read < characters) {
                LabelledText text = this.texts.next();
                if (text == null) {
                    break;
                }
                some.add(text);
                read += text.first().length() + (text.second() == null ? 0 : text.second().length());
            }
        } catch (IOException e) {
            throw unreadable(file, e);
        }
        any |= !some.isEmpty();
        if (!any) {
            throw new LoraException(Names.oneLine("`data` " + name + ": has no text in it, expected one a line, or a table"));
        }
        return some;
    }

    private static LoraException unreadable(String file, IOException e) {
        return new LoraException("`data`: " + FileErrors.reading(Path.of(file), e).getMessage(), e);
    }

    @Override
    public void close() {
        try {
            closeAll(opened);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static void closeAll(List<BufferedReader> readers) throws IOException {
        for (BufferedReader reader : readers) {
            reader.close();
        }
    }
}
