package org.lora4j.experiments.explain;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;
import org.lora4j.experiments.explain.Explanation.Expected;

/** An explanation by the names that docs/analyse.md explains; what is undefined is null. */
public final class ExplanationJson {

    private ExplanationJson() {
    }

    /**
     * An explanation as its page's numbers, by plain names.
     *
     * @param facts what was asked: model, adapter, text
     */
    public static Map<String, Object> of(Explanation explanation, Map<String, String> facts) {
        Map<String, Object> json = new LinkedHashMap<>(facts);
        boolean classifies = !explanation.labels().isEmpty();
        json.put("kind", !classifies ? "language" : explanation.summary().regression() ? "regression" : "classification");
        json.put("base_log_probability", number(explanation.summary().baseLogProbability()));
        json.put("adapted_log_probability", number(explanation.summary().adaptedLogProbability()));
        if (classifies) {
            json.put("labels", explanation.labels().stream().map(label -> {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("label", label.name());
                line.put("base_score", label.baseScore());
                line.put("adapted_score", label.adaptedScore());
                if (!explanation.summary().regression()) {
                    line.put("base_probability", label.baseProbability());
                    line.put("adapted_probability", label.adaptedProbability());
                }
                return line;
            }).toList());
        } else {
            json.put("tokens", explanation.tokens().stream().map(ExplanationJson::token).toList());
        }
        json.put("layers", explanation.stages().stream().map(stage -> {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("name", stage.name());
            line.put("layer", stage.layer() < 0 ? null : stage.layer());
            line.put("change", number(stage.change()));
            line.put("moved", stage.moved());
            line.put("divergence", number(stage.divergence()));
            line.put(classifies ? explanation.summary().regression() ? "score" : "probabilities" : "change_per_token",
                    DoubleStream.of(stage.perPosition()).mapToObj(ExplanationJson::number).toList());
            return line;
        }).toList());
        return json;
    }

    private static Map<String, Object> token(Explanation.TokenLine token) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("position", token.position());
        line.put("id", token.id());
        line.put("text", token.text());
        line.put("next_id", token.next() == null ? null : token.next().id());
        line.put("next_text", token.next() == null ? null : token.next().text());
        line.put("base", expected(token.base()));
        line.put("adapted", expected(token.adapted()));
        return line;
    }

    private static Map<String, Object> expected(Expected expected) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("rank", expected.rank() == 0 ? null : expected.rank());
        line.put("log_probability", number(expected.logProbability()));
        line.put("top", expected.top().stream().map(likely -> {
            Map<String, Object> word = new LinkedHashMap<>();
            word.put("id", likely.id());
            word.put("text", likely.text());
            word.put("probability", likely.probability());
            return word;
        }).toList());
        return line;
    }

    private static @Nullable Double number(double value) {
        return Double.isFinite(value) ? value : null;
    }
}
