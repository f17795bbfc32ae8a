package org.lora4j.cli;

import org.lora4j.data.TextColumns;
import picocli.CommandLine.Option;

/** Which columns of a file hold the texts and the label. */
final class ColumnChoice {

    @Option(names = "--text-column", paramLabel = "NAME",
            description = "The column, or key, of the text (default: found by the usual names, such as text, sentence, sentence1 and "
                    + "sentence2, premise and hypothesis).")
    private String text;

    @Option(names = "--second-column", paramLabel = "NAME", description = "That of a second text, where texts are pairs.")
    private String second;

    @Option(names = "--label-column", paramLabel = "NAME",
            description = "That of the label (default: found by the usual names, such as label, score, class, category).")
    private String label;

    TextColumns columns() {
        return new TextColumns(text, second, label);
    }
}
