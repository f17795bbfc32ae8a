package org.lora4j.experiments.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;

/**
 * DART (Nan et al. 2021): write a text from triples of tables, WebNLG and E2E. Read from a folder with
 * {@code dart-v1.1.1-full-train.json} and the like for dev and test:
 *
 * <pre>
 *   [{"tripleset": [["Mars Hill College", "JOINED", "1973"]], "annotations": [{"text": "A school that joined in 1973."}]}]
 * </pre>
 *
 * becomes {@code Mars Hill College : joined : 1973}: as the paper's authors do it, relations in small letters, and a pair
 * for each text.
 */
public final class Dart {

    private static final String NAME = "DART";

    private Dart() {
    }

    /**
     * The pairs of one part, in the order of the file.
     *
     * @throws org.lora4j.LoraException if the file is not there or not as expected
     */
    public static List<TextPair> open(Path folder, Split split) {
        TripleFile file = TripleFile.find(NAME, folder, split, "dart-v1.1.1-full-" + split + ".json");
        List<TextPair> pairs = new ArrayList<>();
        int number = 0;
        for (JsonNode example : file.elements(file.read(), "its whole")) {
            number++;
            String where = "example " + number;
            List<String> triples = new ArrayList<>();
            for (JsonNode triple : file.elements(example.get("tripleset"), where + ", \"tripleset\"")) {
                List<JsonNode> parts = file.elements(triple, where + ", \"tripleset\"");
                if (parts.size() != 3) {
                    throw file.unexpected(where + ", \"tripleset\"", "subject, relation and object", triple);
                }
                triples.add(TripleFile.triple(file.text(parts.get(0), where), file.text(parts.get(1), where).toLowerCase(Locale.ROOT),
                        file.text(parts.get(2), where)));
            }
            for (JsonNode text : file.elements(example.get("annotations"), where + ", \"annotations\"")) {
                pairs.add(TextPair.stripped(TripleFile.context(triples),
                        file.text(text.get("text"), where + ", \"text\""), file.place("example", number)));
            }
        }
        if (pairs.isEmpty()) {
            throw file.unexpected("its whole", "texts", null);
        }
        return pairs;
    }
}
