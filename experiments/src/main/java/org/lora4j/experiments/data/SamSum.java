package org.lora4j.experiments.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;

/**
 * SAMSum (Gliwa et al. 2019): write what happens in a chat between friends. Read from a folder with {@code train.json},
 * {@code val.json} and {@code test.json} as its authors release them:
 *
 * <pre>
 *   [{"id": "1", "dialogue": "Amanda: I baked cookies.\r\nJerry: Sure!", "summary": "Amanda baked cookies."}]
 * </pre>
 *
 * Lines of a dialogue end as {@code \n} here, and blank ones are left out: a blank line ends what a model writes.
 */
public final class SamSum {

    private static final String NAME = "SAMSum";

    private SamSum() {
    }

    /** Whether the folder has such a part. */
    public static boolean has(Path folder, Split split) {
        return TripleFile.has(folder, split);
    }

    /**
     * The pairs of one part, in the order of the file.
     *
     * @throws LoraException if the file is not there or not as expected, or has no dialogue
     */
    public static List<TextPair> open(Path folder, Split split) {
        TripleFile file = TripleFile.find(NAME, folder, split, split == Split.DEV ? "val.json" : split + ".json");
        List<TextPair> pairs = new ArrayList<>();
        int number = 0;
        for (JsonNode entry : file.elements(file.read(), "the file")) {
            number++;
            String where = "entry " + number;
            pairs.add(TextPair.stripped(lines(file.text(entry.get("dialogue"), where + ", \"dialogue\"")),
                    lines(file.text(entry.get("summary"), where + ", \"summary\"")), file.place("entry", number)));
        }
        if (pairs.isEmpty()) {
            throw new LoraException(folder + ": no dialogue in the " + split + " part");
        }
        return pairs;
    }

    private static String lines(String text) {
        return String.join("\n", text.lines().filter(line -> !line.isBlank()).toList());
    }
}
