package org.lora4j.experiments.evaluate;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.lora4j.io.AtomicFile;

/**
 * The two files that the E2E challenge's scorer reads, {@code measure_scores.py references.txt hypotheses.txt}:
 *
 * <pre>
 *   hypotheses.txt   a line for each input
 *   references.txt   a line for each reference, and a blank line between the references of two inputs
 * </pre>
 */
public final class ScorerFiles {

    /** The file of outputs, one a line. */
    public static final String HYPOTHESES = "hypotheses.txt";
    /** The file of references, with an empty line after those of each input. */
    public static final String REFERENCES = "references.txt";

    private ScorerFiles() {
    }

    /** Writes both into the folder; a line break within a text becomes a space. */
    public static void write(Path folder, List<String> hypotheses, List<List<String>> references) {
        write(folder.resolve(HYPOTHESES), hypotheses.stream().map(ScorerFiles::oneLine).toList());
        List<String> groups = references.stream()
                .map(group -> String.join("\n", group.stream().map(ScorerFiles::oneLine).toList()) + "\n").toList();
        write(folder.resolve(REFERENCES), groups);
    }

    private static String oneLine(String text) {
        return text.replaceAll("\\s*\\R\\s*", " ").strip();
    }

    private static void write(Path file, List<String> lines) {
        byte[] text = (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(file, out -> out.write(text));
    }
}
