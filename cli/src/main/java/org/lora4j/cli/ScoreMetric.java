package org.lora4j.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.experiments.metrics.Bleu;
import org.lora4j.experiments.metrics.Cider;
import org.lora4j.experiments.metrics.Meteor;
import org.lora4j.experiments.metrics.Metric;
import org.lora4j.experiments.metrics.Nist;
import org.lora4j.experiments.metrics.Rouge;
import org.lora4j.experiments.metrics.RougeL;
import org.lora4j.experiments.metrics.Ter;

/** What {@code lora4j score} can compute, as it is called in {@code --metric} and in JSON. */
enum ScoreMetric {

    BLEU("bleu", keepCase -> new Bleu(keepCase, true)),
    NIST("nist", keepCase -> new Nist(Nist.Length.MEAN_OF_ALL, keepCase)),
    NIST_PYTHON("nist-python", keepCase -> new Nist(Nist.Length.MEAN_PER_SEGMENT, keepCase)),
    METEOR("meteor", "meteor_without_paraphrases", keepCase -> new Meteor()),
    ROUGE_L("rouge-l", keepCase -> new RougeL()),
    CIDER("cider", keepCase -> new Cider()),
    TER("ter", keepCase -> new Ter()),
    ROUGE_1("rouge-1", keepCase -> Rouge.ONE),
    ROUGE_2("rouge-2", keepCase -> Rouge.TWO),
    ROUGE_L_F1("rouge-l-f1", keepCase -> Rouge.LONGEST),
    ACCURACY("accuracy", null),
    F1("f1", null),
    MATTHEWS("matthews", null),
    PEARSON("pearson", null),
    SPEARMAN("spearman", null);

    /** What is computed of texts if nothing is asked for: the E2E challenge's. */
    static final List<ScoreMetric> E2E = List.of(BLEU, NIST, METEOR, ROUGE_L, CIDER);

    private final String option;
    private final String key;
    private final Function<Boolean, Metric> metric;

    ScoreMetric(String option, Function<Boolean, Metric> metric) {
        this(option, option.replace('-', '_'), metric);
    }

    ScoreMetric(String option, String key, Function<Boolean, Metric> metric) {
        this.option = option;
        this.key = key;
        this.metric = metric;
    }

    static ScoreMetric of(String name) {
        String wanted = name.strip().toLowerCase(Locale.ROOT).replace('_', '-');
        for (ScoreMetric known : values()) {
            if (known.option.equals(wanted) || known.option.replace("-", "").equals(wanted)) {
                return known;
            }
        }
        List<String> all = Arrays.stream(values()).map(ScoreMetric::option).toList();
        List<String> nearest = Names.nearest(wanted, all, 2);
        throw new LoraException("--metric " + Names.quoted(name.strip()) + ": there is no such metric"
                + (nearest.isEmpty() ? "" : " (nearest: " + String.join(", ", nearest) + ")") + "; there are "
                + all.stream().collect(Collectors.joining(", ")));
    }

    /** Of labels or numbers, rather than of texts. */
    boolean isOfLabels() {
        return metric == null;
    }

    Metric metric(boolean keepCase) {
        return metric.apply(keepCase);
    }

    String option() {
        return option;
    }

    String key() {
        return key;
    }
}
