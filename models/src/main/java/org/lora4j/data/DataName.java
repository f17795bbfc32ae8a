package org.lora4j.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A data set as a user names it:
 *
 * <pre>
 *   e2e                                  the embedded E2E
 *   webnlg:DIR                           WebNLG 2017 in a folder
 *   webnlg-seen:DIR, webnlg-unseen:DIR   its categories that come in training, or do not
 *   dart:DIR                             DART in a folder
 *   PATH                                 anything else that {@link DataSets} reads
 * </pre>
 */
public final class DataName {

    private static final String EMBEDDED = "e2e";

    private final String name;
    private final Kind kind;
    private final Path path;

    private enum Kind {
        EMBEDDED(""), WEBNLG("webnlg:"), WEBNLG_SEEN("webnlg-seen:"), WEBNLG_UNSEEN("webnlg-unseen:"), DART("dart:"), PATH("");

        private final String prefix;

        Kind(String prefix) {
            this.prefix = prefix;
        }
    }

    private DataName(String name, Kind kind) {
        this.name = name;
        this.kind = kind;
        path = kind == Kind.EMBEDDED ? null : Path.of(name.substring(kind.prefix.length()));
    }

    /** A file or folder that is there goes before a name that means something else. */
    public static DataName of(String name) {
        if (!Files.exists(Path.of(name))) {
            if (name.equals(EMBEDDED)) {
                return new DataName(name, Kind.EMBEDDED);
            }
            for (Kind kind : Kind.values()) {
                if (!kind.prefix.isEmpty() && name.startsWith(kind.prefix)) {
                    return new DataName(name, kind);
                }
            }
        }
        return new DataName(name, Kind.PATH);
    }

    /** @throws org.lora4j.LoraException if nothing is there, the part is not, or a file is malformed */
    public List<TextPair> open(Split split) {
        return switch (kind) {
            case EMBEDDED -> E2e.embedded(split);
            case WEBNLG -> WebNlg.open(path, split, WebNlg.Categories.ALL);
            case WEBNLG_SEEN -> WebNlg.open(path, split, WebNlg.Categories.SEEN);
            case WEBNLG_UNSEEN -> WebNlg.open(path, split, WebNlg.Categories.UNSEEN);
            case DART -> Dart.open(path, split);
            case PATH -> DataSets.open(path, split);
        };
    }

    /** Whether there is such a part; a single file has none, and is read whole for any. */
    public boolean has(Split split) {
        return switch (kind) {
            case EMBEDDED -> true;
            case PATH -> DataSets.splits(path).contains(split);
            default -> TripleFile.has(path, split);
        };
    }

    /** The file or folder it lies in; null for what is embedded. */
    public Path path() {
        return path;
    }

    /** Whether it is scored by {@link org.lora4j.metrics.GenerationEval}'s rules, as WebNLG and DART are. */
    public boolean isOfTriples() {
        return kind != Kind.EMBEDDED && kind != Kind.PATH;
    }

    /** As the user typed it. */
    @Override
    public String toString() {
        return name;
    }
}
