package org.lora4j.experiments.reproduce;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.io.Resources;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.tuning.TuningMethods;

/**
 * One of the paper's experiments, read from a data file: its recipe as paper and scripts have it, its published scores, and
 * the tables that vary one thing.
 *
 * @param name         by which users ask for it
 * @param recipe       a line for each thing that decides the result
 * @param papersBase   what the paper's numbers are of
 * @param paper        the published row that a run with the default settings stands beside
 * @param learningRate of our runs on the embedded base, by method ("lora", "full"), found by a sweep
 * @param tables       those of the paper whose rows can be run
 */
public record Experiment(
        String name, String title, @JsonProperty("papers_base") String papersBase, List<RecipeLine> recipe, Published paper,
        @JsonProperty("learning_rate") Map<String, Double> learningRate, List<Table> tables) {

    /** All there are, in the order of {@code reproduce --list}. */
    private static final List<String> NAMES = List.of("e2e");

    /**
     * A row of the recipe: what is set, and to what by whom.
     *
     * @param paper   what the paper says; empty where it is silent
     * @param scripts what the authors' scripts do
     * @param used    the key by which a run says what it did
     */
    public record RecipeLine(String what, String paper, String scripts, String used) {
    }

    /** Published scores, as fractions of 1 where papers print percentages; null where there is none. */
    public record Published(
            String row, @JsonProperty("dev_loss") Double devLoss, Double bleu, Double nist, Double meteor,
            @JsonProperty("rouge_l") Double rougeL, Double cider) {
    }

    /** A table of the paper. */
    public record Table(String id, String title, String note, List<TableRow> rows) {
    }

    /**
     * What one row of a table is a run of.
     *
     * @param id      its folder's name
     * @param targets as {@code --targets} takes them; null where the method has none
     * @param method  by the name of its {@link org.lora4j.tuning.TuningMethod}; lora where nothing is said
     * @param learningRate where the experiment's would not do; null otherwise
     * @param paper   what the paper has in this row; null where it has none
     */
    public record TableRow(
            String id, String name, int rank, String targets, String method,
            @JsonProperty("learning_rate") Double learningRate, Published paper) {

        /** Takes LoRA where no method is named. */
        public TableRow {
            method = method == null ? TuningMethods.LORA : method;
        }
    }

    /** What suits this method on the embedded base: as for LoRA where few numbers train, as for full fine-tuning else. */
    public double learningRateOf(String method) {
        return learningRate.get(learningRate.containsKey(method) ? method : method.equals("bitfit") ? "lora" : "full");
    }

    /**
     * The experiment that the command line knows by that name.
     *
     * @throws LoraException if there is no such experiment
     */
    public static Experiment named(String name) {
        if (!NAMES.contains(name)) {
            throw new LoraException("no experiment is called " + Names.quoted(name) + "; there are " + String.join(", ", NAMES)
                    + " and section7");
        }
        try {
            return new ObjectMapper().readValue(Resources.getResource(Experiment.class, name + ".json"), Experiment.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All of them. */
    public static List<Experiment> all() {
        return NAMES.stream().map(Experiment::named).toList();
    }

    /**
     * One of the paper's tables that this experiment makes.
     *
     * @throws LoraException if there is no such table
     */
    public Table table(String id) {
        return tables.stream().filter(table -> table.id.equals(id)).findFirst().orElseThrow(() -> new LoraException(
                "`table` " + id + ": expected " + String.join(" or ", tables.stream().map(Table::id).toList())));
    }
}
