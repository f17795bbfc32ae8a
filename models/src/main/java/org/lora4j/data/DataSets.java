package org.lora4j.data;

import com.google.common.io.ByteSource;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.TextInput;

/**
 * Opens what people have: one file of pairs, or a folder or zip with a file for each part.
 *
 * <pre>
 *   format    ending    a line
 *   E2E       .csv      header mr,ref, then "name[Aromi], eatType[pub]",Aromi is a pub.
 *   JSON      .jsonl    {"context": "name : Aromi | Type : pub", "completion": "Aromi is a pub."}
 *   bars      .txt      name : Aromi | Type : pub||Aromi is a pub.
 * </pre>
 *
 * JSON lines say to the last space what they mean; white space around the texts of the others belongs to the file and is
 * dropped. Other fields of a JSON object, such as an id, are passed over. {@code .ndjson} and {@code .json} are read as
 * JSON lines, and a file with another ending, or none, by its first line.
 *
 * <p>Files are UTF-8, with or without a byte order mark, and may be packed by gzip, {@code pairs.jsonl.gz}. A pipe is read
 * once, to its end. In a folder or zip a part's file is called {@code trainset}, {@code train} or {@code training};
 * {@code devset}, {@code dev}, {@code valid}, {@code validation}, {@code val}, {@code eval} or {@code evaluation};
 * {@code testset_w_refs}, {@code test} or {@code testset}; or it lies in several files, {@code train-00000-of-00002.jsonl}
 * and so on, as on the Hugging Face hub. Every error names the file, the line where there is one, what was expected and
 * what is there.
 */
public final class DataSets {

    /** The formats above. */
    static final ExampleReader<TextPair> PAIRS = new ExampleReader<>() {
        @Override
        public @Nullable String endingOf(String name) {
            return TextFormat.endingOf(name);
        }

        @Override
        public List<TextPair> read(String name, BufferedReader reader) throws IOException {
            return TextFormat.of(name, reader).read(name, reader);
        }

        @Override
        public String endings() {
            return ".csv, .jsonl or .txt";
        }

        @Override
        public String unit() {
            return "pairs";
        }
    };

    private DataSets() {
    }

    /**
     * The pairs of one part, in the order of the file.
     *
     * @param path a folder, a zip, or a single file or pipe, which is read whole whichever part is asked for: it has none
     * @throws LoraException if nothing is there, the part is not, or a line is malformed
     */
    public static List<TextPair> open(Path path, Split split) {
        return DataSource.of(path).open(split);
    }

    /**
     * One part of a zip that lies anywhere.
     *
     * @param name for error messages
     */
    public static List<TextPair> open(String name, ByteSource zip, Split split) {
        return DataSource.ofZip(name, zip).open(split);
    }

    /** The parts that a folder or zip has; none if the path is a single file. */
    public static Set<Split> splits(Path path) {
        return DataSource.of(path).splits();
    }

    /**
     * All pairs of one file from anywhere, in its order.
     *
     * @param name for error messages, and its ending says the format
     */
    public static List<TextPair> read(String name, InputStream in) {
        return read(name, in, PAIRS);
    }

    /**
     * All examples of one file from anywhere likewise.
     *
     * @param reader for files of this kind
     */
    public static <E> List<E> read(String name, InputStream in, ExampleReader<E> reader) {
        try (in; BufferedReader text = TextInput.open(name, in)) {
            List<E> examples = reader.read(name, text);
            if (examples.isEmpty()) {
                throw new LoraException(Names.oneLine(name + ": no " + reader.unit() + " in it"));
            }
            return examples;
        } catch (CharacterCodingException e) {
            throw new LoraException(Names.oneLine(name + ": not UTF-8 text. Save it as UTF-8"), e);
        } catch (IOException e) {
            throw DataSource.unreadable(name, e);
        }
    }

    /** A text file's whole text. */
    public static String text(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return TextInput.read(file.toString(), in);
        } catch (IOException e) {
            throw DataSource.unreadable(file.toString(), e);
        }
    }
}
