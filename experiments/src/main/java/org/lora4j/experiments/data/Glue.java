package org.lora4j.experiments.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.lora4j.data.DataSource;
import org.lora4j.data.LabelledText;
import org.lora4j.data.Place;
import org.lora4j.data.Split;
import org.lora4j.io.FileErrors;
import org.lora4j.io.TextInput;

/**
 * A GLUE task in a folder that the user names: the task's own, or one that has it beside the others, as GLUE's download and the
 * hub lay it out.
 *
 * <pre>
 *   CoLA/train.tsv  dev.tsv  test.tsv                     GLUE's, and MNLI's dev_matched.tsv and dev_mismatched.tsv
 *   cola/train-00000-of-00001.jsonl  validation-…         what the hub's data sets are exported to
 *   sts-train.csv  sts-dev.csv  sts-test.csv              the STS benchmark's
 *   msr_paraphrase_train.txt  …_test.txt  dev_ids.tsv     Microsoft's for MRPC; GLUE's dev part are the ids
 * </pre>
 *
 * The labels of GLUE's test parts are secret. Microsoft's test part has labels, and stands in as dev where neither a dev part
 * nor its ids are there.
 */
public final class Glue {

    private static final String MICROSOFT_TRAIN = "msr_paraphrase_train";
    private static final String MICROSOFT_TEST = "msr_paraphrase_test";
    private static final String DEV_IDS = "dev_ids.tsv";

    private final GlueTask task;
    private final Path folder;
    private final DataSource source;
    private final Consumer<String> remarks;

    private Glue(GlueTask task, Path folder, Consumer<String> remarks) {
        this.task = task;
        this.folder = folder;
        this.remarks = remarks;
        source = DataSource.of(folder);
    }

    /**
     * Opens a task.
     *
     * @param path    the task's folder or one around it, a zip, or a single file, which has no parts
     * @param remarks is told what a reader of results should know, such as lines that were passed over
     * @throws org.lora4j.LoraException if nothing is there
     */
    public static Glue open(GlueTask task, Path path, Consumer<String> remarks) {
        return new Glue(task, inside(task, path), remarks);
    }

    /** The task's folder in this one, where it has one. */
    private static Path inside(GlueTask task, Path path) {
        if (!Files.isDirectory(path)) {
            return path;
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.filter(Files::isDirectory)
                    .filter(file -> GlueTask.named(file.getFileName().toString()).filter(task::equals).isPresent())
                    .sorted().findFirst().orElse(path);
        } catch (IOException e) {
            throw FileErrors.reading(path, e);
        }
    }

    /** Whether there is such a part; a single file has none, and is read whole for any. */
    public boolean has(Split split) {
        return source.has(fileNames(split), reader(split, new ArrayList<>()));
    }

    /**
     * The examples of a part; those of MNLI's dev part are the matched ones.
     *
     * @throws org.lora4j.LoraException if it is not there, or a line is malformed
     */
    public List<LabelledText> open(Split split) {
        if (split == Split.DEV && isMicrosofts() && !hasIds() && has(split)) {
            remarks.accept("MRPC without GLUE's dev part and its ids (" + DEV_IDS + "): Microsoft's test part is measured on instead");
        }
        return open(split, fileNames(split));
    }

    /** MNLI's other dev part, of texts from sources that the training data does not have; empty where it is not there. */
    public Optional<List<LabelledText>> mismatched() {
        boolean there = task == GlueTask.MNLI && source.has(GlueTask.MISMATCHED, reader(Split.DEV, new ArrayList<>()));
        return there ? Optional.of(open(Split.DEV, GlueTask.MISMATCHED)) : Optional.empty();
    }

    private List<LabelledText> open(Split split, List<String> names) {
        List<Place> passedOver = new ArrayList<>();
        List<LabelledText> texts = source.open(split.toString(), names, reader(split, passedOver));
        if (!passedOver.isEmpty()) {
            remarks.accept("%,d lines of %s's %s part %s and were passed over: %s".formatted(passedOver.size(), task.title(), split,
                    task == GlueTask.QQP ? "have fewer fields than the header" : "have no label that people agreed on",
                    Place.some(passedOver)));
        }
        return texts;
    }

    private List<String> fileNames(Split split) {
        List<String> names = new ArrayList<>(task.fileNames(split));
        if (task == GlueTask.MRPC && split == Split.TRAIN) {
            names.add(MICROSOFT_TRAIN);
        } else if (task == GlueTask.MRPC && split == Split.DEV) {
            names.add(hasIds() ? MICROSOFT_TRAIN : MICROSOFT_TEST);
        }
        return names;
    }

    private GlueFile reader(Split split, List<Place> passedOver) {
        return new GlueFile(task, isMicrosofts() && hasIds() && split != Split.TEST ? ofDev(split == Split.DEV) : row -> true,
                passedOver);
    }

    /** Whether Microsoft's files are what is there. */
    private boolean isMicrosofts() {
        return task == GlueTask.MRPC && Files.isDirectory(folder)
                && !source.has(task.fileNames(Split.DEV), new GlueFile(task, row -> true, new ArrayList<>()));
    }

    private boolean hasIds() {
        return Files.isRegularFile(folder.resolve(DEV_IDS));
    }

    /** The rows whose two ids GLUE has put into its dev part, or the others. */
    private Predicate<List<String>> ofDev(boolean dev) {
        Set<List<String>> ids = new HashSet<>();
        Path file = folder.resolve(DEV_IDS);
        try (BufferedReader reader = TextInput.open(file)) {
            reader.lines().filter(line -> !line.isBlank()).forEach(line -> ids.add(List.of(line.strip().split("\t"))));
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
        return row -> row.size() == 5 && ids.contains(row.subList(1, 3)) == dev;
    }
}
