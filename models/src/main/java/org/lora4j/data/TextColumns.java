package org.lora4j.data;

import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * Which columns of a table hold the text, perhaps a second one, and the label. What is not named is found by the names that
 * people use; where a text is named and no second one, there is none.
 *
 * @param text   a column's name, or null to look for it
 * @param second a column's name, or null
 * @param label  a column's name, or null to look for it
 */
public record TextColumns(@Nullable String text, @Nullable String second, @Nullable String label) {

    /** To be found by the usual names. */
    public static final TextColumns USUAL = new TextColumns(null, null, null);

    /** Pairs before single texts, since half of a pair is an example that means something else. */
    private static final List<List<String>> USUAL_TEXTS = List.of(
            List.of("sentence1", "sentence2"), List.of("premise", "hypothesis"), List.of("question1", "question2"),
            List.of("text1", "text2"), List.of("text_a", "text_b"), List.of("text", "text_pair"), List.of("question", "sentence"),
            List.of("text"), List.of("sentence"), List.of("content"), List.of("review"), List.of("comment"), List.of("question"),
            List.of("sentence1"), List.of("premise"));

    private static final List<String> USUAL_LABELS =
            List.of("label", "labels", "score", "class", "category", "gold_label", "target", "label_text");

    /**
     * The columns of a file.
     *
     * @param label null where there is none: texts to be classified
     */
    record Chosen(String text, @Nullable String second, @Nullable String label) {
    }

    /**
     * Finds them.
     *
     * @param file    for error messages
     * @param present the columns that the file has
     * @throws LoraException if a column that is named is not there, or none has a usual name for a text
     */
    Chosen in(String file, Collection<String> present) {
        List<String> texts = text == null ? usualTexts(present) : List.of(required(file, "textColumn", text, present));
        if (texts.isEmpty()) {
            throw new LoraException(Names.oneLine(file + ": no column has a usual name for a text (text, sentence, sentence1 and "
                    + "sentence2, premise and hypothesis, …); there " + list(present) + ". Name the one you mean by `textColumn`"));
        }
        String other = second != null ? required(file, "secondColumn", second, present) : texts.size() > 1 ? texts.get(1) : null;
        String named = label != null ? required(file, "labelColumn", label, present)
                : USUAL_LABELS.stream().filter(present::contains).filter(usual -> !texts.contains(usual)).findFirst().orElse(null);
        return new Chosen(texts.getFirst(), other, named);
    }

    /** The same where an example without a label is of no use. */
    Chosen withLabelIn(String file, Collection<String> present) {
        Chosen chosen = in(file, present);
        if (chosen.label() == null) {
            throw new LoraException(Names.oneLine(file + ": no column has a usual name for a label (label, score, class, category, …); "
                    + "there " + list(present) + ". Name the one you mean by `labelColumn`"));
        }
        return chosen;
    }

    private static List<String> usualTexts(Collection<String> present) {
        return USUAL_TEXTS.stream().filter(present::containsAll).findFirst().orElse(List.of());
    }

    private static String required(String file, String setting, String name, Collection<String> present) {
        if (!present.contains(name)) {
            List<String> nearest = Names.nearest(name, present, 3);
            throw new LoraException(Names.oneLine(file + ": `" + setting + "` " + Names.quoted(name) + ": there is no such column"
                    + (nearest.isEmpty() ? "; there " + list(present) : " (nearest: " + Names.some(nearest, 3) + ")")));
        }
        return name;
    }

    private static String list(Collection<String> present) {
        return present.isEmpty() ? "are none" : (present.size() == 1 ? "is " : "are ") + Names.some(present, 12);
    }
}
