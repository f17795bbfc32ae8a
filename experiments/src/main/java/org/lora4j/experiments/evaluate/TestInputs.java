package org.lora4j.experiments.evaluate;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.data.TextPair;

/** The inputs of a test set, each once, with what people wrote for it. */
public final class TestInputs {

    private TestInputs() {
    }

    /**
     * The inputs of a test set, each once, with all that people wrote for it.
     *
     * @param limit only so many inputs, spread over the set; 0 for all
     * @return in the order in which the inputs first occur
     * @throws LoraException if the texts are missing, as in E2E's {@code testset.csv}
     */
    public static Map<String, List<String>> of(List<TextPair> pairs, int limit) {
        Map<String, List<String>> all = TextPair.completionsByContext(pairs);
        all.forEach((input, texts) -> {
            if (texts.stream().allMatch(String::isBlank)) {
                throw new LoraException("the input " + Names.quoted(input) + " has no text to compare with. Is this a file of inputs only?");
            }
        });
        if (limit == 0 || limit >= all.size()) {
            return all;
        }
        List<String> inputs = List.copyOf(all.keySet());
        Map<String, List<String>> some = new LinkedHashMap<>();
        for (int i = 0; i < limit; i++) {
            String input = inputs.get((int) ((long) i * inputs.size() / limit));
            some.put(input, all.get(input));
        }
        return some;
    }
}
