package org.lora4j.data;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a model is given and what it shall write. White space around either is dropped: it belongs to the file, and the
 * space between the two is {@link ExampleEncoder}'s.
 *
 * @param completion empty where only inputs are known, as in E2E's {@code testset.csv}
 */
public record TextPair(String context, String completion) {

    public TextPair {
        context = context.strip();
        completion = completion.strip();
    }

    public boolean hasCompletion() {
        return !completion.isEmpty();
    }

    /** Each context once, in the order of the pairs, with all its completions: what generated text is compared with. */
    public static Map<String, List<String>> completionsByContext(List<TextPair> pairs) {
        Map<String, List<String>> byContext = new LinkedHashMap<>();
        for (TextPair pair : pairs) {
            byContext.computeIfAbsent(pair.context, context -> new ArrayList<>()).add(pair.completion);
        }
        return byContext;
    }
}
