package org.lora4j.experiments.metrics;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.io.TextInput;

/**
 * Hypotheses and references in text files, as the E2E scorer and sacrebleu take them. Files are UTF-8; a byte order mark
 * and the carriage returns of Windows are no text, nor is white space around a line, and a last line needs no end.
 */
public final class TextLines {

    private TextLines() {
    }

    /** The lines of a file. */
    public static List<String> read(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new LoraException(file + ": no such file");
        }
        if (Files.isDirectory(file)) {
            throw new LoraException(file + ": is a folder; expected a file with a text in each line");
        }
        try (InputStream in = Files.newInputStream(file)) {
            return read(file.toString(), in);
        }
    }

    /**
     * Reads lines of UTF-8.
     *
     * @param name for error messages
     */
    public static List<String> read(String name, InputStream in) throws IOException {
        String text;
        try {
            text = TextInput.read(name, in);
        } catch (CharacterCodingException e) {
            throw new LoraException(name + ": not UTF-8 text. Save it as UTF-8", e);
        }
        return text.lines().map(String::strip).toList();
    }

    /**
     * References in groups, a group for each segment, split by blank lines; without a blank line between texts, each line
     * is a segment's only reference.
     *
     * @param name for error messages
     * @throws LoraException if two blank lines follow each other between groups: one of them stands for a missing group
     */
    public static List<List<String>> groups(String name, List<String> lines) {
        List<String> kept = new ArrayList<>(lines);
        while (!kept.isEmpty() && kept.getLast().isEmpty()) {
            kept.removeLast();
        }
        if (kept.stream().noneMatch(String::isEmpty)) {
            return kept.stream().map(List::of).toList();
        }
        List<List<String>> groups = new ArrayList<>();
        List<String> group = new ArrayList<>();
        for (int i = 0; i < kept.size(); i++) {
            if (!kept.get(i).isEmpty()) {
                group.add(kept.get(i));
            } else if (group.isEmpty()) {
                throw new LoraException(name + ", line " + (i + 1) + ": a blank line where a group of references begins. Blank "
                        + "lines split groups, one between two; a segment cannot be without a reference");
            } else {
                groups.add(group);
                group = new ArrayList<>();
            }
        }
        groups.add(group);
        return groups;
    }

    /**
     * References in several files, which have a line for each segment; a blank one where the file has no reference for it.
     *
     * @param names for error messages
     * @throws LoraException if the files differ in length, or no file has a reference for a segment
     */
    public static List<List<String>> together(List<String> names, List<List<String>> files) {
        List<List<String>> segments = new ArrayList<>();
        for (int line = 0; line < files.getFirst().size(); line++) {
            segments.add(new ArrayList<>());
        }
        for (int file = 0; file < files.size(); file++) {
            List<String> lines = files.get(file);
            if (lines.size() != segments.size()) {
                throw new LoraException(names.get(file) + " has " + lines.size() + " lines, but " + names.getFirst() + " has "
                        + segments.size() + ". Several reference files need a line for each segment");
            }
            for (int line = 0; line < lines.size(); line++) {
                if (!lines.get(line).isEmpty()) {
                    segments.get(line).add(lines.get(line));
                }
            }
        }
        for (int line = 0; line < segments.size(); line++) {
            if (segments.get(line).isEmpty()) {
                throw new LoraException("line " + (line + 1) + " is blank in all of " + String.join(", ", names)
                        + ": each segment needs a reference in at least one");
            }
        }
        return segments;
    }
}
