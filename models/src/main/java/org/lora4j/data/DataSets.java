package org.lora4j.data;

import com.google.common.io.ByteSource;
import com.google.common.io.MoreFiles;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.zip.ZipFile;
import org.lora4j.LoraException;

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
 * Files are UTF-8. In a folder or zip a part's file is called {@code trainset} or {@code train}; {@code devset},
 * {@code dev}, {@code valid} or {@code validation}; {@code testset_w_refs}, {@code test} or {@code testset}. Every
 * error names the file, the line where there is one, what was expected and what is there.
 */
public final class DataSets {

    private static final int BYTE_ORDER_MARK = 0xFEFF;
    private static final byte[] ZIP_START = {'P', 'K', 3, 4};

    private DataSets() {
    }

    /**
     * The pairs of one part, in the order of the file.
     *
     * @param path a folder, a zip, or a single file, which is read whole whichever part is asked for: it has none
     * @throws LoraException if nothing is there, the part is not, or a line is malformed
     */
    public static List<TextPair> open(Path path, Split split) {
        if (!Files.exists(path)) {
            throw new LoraException(path + ": no such file or folder. Expected a .csv, .jsonl or .txt file of pairs,"
                    + " or a folder or zip of such files");
        }
        try {
            FileTree tree = tree(path);
            if (tree != null) {
                return open(path.toString(), tree, split);
            }
            try (InputStream in = Files.newInputStream(path)) {
                return read(path.toString(), in);
            }
        } catch (IOException e) {
            throw unreadable(path.toString(), e);
        }
    }

    /**
     * One part of a zip that lies anywhere.
     *
     * @param name for error messages
     */
    public static List<TextPair> open(String name, ByteSource zip, Split split) {
        try {
            return open(name, FileTree.ofZip(zip), split);
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    /** The parts that a folder or zip has; none if the path is a single file. */
    public static Set<Split> splits(Path path) {
        Set<Split> splits = EnumSet.noneOf(Split.class);
        try {
            FileTree tree = tree(path);
            if (tree != null) {
                List<String> names = tree.names();
                for (Split split : Split.values()) {
                    if (!candidates(names, split).isEmpty()) {
                        splits.add(split);
                    }
                }
            }
            return splits;
        } catch (IOException e) {
            throw unreadable(path.toString(), e);
        }
    }

    /**
     * All pairs of one file from anywhere, in its order.
     *
     * @param name for error messages, and its ending says the format
     */
    public static List<TextPair> read(String name, InputStream in) {
        // a decoder of its own, because the one that a charset's name gives replaces what is malformed
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()))) {
            reader.mark(1);
            if (reader.read() != BYTE_ORDER_MARK) {
                reader.reset();
            }
            List<TextPair> pairs = TextFormat.of(name, reader).read(name, reader);
            if (pairs.isEmpty()) {
                throw new LoraException(name + ": no pairs in it");
            }
            return pairs;
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    private static List<TextPair> open(String name, FileTree tree, Split split) throws IOException {
        List<String> names = tree.names();
        List<String> found = candidates(names, split);
        if (found.isEmpty()) {
            throw new LoraException(name + ": no " + split + " part. Its file is called "
                    + String.join(" or ", split.fileNames()) + " and ends in .csv, .jsonl or .txt; found "
                    + (names.isEmpty() ? "nothing" : abbreviate(names)));
        }
        if (found.size() > 1) {
            throw new LoraException(name + ": several files for the " + split + " part: " + String.join(", ", found)
                    + ". Name the one you mean");
        }
        try (InputStream in = tree.open(found.getFirst())) {
            return read(name + "/" + found.getFirst(), in);
        }
    }

    /** The files that bear the first of the part's names which any file bears. */
    private static List<String> candidates(List<String> names, Split split) {
        for (String wanted : split.fileNames()) {
            List<String> found = new ArrayList<>();
            for (String name : names) {
                String plain = name.substring(name.lastIndexOf('/') + 1);
                for (TextFormat format : TextFormat.values()) {
                    if (plain.equalsIgnoreCase(wanted + format.ending())) {
                        found.add(name);
                    }
                }
            }
            if (!found.isEmpty()) {
                return found;
            }
        }
        return List.of();
    }

    /** Null for a single file. */
    private static FileTree tree(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            return FileTree.ofFolder(path);
        }
        try (InputStream in = Files.newInputStream(path)) {
            if (!Arrays.equals(in.readNBytes(ZIP_START.length), ZIP_START)) {
                return null;
            }
        }
        // read entry by entry, a zip whose end was lost looks like a shorter one; its table of contents is at the end
        new ZipFile(path.toFile()).close();
        return FileTree.ofZip(MoreFiles.asByteSource(path));
    }

    private static String abbreviate(List<String> names) {
        int shown = Math.min(names.size(), 8);
        String more = names.size() > shown ? ", … (" + names.size() + " files)" : "";
        return String.join(", ", names.subList(0, shown)) + more;
    }

    private static LoraException unreadable(String name, IOException e) {
        if (e instanceof CharacterCodingException) {
            return new LoraException(name + ": not UTF-8 text. Save it as UTF-8", e);
        }
        return new LoraException(name + ": cannot be read: "
                + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()), e);
    }
}
