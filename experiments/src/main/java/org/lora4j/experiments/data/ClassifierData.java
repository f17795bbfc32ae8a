package org.lora4j.experiments.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.data.DataSource;
import org.lora4j.data.LabelledFile;
import org.lora4j.data.LabelledText;
import org.lora4j.data.Split;
import org.lora4j.data.TextColumns;
import org.lora4j.family.Labels;
import org.lora4j.task.ClassifierMeasure;
import org.lora4j.task.TaskLabels;

/** Texts with labels as a user names them: a task of {@link Glue}, or anybody's own files. */
public final class ClassifierData {

    private static final String STANDARD_INPUT = "-";

    private final @Nullable Glue glue;
    private final @Nullable GlueTask task;
    private final @Nullable DataSource source;
    private final @Nullable LabelledFile reader;
    private final boolean regression;

    private ClassifierData(
            @Nullable GlueTask task, @Nullable Glue glue, @Nullable DataSource source, @Nullable LabelledFile reader,
            boolean regression) {
        this.task = task;
        this.glue = glue;
        this.source = source;
        this.reader = reader;
        this.regression = regression;
    }

    /**
     * A task of GLUE.
     *
     * @param remarks is told what a reader of results should know
     */
    public static ClassifierData ofTask(GlueTask task, Path path, Consumer<String> remarks) {
        return new ClassifierData(task, Glue.open(task, path, remarks), null, null, task.labels().regression());
    }

    /**
     * Anybody's own.
     *
     * @param name       a folder or zip with a file for each part, a file, or - for standard input
     * @param columns    what is read of them
     * @param regression whether labels are numbers whatever they look like
     */
    public static ClassifierData ofFiles(String name, TextColumns columns, boolean regression) {
        DataSource source = name.equals(STANDARD_INPUT) ? DataSource.of("standard input", System.in) : DataSource.of(Path.of(name));
        return new ClassifierData(null, null, source, new LabelledFile(columns).requiringLabels(), regression);
    }

    /** The examples of a part; a single file has no parts and is read whole for any. */
    public List<LabelledText> open(Split split) {
        return glue != null ? glue.open(split) : source.open(split, reader);
    }

    /** Whether there is such a part. */
    public boolean has(Split split) {
        return glue != null ? glue.has(split) : source.splits(reader).contains(split);
    }

    /** MNLI's other dev part; empty for every other task. */
    public Optional<List<LabelledText>> mismatched() {
        return glue != null ? glue.mismatched() : Optional.empty();
    }

    /** The GLUE task; empty where it is none. */
    public Optional<GlueTask> task() {
        return Optional.ofNullable(task);
    }

    /** What there is to say of these examples: the task's labels, or those that they have. */
    public Labels labels(List<LabelledText> train) {
        return task != null ? task.labels() : regression ? Labels.NUMBER : TaskLabels.of(train).labels();
    }

    /** By what it is measured. */
    public ClassifierMeasure measure(Labels labels) {
        return task != null && labels.count() == task.labels().count() ? new ClassifierMeasure(labels, task.measure().kinds())
                : ClassifierMeasure.usual(labels);
    }
}
