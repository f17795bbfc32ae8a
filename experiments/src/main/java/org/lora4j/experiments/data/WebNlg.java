package org.lora4j.experiments.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.lora4j.LoraException;
import org.lora4j.data.Place;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;

/**
 * WebNLG 2017 (Gardent et al.): write a text from up to seven triples of DBpedia. Read from a folder with
 * {@code train.json}, {@code dev.json} and {@code test.json} as the paper's authors have them:
 *
 * <pre>
 *   {"entries": [{"1": {"category": "Airport",
 *                       "modifiedtripleset": [{"subject": "Aarhus", "property": "leaderName", "object": "Jacob_Bundsgaard"}],
 *                       "lexicalisations": [{"comment": "good", "lex": "The leader of Aarhus is Jacob Bundsgaard."}]}}]}
 * </pre>
 *
 * becomes {@code Aarhus : leaderName : Jacob_Bundsgaard}, with every text whose comment is {@code good}. Ten categories come
 * in training; those of the test set that do not are called unseen, and scored apart.
 */
public final class WebNlg {

    private static final Set<String> SEEN = Set.of("Airport", "Astronaut", "Building", "City", "ComicsCharacter", "Food",
            "Monument", "SportsTeam", "University", "WrittenWork");
    private static final String NAME = "WebNLG";

    /** Which entries. */
    public enum Categories {
        /** Every category. */
        ALL,
        /** The ten that the training part has too. */
        SEEN,
        /** Those of the test part alone. */
        UNSEEN;

        private boolean have(String category) {
            return this == ALL || WebNlg.SEEN.contains(category) == (this == SEEN);
        }
    }

    private WebNlg() {
    }

    /**
     * The pairs of one part, a pair for each text, in the order of the file.
     *
     * @throws org.lora4j.LoraException if the file is not there or not as expected, or has no such entry
     */
    public static List<TextPair> open(Path folder, Split split, Categories categories) {
        TripleFile file = TripleFile.find(NAME, folder, split, split + ".json");
        List<TextPair> pairs = new ArrayList<>();
        JsonNode entries = file.read().get("entries");
        int number = 0;
        for (JsonNode numbered : file.elements(entries, "\"entries\"")) {
            number++;
            String where = "entry " + number;
            if (numbered.size() != 1) {
                throw file.unexpected(where, "one entry with its number", numbered);
            }
            JsonNode entry = numbered.elements().next();
            if (categories.have(file.text(entry.get("category"), where + ", \"category\""))) {
                read(file, entry, file.place("entry", number), pairs);
            }
        }
        if (pairs.isEmpty()) {
            throw new LoraException(folder + ": no texts of " + categories.name().toLowerCase(Locale.ROOT) + " categories in the "
                    + split + " part" + (categories == Categories.UNSEEN ? ". WebNLG has them in its test part alone" : ""));
        }
        return pairs;
    }

    private static void read(TripleFile file, JsonNode entry, Place place, List<TextPair> pairs) {
        String where = place.unit() + " " + place.number();
        List<String> triples = new ArrayList<>();
        for (JsonNode triple : file.elements(entry.get("modifiedtripleset"), where + ", \"modifiedtripleset\"")) {
            triples.add(TripleFile.triple(file.text(triple.get("subject"), where + ", \"subject\""),
                    file.text(triple.get("property"), where + ", \"property\""),
                    file.text(triple.get("object"), where + ", \"object\"")));
        }
        for (JsonNode text : file.elements(entry.get("lexicalisations"), where + ", \"lexicalisations\"")) {
            if (file.text(text.get("comment"), where + ", \"comment\"").equals("good")) {
                pairs.add(TextPair.stripped(
                        TripleFile.context(triples), file.text(text.get("lex"), where + ", \"lex\""), place));
            }
        }
    }
}
