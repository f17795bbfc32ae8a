package org.lora4j.data;

import com.google.common.io.ByteSource;
import com.google.common.io.MoreFiles;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.FileErrors;

/**
 * One file of examples, or a folder or zip with a file for each part, opened once and asked for its parts as often as one
 * likes: pairs, or what an {@link ExampleReader} reads. A pipe gives its bytes once only, so they are read when it is opened,
 * and kept.
 */
public final class DataSource {

    private static final byte[] ZIP_START = {'P', 'K', 3, 4};
    private static final byte[] ZIP_END = {'P', 'K', 5, 6};

    /** A part in several files as the Hugging Face hub names them: {@code train-00000-of-00002.jsonl}. */
    private static final Pattern SHARD = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})");

    private final String name;
    private final @Nullable ByteSource file; // null for a tree
    private final @Nullable FileTree tree; // null for a single file

    private DataSource(String name, @Nullable ByteSource file, @Nullable FileTree tree) {
        this.name = name;
        this.file = file;
        this.tree = tree;
    }

    /**
     * What lies at a path: a file, a folder, a zip or a pipe.
     *
     * @throws LoraException if nothing is there, or it cannot be read
     */
    public static DataSource of(Path path) {
        if (!Files.exists(path)) {
            throw new LoraException(Names.oneLine(path + ": no such file or folder. Expected a .jsonl, .json, .csv, .tsv or .txt "
                    + "file of examples, or a folder or zip of such files"));
        }
        try {
            if (Files.isDirectory(path)) {
                return new DataSource(path.toString(), null, FileTree.ofFolder(path));
            }
            if (!Files.isRegularFile(path)) {
                try (InputStream in = Files.newInputStream(path)) {
                    return of(path.toString(), in);
                }
            }
            ByteSource bytes = MoreFiles.asByteSource(path);
            if (!isZip(bytes)) {
                return new DataSource(path.toString(), bytes, null);
            }
            // read entry by entry, a zip whose end was lost looks like a shorter one; its table of contents is at the end
            new ZipFile(path.toFile()).close();
            return ofZip(path.toString(), bytes);
        } catch (IOException e) {
            throw unreadable(path.toString(), e);
        }
    }

    /** What a stream holds, read to its end. */
    public static DataSource of(String name, InputStream in) {
        try {
            byte[] all = in.readAllBytes();
            ByteSource bytes = ByteSource.wrap(all);
            if (!isZip(bytes)) {
                return new DataSource(name, bytes, null);
            }
            if (!endsLikeAZip(all)) {
                throw new EOFException();
            }
            return ofZip(name, bytes);
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    static DataSource ofZip(String name, ByteSource zip) {
        return new DataSource(name, null, FileTree.ofZip(zip));
    }

    private static boolean isZip(ByteSource bytes) throws IOException {
        try (InputStream in = bytes.openStream()) {
            return Arrays.equals(in.readNBytes(ZIP_START.length), ZIP_START);
        }
    }

    /** Whether the end of its table of contents is there, behind which at most a comment of 65,535 bytes stands. */
    private static boolean endsLikeAZip(byte[] bytes) {
        for (int at = bytes.length - 22; at >= 0 && at >= bytes.length - 22 - 0xffff; at--) {
            if (Arrays.equals(bytes, at, at + ZIP_END.length, ZIP_END, 0, ZIP_END.length)) {
                return true;
            }
        }
        return false;
    }

    /** The pairs of a part, in the order of the file; a single file has no parts and is read whole for any. */
    public List<TextPair> open(Split split) {
        return open(split.toString(), split.fileNames(), DataSets.PAIRS);
    }

    /** The examples of a part likewise. */
    public <E> List<E> open(Split split, ExampleReader<E> reader) {
        return open(split.toString(), split.fileNames(), reader);
    }

    /**
     * The examples of a part whose file has one of these names.
     *
     * @param part      what messages call it
     * @param fileNames without the ending; the first that is there counts
     */
    public <E> List<E> open(String part, List<String> fileNames, ExampleReader<E> reader) {
        try {
            if (tree == null) {
                return DataSets.read(name, file.openStream(), reader);
            }
            List<String> names = tree.names();
            List<List<String>> found = candidates(names, fileNames, reader);
            if (found.isEmpty()) {
                throw new LoraException(Names.oneLine(name + ": no " + part + " part. Its file is called "
                        + String.join(" or ", fileNames) + " and ends in " + reader.endings() + "; found "
                        + (names.isEmpty() ? "nothing" : Names.some(names, 8))
                        + (names.stream().anyMatch(file -> file.endsWith(".parquet")) ? ". Write Parquet files as JSON lines" : "")));
            }
            if (found.size() > 1) {
                throw new LoraException(Names.oneLine(name + ": several files for the " + part + " part: "
                        + Names.some(found.stream().map(List::getFirst).toList(), 8) + ". Name the one you mean"));
            }
            List<E> examples = new ArrayList<>();
            for (String one : found.getFirst()) {
                examples.addAll(read(one, reader));
            }
            return examples;
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    private <E> List<E> read(String part, ExampleReader<E> reader) {
        String partName = name + "/" + part;
        try {
            return DataSets.read(partName, tree.open(part), reader);
        } catch (IOException e) {
            throw unreadable(partName, e);
        }
    }

    /** The parts that a folder or zip has; none if it is a single file. */
    public Set<Split> splits() {
        return splits(DataSets.PAIRS);
    }

    /** The parts for which there are files that this reader reads. */
    public Set<Split> splits(ExampleReader<?> reader) {
        Set<Split> splits = EnumSet.noneOf(Split.class);
        for (Split split : Split.values()) {
            if (has(split.fileNames(), reader)) {
                splits.add(split);
            }
        }
        return splits;
    }

    /** Whether a folder or zip has a file of one of these names, without the ending, that this reader reads. */
    public boolean has(List<String> fileNames, ExampleReader<?> reader) {
        try {
            return tree != null && !candidates(tree.names(), fileNames, reader).isEmpty();
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    /** Whether it is a folder or a zip, with a file for each part. */
    public boolean hasParts() {
        return tree != null;
    }

    /** What bears the first of the part's names that anything bears: files, each alone or with the others of its set. */
    private List<List<String>> candidates(List<String> names, List<String> fileNames, ExampleReader<?> reader) {
        for (String wanted : fileNames) {
            Map<String, List<String>> found = new LinkedHashMap<>();
            for (String file : names) {
                String ending = reader.endingOf(file);
                String stem = ending == null ? "" : file.substring(0, file.length() - ending.length());
                Matcher shard = SHARD.matcher(stem);
                String whole = shard.matches() ? shard.group(1) : stem;
                if (whole.substring(whole.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT).equals(wanted)) {
                    String set = shard.matches() ? whole + "-of-" + shard.group(3) + ending : file;
                    found.computeIfAbsent(set, key -> new ArrayList<>()).add(file);
                }
            }
            if (!found.isEmpty()) {
                found.values().forEach(files -> requireAllShards(files, reader));
                return List.copyOf(found.values());
            }
        }
        return List.of();
    }

    /** @param files in alphabetical order, which is that of their numbers */
    private void requireAllShards(List<String> files, ExampleReader<?> reader) {
        String ending = reader.endingOf(files.getFirst());
        for (int i = 0; i < files.size(); i++) {
            Matcher shard = SHARD.matcher(files.get(i).substring(0, files.get(i).length() - ending.length()));
            if (shard.matches() && (Integer.parseInt(shard.group(2)) != i || Integer.parseInt(shard.group(3)) != files.size())) {
                throw new LoraException(Names.oneLine(name + ": " + files.get(i) + " is one of " + shard.group(3)
                        + " files, numbered from 00000, and " + files.size() + (files.size() == 1 ? " is" : " are")
                        + " there. Get the others too, or give one file by its own name"));
            }
        }
    }

    static LoraException unreadable(String name, IOException e) {
        return new LoraException(Names.oneLine(name + ": cannot be read: " + FileErrors.reason(Path.of(name), e)), e);
    }
}
