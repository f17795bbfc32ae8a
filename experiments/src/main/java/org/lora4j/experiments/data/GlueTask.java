package org.lora4j.experiments.data;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.lora4j.data.Split;
import org.lora4j.family.Labels;
import org.lora4j.task.ClassifierMeasure.Kind;
import org.lora4j.task.ClassifierMeasure;

/**
 * The nine tasks of GLUE (Wang et al. 2019): what their files are called and hold, their labels, and by what they are measured.
 * Labels have the names and the order of the Hugging Face hub's data sets, so a number in a file is a class's there.
 *
 * <p>The paper reports MNLI's overall accuracy, Matthews for CoLA, Pearson for STS-B and accuracy for the others, WNLI left
 * out (section 5.1); GLUE itself also F1 for MRPC and QQP, and Spearman for STS-B. The best is kept by the first.
 */
public enum GlueTask {

    /** Is it an acceptable sentence? */
    COLA("CoLA", labels("unacceptable", "acceptable"), List.of(Kind.MATTHEWS, Kind.ACCURACY)),
    /** Is it a good review? */
    SST2("SST-2", labels("negative", "positive"), List.of(Kind.ACCURACY)),
    /** Do both sentences say the same? */
    MRPC("MRPC", labels("not_equivalent", "equivalent"), List.of(Kind.ACCURACY, Kind.F1)),
    /** Do both questions ask the same? */
    QQP("QQP", labels("not_duplicate", "duplicate"), List.of(Kind.ACCURACY, Kind.F1)),
    /** How near are the two in meaning, from 0 to 5? */
    STSB("STS-B", Labels.NUMBER, List.of(Kind.PEARSON, Kind.SPEARMAN)),
    /** Does the premise entail or contradict the hypothesis? */
    MNLI("MNLI", labels("entailment", "neutral", "contradiction"), List.of(Kind.ACCURACY)),
    /** Is the answer to the question in the sentence? */
    QNLI("QNLI", labels("entailment", "not_entailment"), List.of(Kind.ACCURACY)),
    /** Does the first sentence entail the second? */
    RTE("RTE", labels("entailment", "not_entailment"), List.of(Kind.ACCURACY)),
    /** The same, of pronouns. */
    WNLI("WNLI", labels("not_entailment", "entailment"), List.of(Kind.ACCURACY));

    private final String folder;
    private final Labels labels;
    private final List<Kind> measures;

    GlueTask(String folder, Labels labels, List<Kind> measures) {
        this.folder = folder;
        this.labels = labels;
        this.measures = measures;
    }

    private static Labels labels(String... names) {
        return Labels.of(List.of(names));
    }

    /** The task a user calls so: {@code sst2}, {@code SST-2}, {@code sts-b}. */
    public static Optional<GlueTask> named(String name) {
        String plain = name.strip().toLowerCase(Locale.ROOT).replaceAll("[-_]", "");
        return Arrays.stream(values()).filter(task -> task.text().equals(plain)).findFirst();
    }

    /** The word for it: {@code sst2}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** As GLUE writes it, and calls its folder: {@code SST-2}. */
    public String title() {
        return folder;
    }

    /** Its labels in the order of their numbers; none for STS-B, which has a number. */
    public Labels labels() {
        return labels;
    }

    /** The task's measure, and what GLUE reports beside it. */
    public ClassifierMeasure measure() {
        return new ClassifierMeasure(labels, measures);
    }

    /** Whether it is one of two texts. */
    public boolean isOfPairs() {
        return this != COLA && this != SST2;
    }

    /** The names that a part's file may have, without the ending. */
    List<String> fileNames(Split split) {
        return switch (split) {
            case TRAIN -> List.of("train", "training", "sts-train");
            case DEV -> List.of("dev", "validation", "valid", "dev_matched", "validation_matched", "sts-dev");
            case TEST -> List.of("test", "test_matched", "sts-test", "msr_paraphrase_test");
        };
    }

    /** The names of MNLI's other dev set, of texts from sources that the training data does not have. */
    static final List<String> MISMATCHED = List.of("dev_mismatched", "validation_mismatched");

    /** What its columns may be called: GLUE's names, and the hub's. */
    List<String> firstColumns() {
        return switch (this) {
            case COLA, SST2 -> List.of("sentence");
            case QQP -> List.of("question1");
            case QNLI -> List.of("question");
            case MRPC -> List.of("#1 String", "sentence1");
            case MNLI -> List.of("sentence1", "premise");
            default -> List.of("sentence1");
        };
    }

    List<String> secondColumns() {
        return switch (this) {
            case COLA, SST2 -> List.of();
            case QQP -> List.of("question2");
            case QNLI -> List.of("sentence");
            case MRPC -> List.of("#2 String", "sentence2");
            case MNLI -> List.of("sentence2", "hypothesis");
            default -> List.of("sentence2");
        };
    }

    List<String> labelColumns() {
        return switch (this) {
            case MRPC -> List.of("Quality", "label");
            case QQP -> List.of("is_duplicate", "label");
            case STSB -> List.of("score", "label");
            case MNLI -> List.of("gold_label", "label");
            default -> List.of("label");
        };
    }

    /** The columns of a file without a header, by how many there are; empty where that tells nothing. */
    List<String> columns(int count) {
        String known = switch (this) {
            case COLA -> count == 4 ? "source label note sentence" : "";
            case SST2 -> count == 2 ? "sentence label" : "";
            case MRPC -> count == 5 ? "label id1 id2 sentence1 sentence2" : "";
            case QQP -> count == 6 ? "id qid1 qid2 question1 question2 label" : "";
            case STSB -> count == 10 ? "index genre filename year old_index source1 source2 sentence1 sentence2 label"
                    : count == 7 || count == 9 ? "genre file year id label sentence1 sentence2" + (count == 9 ? " source1 source2" : "")
                    : "";
            case MNLI -> count == 12 ? "index promptID pairID genre parse1 parse2 tree1 tree2 sentence1 sentence2 label1 gold_label"
                    : count == 16 ? "index promptID pairID genre parse1 parse2 tree1 tree2 sentence1 sentence2 label1 label2 label3 "
                            + "label4 label5 gold_label" : "";
            case QNLI -> count == 4 ? "index question sentence label" : "";
            case RTE, WNLI -> count == 4 ? "index sentence1 sentence2 label" : "";
        };
        return known.isEmpty() ? List.of() : List.of(known.split(" "));
    }
}
