package org.lora4j.experiments.analysis;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.lora4j.analysis.Amplification;

/**
 * The numbers of an analysis as a table that any program reads, one number a line, the grids of two adapters in the detailed layers:
 *
 * <pre>
 *   module,part,layer,adapter,quantity,i,j,value
 * </pre>
 *
 * Quantities are called as in JSON; adapter is 1 or 2, or empty where the number is of both or of none; i and j count from 1, and are
 * empty where there is one number or one row of them. What is undefined has no line.
 */
public final class AnalysisCsv {

    private final StringBuilder csv = new StringBuilder("module,part,layer,adapter,quantity,i,j,value\n");

    private AnalysisCsv() {
    }

    /** Every number of an analysis, a row each, with a header. */
    public static String of(Analysis analysis) {
        AnalysisCsv table = new AnalysisCsv();
        analysis.maps().forEach(line -> table.line(line, analysis.notes().detailed().contains(line.where().layer())));
        for (Analysis.BetweenLayers between : analysis.between()) {
            String quantity = "between_layers_" + between.side().key() + "_top_" + between.top();
            for (int a = 0; a < between.layers().size(); a++) {
                for (int b = 0; b < between.layers().size(); b++) {
                    table.row(between.kind(), null, -1, null, quantity, between.layers().get(a), between.layers().get(b),
                            between.similarity()[a][b]);
                }
            }
        }
        for (Analysis.GaussianPair pair : analysis.gaussian()) {
            table.grid("gaussian " + pair.dimension(), null, -1, null, "similarity_gaussian", pair.similarity());
        }
        return table.csv.toString();
    }

    /** @param detailed whether grids are wanted, which of many layers are too much for a table */
    private void line(Analysis.MapLine line, boolean detailed) {
        String module = line.where().module();
        String part = line.where().part();
        int layer = line.where().layer();
        if (line.base() != null) {
            row(module, part, layer, null, "norm_base", null, null, line.base().norm());
            column(module, part, layer, null, "singular_values_base", orNone(line.base().values()));
        }
        IntStream.range(0, line.updates().size()).forEach(k -> update(line, k));
        if (detailed) {
            line.similarity().forEach((side, phi) -> grid(module, part, layer, null, "similarity_" + side.key(), phi));
        }
    }

    private void update(Analysis.MapLine line, int k) {
        String module = line.where().module();
        String part = line.where().part();
        int layer = line.where().layer();
        Analysis.Update update = line.updates().get(k);
        Integer adapter = k + 1;
        List<Object[]> scalars = List.of(new Object[] {"r", (double) update.rank()}, new Object[] {"scaling", update.setting().scaling()},
                new Object[] {"norm_A", update.spectrum().normA()}, new Object[] {"norm_B", update.spectrum().normB()},
                new Object[] {"norm_delta", update.spectrum().normDelta()},
                new Object[] {"effective_rank", update.spectrum().effectiveRank()},
                new Object[] {"stable_rank", update.spectrum().stableRank()});
        scalars.forEach(pair -> row(module, part, layer, adapter, (String) pair[0], null, null, (double) pair[1]));
        column(module, part, layer, adapter, "singular_values", update.spectrum().singularValues());
        column(module, part, layer, adapter, "singular_values_A", update.valuesA());
        column(module, part, layer, adapter, "singular_values_B", update.valuesB());
        Amplification amplified = update.amplified();
        if (amplified != null) {
            row(module, part, layer, adapter, "amplification", null, null, amplified.factor());
            column(module, part, layer, adapter, "by_delta_top", amplified.byDelta());
            column(module, part, layer, adapter, "by_base_top", orNone(amplified.byWeight()));
            column(module, part, layer, adapter, "by_random_top", amplified.byRandom());
            column(module, part, layer, adapter, "by_random_expected_top", amplified.expected());
        }
        if (update.withBase() != null) {
            grid(module, part, layer, adapter, "similarity_with_base_right", update.withBase().right());
            grid(module, part, layer, adapter, "similarity_with_base_left", update.withBase().left());
            grid(module, part, layer, adapter, "similarity_with_base_random_right", update.withBase().randomRight());
            grid(module, part, layer, adapter, "similarity_with_base_random_left", update.withBase().randomLeft());
        }
    }

    private static double[] orNone(double @Nullable [] values) {
        return values == null ? new double[0] : values;
    }

    private void column(String module, @Nullable String part, int layer, @Nullable Integer adapter, String quantity, double[] values) {
        for (int i = 0; i < values.length; i++) {
            row(module, part, layer, adapter, quantity, i + 1, null, values[i]);
        }
    }

    private void grid(String module, @Nullable String part, int layer, @Nullable Integer adapter, String quantity, double[][] values) {
        for (int i = 0; i < values.length; i++) {
            for (int j = 0; j < values[i].length; j++) {
                row(module, part, layer, adapter, quantity, i + 1, j + 1, values[i][j]);
            }
        }
    }

    private void row(
            String module, @Nullable String part, int layer, @Nullable Integer adapter, String quantity, @Nullable Integer i,
            @Nullable Integer j, double value) {
        if (Double.isFinite(value)) {
            csv.append(field(module)).append(',').append(part == null ? "" : field(part)).append(',').append(layer < 0 ? "" : layer)
                    .append(',').append(adapter == null ? "" : adapter).append(',').append(quantity).append(',')
                    .append(i == null ? "" : i).append(',').append(j == null ? "" : j).append(',').append(rounded(value)).append('\n');
        }
    }

    /** Nine digits that count; JSON has all. */
    private static String rounded(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e9 ? String.valueOf((long) value)
                : new BigDecimal(value).round(new MathContext(9)).toString();
    }

    /** A name comes from a file and may hold anything; a formula at its beginning would be one in a spreadsheet. */
    private static String field(String text) {
        String plain = text.matches("[=+@-].*") ? "'" + text : text;
        return plain.matches("(?s).*[\",\r\n].*") ? '"' + plain.replace("\"", "\"\"") + '"' : plain;
    }
}
