package org.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.lora4j.LoraException;
import org.lora4j.data.LengthGroupedBatches.Cursor;

class LengthGroupedBatchesTest {

    /** Example i begins with token i, so that it can be found again in a batch. */
    private static List<EncodedExample> examples(int n) {
        Random random = new Random(n);
        return IntStream.range(0, n).mapToObj(i -> {
            int[] tokens = new int[2 + random.nextInt(60)];
            Arrays.fill(tokens, 1);
            tokens[0] = i;
            return new EncodedExample(tokens, 1 + random.nextInt(tokens.length));
        }).toList();
    }

    private static List<Batch> epoch(LengthGroupedBatches<EncodedExample> batches, int epoch) {
        List<Batch> all = new ArrayList<>();
        for (Cursor at = new Cursor(epoch, 0); at.epoch() == epoch; at = batches.after(at)) {
            all.add(Batch.of(batches.at(at)));
        }
        return all;
    }

    private static int[] firstTokens(List<Batch> batches) {
        return batches.stream()
                .flatMapToInt(batch -> IntStream.range(0, batch.size()).map(b -> batch.inputIds()[b * batch.length()]))
                .toArray();
    }

    @Property(tries = 200)
    void anEpochHoldsEveryExampleOnce(@ForAll @IntRange(min = 1, max = 500) int n, @ForAll @IntRange(min = 1, max = 20) int size,
            @ForAll long seed, @ForAll @IntRange(max = 1000) int epoch) {
        LengthGroupedBatches<EncodedExample> batches = LengthGroupedBatches.of(examples(n), size, seed);
        List<Batch> all = epoch(batches, epoch);

        assertThat(Arrays.stream(firstTokens(all)).sorted()).containsExactlyElementsOf(IntStream.range(0, n).boxed().toList());
        assertThat(all).hasSize(batches.batchesPerEpoch());
        assertThat(all.stream().filter(batch -> batch.size() < size)).hasSize(n % size == 0 ? 0 : 1);
        assertThat(all).allMatch(batch -> batch.length() <= batches.maxLength());
    }

    @Test
    void theOrderDependsOnSeedAndEpochAndNothingElse() {
        LengthGroupedBatches<EncodedExample> batches = LengthGroupedBatches.of(examples(300), 4, 1);
        int[] second = firstTokens(epoch(batches, 2));

        assertThat(firstTokens(epoch(batches, 3))).isNotEqualTo(second);
        assertThat(firstTokens(epoch(LengthGroupedBatches.of(examples(300), 4, 2), 2))).isNotEqualTo(second);
        assertThat(firstTokens(epoch(batches, 2))).isEqualTo(second);
    }

    @Test
    void trainingGoesOnFromACursorAsIfItHadNeverStopped() {
        LengthGroupedBatches<EncodedExample> batches = LengthGroupedBatches.of(examples(30), 4, 1);
        Cursor saved = Cursor.START;
        for (int step = 0; step < 11; step++) { // into the second epoch of eight batches
            saved = batches.after(saved);
        }
        assertThat(saved).isEqualTo(new Cursor(1, 3));

        LengthGroupedBatches<EncodedExample> resumed = LengthGroupedBatches.of(examples(30), 4, 1);
        assertThat(Batch.of(resumed.at(saved)).inputIds()).isEqualTo(Batch.of(batches.at(saved)).inputIds());
    }

    /** 4,000 examples of 2 to 61 tokens, shuffled blindly in eights, are padded by some 43 % on average. */
    @Test
    void littleIsPadded() {
        LengthGroupedBatches<EncodedExample> batches = LengthGroupedBatches.of(examples(4000), 8, 1);
        long cells = 0;
        long tokens = 0;
        for (Batch batch : epoch(batches, 0)) {
            cells += batch.inputIds().length;
            tokens += batch.tokens();
        }
        assertThat((double) (cells - tokens) / cells).isLessThan(0.05);
    }

    @Test
    void lengthsAreMixedOverTheEpoch() {
        List<Batch> all = epoch(LengthGroupedBatches.of(examples(4000), 8, 1), 0);
        double firstHalf = all.subList(0, 250).stream().mapToInt(Batch::length).average().orElseThrow();
        double secondHalf = all.subList(250, 500).stream().mapToInt(Batch::length).average().orElseThrow();
        // lengths spread over 2 to 61, standard deviation 17; the difference of two means over 250: 17·√(2/250) = 1.5
        assertThat(Math.abs(firstHalf - secondHalf)).isLessThan(6);
    }

    @Test
    void aCursorOfOtherDataIsAnError() {
        LengthGroupedBatches<EncodedExample> batches = LengthGroupedBatches.of(examples(30), 4, 1);
        assertThatThrownBy(() -> batches.at(new Cursor(0, 8))).isInstanceOf(LoraException.class)
                .hasMessage("batch 8 of epoch 0: these 30 examples make 8 batches. Was the run begun with other data or another batch size?");
        assertThatThrownBy(() -> LengthGroupedBatches.of(List.of(), 4, 1)).hasMessageContaining("from 0 examples");
    }

    @Test
    void aBatchIsPaddedAtTheRightAndCountsItsTargets() {
        Batch batch = Batch.of(List.of(new EncodedExample(new int[] {7, 8, 9}, 2), new EncodedExample(new int[] {5, 6, 7, 8, 9}, 1)));
        int no = Batch.IGNORED;
        assertThat(batch.inputIds()).containsExactly(7, 8, 9, 0, 0, 5, 6, 7, 8, 9);
        assertThat(batch.attentionMask()).containsExactly(1, 1, 1, 0, 0, 1, 1, 1, 1, 1);
        assertThat(batch.labels()).containsExactly(no, no, 9, no, no, no, 6, 7, 8, 9);
        assertThat(batch.targets()).isEqualTo(5);
        assertThat(batch.tokens()).isEqualTo(8);
    }

    @Test
    void aBatchOfOneLengthHasNoMask() {
        Batch batch = Batch.of(List.of(new EncodedExample(new int[] {7, 8}, 1), new EncodedExample(new int[] {5, 6}, 1)));
        assertThat(batch.attentionMask()).isNull();
        assertThat(batch.tokens()).isEqualTo(4);
    }

    @Test
    void aLabelAtTheFirstPositionCountsNotAsATarget() {
        assertThat(new Batch(1, 3, new int[] {1, 2, 3}, null, new int[] {1, 2, 3}).targets()).isEqualTo(2);
        assertThatThrownBy(() -> new Batch(2, 3, new int[5], null, null)).hasMessage("a batch of 2 × 3 with 5 input ids");
    }

    @Test
    void evaluationBatchesAreSortedByLengthAndHoldAll() {
        List<Batch> batches = Batch.byLength(examples(30), 4);
        assertThat(batches).hasSize(8).isSortedAccordingTo((a, b) -> a.length() - b.length());
        assertThat(batches.stream().mapToInt(Batch::targets).sum())
                .isEqualTo(examples(30).stream().mapToInt(EncodedExample::targets).sum());
    }
}
