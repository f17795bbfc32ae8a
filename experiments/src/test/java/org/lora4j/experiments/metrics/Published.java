package org.lora4j.experiments.metrics;

import com.google.common.io.Resources;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.lora4j.data.E2e;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;

/** System outputs whose scores others have published. */
final class Published {

    private Published() {
    }

    /** A system of the UKP Lab for the 547 inputs of E2E's dev set; scores in the row of epoch 16 beside it. */
    static Corpus e2eDev() {
        List<List<String>> references =
                List.copyOf(TextPair.completionsByContext(E2e.embedded(Split.DEV)).values());
        return new Corpus(lines("e2e-dev-seed1/seed1_predictions.epoch16"), references);
    }

    /** The example of the E2E scorer: ten outputs, with six to sixteen references each. */
    static Corpus e2eExample() {
        List<List<String>> references = new ArrayList<>();
        references.add(new ArrayList<>());
        for (String line : lines("e2e-metrics-example/devel-conc.txt")) {
            if (line.isEmpty()) {
                references.add(new ArrayList<>());
            } else {
                references.getLast().add(line);
            }
        }
        if (references.getLast().isEmpty()) {
            references.removeLast();
        }
        return new Corpus(lines("e2e-metrics-example/baseline-output.txt"), references);
    }

    static List<String> lines(String name) {
        try {
            return Resources.readLines(Resources.getResource(Published.class, name), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
