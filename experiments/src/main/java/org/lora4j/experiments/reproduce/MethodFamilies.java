package org.lora4j.experiments.reproduce;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.io.Resources;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.lora4j.experiments.reproduce.Experiment.TableRow;

/**
 * The methods that the paper compares, each in several sizes, for the shape of its figure 2: parameters against loss.
 *
 * @param families in the order of the page
 */
public record MethodFamilies(List<Family> families) {

    /**
     * One method.
     *
     * @param rates    learning rates of which the best is taken, found with one of the sizes
     * @param searched number of that size
     * @param rows     its sizes, from small to large
     */
    public record Family(String name, List<Double> rates, int searched, List<TableRow> rows) {
    }

    /** All there are. */
    public static MethodFamilies all() {
        try {
            return new ObjectMapper().readValue(Resources.getResource(MethodFamilies.class, "methods.json"), MethodFamilies.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
