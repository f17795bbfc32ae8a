package org.lora4j.tokenizer.pipeline;

import java.util.List;

/** Rewrites a text before it is cut into words: lower case, accents, spaces. Safe for use by several threads. */
@FunctionalInterface
public interface Normalizer {

    /** Leaves every text as it is. */
    Normalizer NONE = text -> text;

    String normalize(String text);

    /**
     * Whether the text that comes out no longer begins where this one does, since its first character is taken away. A
     * {@link Metaspace} of scheme "first" wants to know.
     */
    default boolean dropsBeginning(String text) {
        return false;
    }

    /** One after the other. */
    static Normalizer sequence(List<Normalizer> parts) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        List<Normalizer> all = List.copyOf(parts);
        return new Normalizer() {
            @Override
            public String normalize(String text) {
                String result = text;
                for (Normalizer part : all) {
                    result = part.normalize(result);
                }
                return result;
            }

            @Override
            public boolean dropsBeginning(String text) {
                String result = text;
                for (Normalizer part : all) {
                    if (part.dropsBeginning(result)) {
                        return true;
                    }
                    result = part.normalize(result);
                }
                return false;
            }
        };
    }
}
