package org.lora4j.experiments.data;

import com.google.common.io.Resources;
import java.util.List;
import org.lora4j.data.DataSets;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;

/**
 * The E2E NLG challenge (Novikova et al. 2017): write a sentence about a restaurant from a list of its properties. The
 * whole set comes with this module: 42,061 pairs to train on, 4,672 (547 inputs) in dev and 4,693 (630 inputs) in test.
 */
public final class E2e {

    private static final String EMBEDDED = "e2e/e2e-dataset.zip";

    private E2e() {
    }

    /** The data set that comes with lora4j. */
    public static List<TextPair> embedded(Split split) {
        return DataSets.open("embedded " + EMBEDDED, Resources.asByteSource(Resources.getResource(E2e.class, EMBEDDED)), split);
    }
}
