package org.lora4j.experiments.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.lora4j.data.DataSets;
import org.lora4j.data.DataSource;
import org.lora4j.data.Example;
import org.lora4j.data.ExampleReader;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;

/**
 * A data set as a user names it:
 *
 * <pre>
 *   e2e                                  the embedded E2E
 *   webnlg:DIR                           WebNLG 2017 in a folder
 *   webnlg-seen:DIR, webnlg-unseen:DIR   its categories that come in training, or do not
 *   dart:DIR                             DART in a folder
 *   wikisql:DIR                          WikiSQL in a folder
 *   samsum:DIR                           SAMSum in a folder
 *   -                                    standard input
 *   PATH                                 anything else that {@link DataSets} reads
 * </pre>
 *
 * Open one for as long as it is asked for parts: a pipe and standard input are read once, and kept in it.
 */
public final class DataName {

    private static final String EMBEDDED = "e2e";
    private static final String STANDARD_INPUT = "-";

    private final String name;
    private final Kind kind;
    private final Path path;
    private DataSource source; // opened when it is first asked for: a pipe can be read only once

    private enum Kind {
        EMBEDDED(""), STANDARD_INPUT(""), WEBNLG("webnlg:"), WEBNLG_SEEN("webnlg-seen:"), WEBNLG_UNSEEN("webnlg-unseen:"), DART("dart:"), WIKISQL("wikisql:"),
        SAMSUM("samsum:"), PATH("");

        private final String prefix;

        Kind(String prefix) {
            this.prefix = prefix;
        }
    }

    private DataName(String name, Kind kind) {
        this.name = name;
        this.kind = kind;
        path = kind == Kind.EMBEDDED || kind == Kind.STANDARD_INPUT ? null : Path.of(name.substring(kind.prefix.length()));
    }

    /** A file or folder that is there goes before a name that means something else. */
    public static DataName of(String name) {
        if (!Files.exists(Path.of(name))) {
            if (name.equals(EMBEDDED)) {
                return new DataName(name, Kind.EMBEDDED);
            }
            if (name.equals(STANDARD_INPUT)) {
                return new DataName(name, Kind.STANDARD_INPUT);
            }
            for (Kind kind : Kind.values()) {
                if (!kind.prefix.isEmpty() && name.startsWith(kind.prefix)) {
                    return new DataName(name, kind);
                }
            }
        }
        return new DataName(name, Kind.PATH);
    }

    /**
     * Reads a part of the data.
     *
     * @throws org.lora4j.LoraException if nothing is there, the part is not, or a file is malformed
     */
    public List<TextPair> open(Split split) {
        return switch (kind) {
            case EMBEDDED -> E2e.embedded(split);
            case WEBNLG -> WebNlg.open(path, split, WebNlg.Categories.ALL);
            case WEBNLG_SEEN -> WebNlg.open(path, split, WebNlg.Categories.SEEN);
            case WEBNLG_UNSEEN -> WebNlg.open(path, split, WebNlg.Categories.UNSEEN);
            case DART -> Dart.open(path, split);
            case WIKISQL -> WikiSql.open(path, split);
            case SAMSUM -> SamSum.open(path, split);
            case STANDARD_INPUT, PATH -> source().open(split);
        };
    }

    /** The same of files that this reader reads; of those that have a layout of their own, pairs. */
    public List<? extends Example> open(Split split, ExampleReader<Example> reader) {
        return kind == Kind.STANDARD_INPUT || kind == Kind.PATH ? source().open(split, reader) : open(split);
    }

    /** Whether there is such a part among files that this reader reads. */
    public boolean has(Split split, ExampleReader<Example> reader) {
        return kind == Kind.STANDARD_INPUT || kind == Kind.PATH ? source().splits(reader).contains(split) : has(split);
    }

    /** Whether there is such a part; a single file has none, and is read whole for any. */
    public boolean has(Split split) {
        return switch (kind) {
            case EMBEDDED -> true;
            case STANDARD_INPUT, PATH -> source().splits().contains(split);
            case WIKISQL -> WikiSql.has(path, split);
            case SAMSUM -> SamSum.has(path, split);
            default -> TripleFile.has(path, split);
        };
    }

    private DataSource source() {
        if (source == null) {
            source = kind == Kind.STANDARD_INPUT ? DataSource.of("standard input", System.in) : DataSource.of(path);
        }
        return source;
    }

    /** The file or folder it lies in; null for what is embedded and for standard input. */
    public Path path() {
        return path;
    }

    /** Whether it is the embedded E2E, of which the paper and its recipe speak; whether a file is, nothing tells. */
    public boolean isE2e() {
        return kind == Kind.EMBEDDED;
    }

    /** Whether it is scored by {@link org.lora4j.experiments.metrics.GenerationEval}'s rules, as WebNLG and DART are. */
    public boolean isOfTriples() {
        return kind == Kind.WEBNLG || kind == Kind.WEBNLG_SEEN || kind == Kind.WEBNLG_UNSEEN || kind == Kind.DART;
    }

    /** Whether it is WikiSQL in {@link #path}, whose texts are queries. */
    public boolean isWikiSql() {
        return kind == Kind.WIKISQL;
    }

    /** Whether it is SAMSum. */
    public boolean isSamSum() {
        return kind == Kind.SAMSUM;
    }

    /** As the user typed it. */
    @Override
    public String toString() {
        return name;
    }
}
