package org.lora4j.experiments.analysis;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.lora4j.analysis.Amplification;
import org.lora4j.analysis.Similarity;

/** All numbers of an analysis by the names that docs/analyse.md explains; what is undefined is null. */
public final class AnalysisJson {

    private AnalysisJson() {
    }

    /** Maps, lists and arrays of numbers. */
    public static Map<String, Object> of(Analysis analysis) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("adapters", analysis.adapters().stream().map(AnalysisJson::source).toList());
        json.put("model", analysis.model());
        json.put("seed", analysis.seed());
        json.put("remarks", analysis.notes().remarks());
        json.put("left_out", analysis.notes().leftOut().stream().map(AnalysisJson::leftOut).toList());
        json.put("detailed_layers", analysis.notes().detailed());
        json.put("maps", analysis.maps().stream().map(AnalysisJson::line).toList());
        json.put("between_layers", analysis.between().stream().map(AnalysisJson::between).toList());
        json.put("gaussian", analysis.gaussian().stream().map(AnalysisJson::gaussian).toList());
        return json;
    }

    private static Map<String, Object> source(Analysis.Source source) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("path", source.path().toString());
        json.put("format", source.format());
        json.put("base", source.base());
        json.put("scaled", source.scaled());
        json.put("dora", source.dora());
        return json;
    }

    private static Map<String, Object> leftOut(Analysis.LeftOut leftOut) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("module", leftOut.module());
        json.put("part", leftOut.part());
        json.put("reason", leftOut.reason());
        return json;
    }

    private static Map<String, Object> line(Analysis.MapLine line) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("module", line.where().module());
        json.put("part", line.where().part());
        json.put("layer", line.where().layer() < 0 ? null : line.where().layer());
        json.put("kind", line.where().embedding() ? "embedding" : "linear");
        json.put("in", line.where().in());
        json.put("out", line.where().out());
        json.put("base", line.base() == null ? null : base(line.base()));
        json.put("updates", line.updates().stream().map(update -> update(update, line.base())).toList());
        Map<String, Object> similarity = new LinkedHashMap<>();
        line.similarity().forEach((side, phi) -> similarity.put(side.key(), phi));
        json.put("similarity", similarity.isEmpty() ? null : similarity);
        return json;
    }

    private static Map<String, Object> base(Analysis.Base base) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("norm", base.norm());
        json.put("singular_values", base.values());
        json.put("exact", base.values() == null ? null : base.steps() == 0);
        json.put("steps", base.values() == null ? null : base.steps());
        json.put("residual", base.values() == null ? null : base.error());
        return json;
    }

    private static Map<String, Object> update(Analysis.Update update, Analysis.@Nullable Base base) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("r", update.rank());
        json.put("alpha", update.setting().alpha());
        json.put("scaling", update.setting().scaling());
        json.put("norm_A", update.spectrum().normA());
        json.put("norm_B", update.spectrum().normB());
        json.put("norm_delta", update.spectrum().normDelta());
        json.put("relative_norm", base == null || base.norm() == 0 ? null : update.spectrum().normDelta() / base.norm());
        json.put("singular_values", update.spectrum().singularValues());
        json.put("singular_values_A", update.valuesA());
        json.put("singular_values_B", update.valuesB());
        json.put("directions_A", update.counts()[0]);
        json.put("directions_B", update.counts()[1]);
        json.put("directions_delta", update.counts()[2]);
        json.put("effective_rank", update.spectrum().effectiveRank());
        json.put("stable_rank", update.spectrum().stableRank());
        json.put("amplification", update.amplified() == null ? null : amplification(update.amplified()));
        json.put("similarity_with_base", update.withBase() == null ? null : withBase(update.withBase()));
        return json;
    }

    private static Map<String, Object> amplification(Amplification amplified) {
        int r = amplified.byDelta().length;
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("r", r);
        json.put("factor", number(amplified.factor()));
        json.put("by_delta", amplified.byDelta()[r - 1]);
        json.put("by_base", amplified.byWeight() == null ? null : amplified.byWeight()[r - 1]);
        json.put("by_random", amplified.byRandom()[r - 1]);
        json.put("by_random_expected", amplified.expected()[r - 1]);
        json.put("by_delta_top", amplified.byDelta());
        json.put("by_base_top", amplified.byWeight());
        json.put("by_random_top", amplified.byRandom());
        json.put("by_random_expected_top", amplified.expected());
        return json;
    }

    private static Map<String, Object> withBase(Analysis.WithBase withBase) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("right", withBase.right());
        json.put("left", withBase.left());
        json.put("random_right", withBase.randomRight());
        json.put("random_left", withBase.randomLeft());
        return json;
    }

    private static Map<String, Object> between(Analysis.BetweenLayers between) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("kind", between.kind());
        json.put("side", between.side().key());
        json.put("top", between.top());
        json.put("layers", between.layers());
        json.put("modules", between.modules());
        json.put("similarity", IntStream.range(0, between.similarity().length).mapToObj(row ->
                IntStream.range(0, between.similarity().length).mapToObj(column -> number(between.similarity()[row][column])).toList()).toList());
        json.put("expected", between.expected());
        return json;
    }

    private static Map<String, Object> gaussian(Analysis.GaussianPair pair) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("dimension", pair.dimension());
        json.put("first", pair.firstRank());
        json.put("second", pair.secondRank());
        json.put("similarity", pair.similarity());
        double[][] expected = new double[pair.firstRank()][pair.secondRank()];
        for (int i = 0; i < expected.length; i++) {
            for (int j = 0; j < expected[i].length; j++) {
                expected[i][j] = Similarity.expected(i + 1, j + 1, pair.dimension());
            }
        }
        json.put("expected", expected);
        return json;
    }

    private static @Nullable Double number(double value) {
        return Double.isFinite(value) ? value : null;
    }
}
