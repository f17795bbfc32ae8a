package org.lora4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.StringLength;
import org.lora4j.tokenizer.pipeline.MergeTable;

class ByteLevelBpeProperties {

    /** For any string, half surrogate pairs included: those become U+FFFD, all else comes back. */
    @Property
    void decodingGivesTheTextBack(@ForAll @StringLength(max = 300) String text) {
        int[] characters = text.codePoints().map(c -> Character.getType(c) == Character.SURROGATE ? 0xFFFD : c).toArray();
        String expected = new String(characters, 0, characters.length);

        int[] ids = TestTokenizers.GPT2.encode(text);

        assertThat(TestTokenizers.GPT2.decode(ids)).isEqualTo(expected);
        assertThat(TestTokenizers.GPT2.decodeBytes(ids)).isEqualTo(expected.getBytes(StandardCharsets.UTF_8));
        assertThat(TestTokenizers.ROBERTA.decode(TestTokenizers.ROBERTA.encode(text))).isEqualTo(expected);
    }

    /** Few different letters, so that many pairs join; against the plain n² loop over all pairs. */
    @Property
    void mergingByQueueEqualsMergingByLookingAtAllPairsEachTime(@ForAll long seed) {
        Random random = new Random(seed);
        int letters = 3;
        int tokens = 60;
        MergeTable merges = new MergeTable(tokens);
        for (int rank = 0; rank < tokens; rank++) {
            // what is joined may be any earlier token, or none that a trained vocabulary would have
            merges.put(random.nextInt(letters + rank), random.nextInt(letters + rank), rank, letters + rank);
        }
        int[] word = random.ints(random.nextInt(80), 0, letters).toArray();

        assertThat(BpeMerger.merge(word.clone(), merges)).isEqualTo(mergePlainly(word, merges));
    }

    private static int[] mergePlainly(int[] word, MergeTable merges) {
        int[] ids = word;
        while (true) {
            int best = MergeTable.NONE;
            for (int i = 0; i + 1 < ids.length; i++) {
                best = Math.min(best, merges.rank(ids[i], ids[i + 1]));
            }
            if (best == MergeTable.NONE) {
                return ids;
            }
            int[] joined = new int[ids.length];
            int n = 0;
            for (int i = 0; i < ids.length; i++) {
                boolean join = i + 1 < ids.length && merges.rank(ids[i], ids[i + 1]) == best;
                joined[n++] = join ? merges.result(ids[i], ids[++i]) : ids[i];
            }
            ids = Arrays.copyOf(joined, n);
        }
    }
}
