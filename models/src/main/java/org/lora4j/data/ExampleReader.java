package org.lora4j.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the examples of one text file; a {@link DataSource} finds the file.
 *
 * @param <E> the examples
 */
public interface ExampleReader<E> {

    /** What of a file's name says that it can be read, {@code .csv} or {@code .csv.gz}; null where nothing does. */
    @Nullable String endingOf(String name);

    /**
     * All examples, in the file's order.
     *
     * @param name for error messages, and its ending says the format
     * @throws org.lora4j.LoraException that names file and line
     */
    List<E> read(String name, BufferedReader reader) throws IOException;

    /** The endings of such files, for messages: {@code .csv, .jsonl or .txt}. */
    String endings();

    /** What a file should hold, for messages: {@code pairs}. */
    String unit();
}
