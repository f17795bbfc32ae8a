package org.lora4j.data;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a model is given and what it shall write, to the last space: white space can be what matters, as in code. Formats
 * in which it belongs to the file and not to the texts drop it where they read ({@link #stripped}). Two pairs are equal if
 * their texts are, wherever they stand.
 *
 * @param completion blank where only inputs are known, as in E2E's {@code testset.csv}
 * @param place      where it was read, for messages; null if nowhere
 */
public record TextPair(String context, String completion, @Nullable Place place) implements Example {

    /** A pair from nowhere. */
    public TextPair(String context, String completion) {
        this(context, completion, null);
    }

    /** Without white space around the texts. */
    public static TextPair stripped(String context, String completion, @Nullable Place place) {
        return new TextPair(context.strip(), completion.strip(), place);
    }

    @Override
    public String beginning() {
        return context;
    }

    /** Whether somebody wrote what has to come out. */
    public boolean hasCompletion() {
        return !completion.isBlank();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TextPair pair && context.equals(pair.context) && completion.equals(pair.completion);
    }

    @Override
    public int hashCode() {
        return 31 * context.hashCode() + completion.hashCode();
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
