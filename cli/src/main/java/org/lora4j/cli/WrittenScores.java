package org.lora4j.cli;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.lora4j.data.Split;
import org.lora4j.experiments.data.DataName;
import org.lora4j.experiments.data.WikiSql;
import org.lora4j.experiments.metrics.Corpus;
import org.lora4j.experiments.metrics.E2eScores;
import org.lora4j.experiments.metrics.Rouge;
import org.lora4j.experiments.sql.WikiSqlQuestion;
import org.lora4j.experiments.sql.WikiSqlScores;

/** The tasks whose texts are scored, and how each is. */
enum WrittenScores {

    E2E("e2e") {
        @Override
        Map<String, Double> scores(Map<String, List<String>> references, List<String> texts, DataName data, Split part) {
            return TaskScores.json(E2eScores.of(texts, List.copyOf(references.values())));
        }
    },

    /** Each question is one, also where several have the same words and table. */
    WIKISQL("wikisql") {
        @Override
        Map<String, Double> scores(Map<String, List<String>> references, List<String> texts, DataName data, Split part) {
            Map<String, String> byInput = new HashMap<>();
            List<String> inputs = List.copyOf(references.keySet());
            for (int i = 0; i < inputs.size(); i++) {
                byInput.put(inputs.get(i), texts.get(i));
            }
            List<WikiSqlQuestion> questions = WikiSql.questions(data.path(), part).stream()
                    .filter(question -> byInput.containsKey(question.context())).toList();
            return wikiSql(WikiSqlScores.of(questions, questions.stream().map(question -> byInput.get(question.context())).toList()));
        }
    },

    SAMSUM("samsum") {
        @Override
        Map<String, Double> scores(Map<String, List<String>> references, List<String> texts, DataName data, Split part) {
            Corpus corpus = new Corpus(texts, List.copyOf(references.values()));
            Map<String, Double> scores = new LinkedHashMap<>();
            for (ScoreMetric metric : List.of(ScoreMetric.ROUGE_1, ScoreMetric.ROUGE_2, ScoreMetric.ROUGE_L_F1)) {
                scores.put(metric.key(), metric.metric(false).score(corpus).value());
            }
            return scores;
        }
    };

    private final String word;

    WrittenScores(String word) {
        this.word = word;
    }

    /** The task of this word. */
    static Optional<WrittenScores> of(String word) {
        return List.of(values()).stream().filter(task -> task.word.equals(word)).findFirst();
    }

    /** Their words. */
    static List<String> words() {
        List<String> words = new ArrayList<>();
        for (WrittenScores task : values()) {
            words.add(task.word);
        }
        return words;
    }

    String word() {
        return word;
    }

    /** Whether it has data of its own. */
    boolean hasData() {
        return this == E2E;
    }

    /** Whether this data is what it scores; any may be scored as E2E. */
    boolean suits(DataName data) {
        return this == E2E || this == WIKISQL && data.isWikiSql() || this == SAMSUM && data.isSamSum();
    }

    /**
     * By the names that programs find them under.
     *
     * @param references what people wrote, by input
     * @param texts      in the order of the inputs
     */
    abstract Map<String, Double> scores(Map<String, List<String>> references, List<String> texts, DataName data, Split part);

    static Map<String, Double> wikiSql(WikiSqlScores scores) {
        Map<String, Double> json = new LinkedHashMap<>();
        json.put("logical_form", scores.logicalForm());
        json.put("execution", scores.execution());
        json.put("readable", scores.readable());
        return json;
    }

    /** For people: percentages. */
    static List<String> lines(Map<String, Double> scores) {
        List<String> lines = new ArrayList<>();
        scores.forEach((name, value) -> lines.add("%-22s %6.2f".formatted(switch (name) {
            case "logical_form" -> "Logical-form accuracy";
            case "execution" -> "Execution accuracy";
            case "readable" -> "Texts that are queries";
            default -> name.replace('_', '-').replace("-f1", "").toUpperCase(Locale.ROOT);
        }, 100 * value)));
        return lines;
    }
}
