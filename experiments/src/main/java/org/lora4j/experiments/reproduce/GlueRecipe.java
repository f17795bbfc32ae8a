package org.lora4j.experiments.reproduce;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.io.Resources;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.experiments.data.GlueTask;

/**
 * How one of the paper's GLUE results was trained: the columns of its tables 9 and 10, and what the authors' scripts do, which
 * is not always the same. A batch of the scripts is one of eight machines' (CoLA on RoBERTa base: two), so their recipes have
 * as many batches in a step.
 *
 * @param name     {@code roberta-base}, {@code roberta-base-scripts}, …
 * @param source   where it is from: {@code table 9}
 * @param task     of GLUE
 * @param options  of the command line → their values; what it is silent about is not there
 * @param fromMnli whether training begins with the adapter that was trained on MNLI, and a new head
 */
public record GlueRecipe(String name, String source, GlueTask task, Map<String, String> options, boolean fromMnli) {

    private static final JsonNode ALL = read();

    /** Keeps its own copy of the options. */
    public GlueRecipe {
        options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
    }

    private static JsonNode read() {
        try {
            return new ObjectMapper().readTree(Resources.getResource(GlueRecipe.class, "glue.json"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All names, in the order of the tables. */
    public static List<String> names() {
        List<String> names = new ArrayList<>();
        ALL.path("recipes").fieldNames().forEachRemaining(names::add);
        return names;
    }

    /**
     * The recipe of this name for a task.
     *
     * @throws LoraException if there is none of that name, or the paper has no results of the task
     */
    public static GlueRecipe of(String name, GlueTask task) {
        JsonNode recipe = ALL.path("recipes").path(name);
        if (recipe.isMissingNode()) {
            throw new LoraException("`recipe` " + Names.quoted(name) + ": expected one of " + String.join(", ", names()));
        }
        int column = -1;
        for (int i = 0; i < ALL.path("order").size(); i++) {
            column = ALL.path("order").get(i).asText().equals(task.text()) ? i : column;
        }
        if (column < 0) {
            throw new LoraException("`recipe` " + name + ": the paper has no results of " + task.title());
        }
        Map<String, String> options = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> option : recipe.path("options").properties()) {
            JsonNode value = option.getValue().isArray() ? option.getValue().get(column) : option.getValue();
            if (!value.isNull()) {
                options.put(option.getKey(), value.asText());
            }
        }
        JsonNode fromMnli = recipe.path("from_mnli").isMissingNode() ? ALL.path("from_mnli") : recipe.path("from_mnli");
        boolean starts = false;
        for (JsonNode one : fromMnli) {
            starts |= one.asText().equals(task.text());
        }
        return new GlueRecipe(name, recipe.path("source").asText(), task, options, starts);
    }
}
