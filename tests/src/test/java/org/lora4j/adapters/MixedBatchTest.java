package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.fixture.ReferenceAndCpu;
import org.lora4j.fixture.SmallBatches.Side;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.lora.AdapterMix;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.LoraConfig;

/** A batch whose rows use different adapters, and none, gives each row what it gets alone. */
class MixedBatchTest extends ReferenceAndCpu {


    /** As wide as the kernels for few rows and for many want it, so that both take part. */
    private static final Gpt2Config WIDE = Gpt2Config.of(61, 40, 96, 2, 4, 200).withTieWordEmbeddings(false);

    private static List<String> shareable(AdapterSet set) {
        List<String> names = new ArrayList<>(set.names());
        names.removeIf(name -> !set.canShareBatch(name));
        names.add(AdapterSet.BASE);
        return names;
    }

    @ParameterizedTest
    @MethodSource("backends")
    void everyRowEqualsItsSequenceAlone(Backend backend) {
        AdapterSet set = SomeAdapters.setOfEveryKind(SmallGpt2.of(WIDE, backend));
        Gpt2 model = (Gpt2) set.model();
        List<String> names = shareable(set);
        assertThat(names).hasSize(11);
        for (int seed = 0; seed < 4; seed++) {
            List<String> rows = new ArrayList<>(names);
            rows.addAll(names.subList(0, 4));
            Collections.shuffle(rows, new Random(seed)); // neighbours with one adapter, and the same adapter apart
            int[] lengths = new Random(seed).ints(rows.size(), 1, 30).toArray();
            Batch batch = SmallBatches.of(lengths, seed % 2 == 0 ? Side.LEFT : Side.RIGHT, WIDE.vocabSize(), 1, seed);
            Workspace ws = Workspace.forInference(backend, batch.inputIds().length);
            set.mix(rows).applyTo(ws);
            double[] together = SomeAdapters.logits(model, batch, ws);
            for (int b = 0; b < rows.size(); b++) {
                set.switchTo(rows.get(b));
                double[] alone = SomeAdapters.logits(model, SmallBatches.row(batch, b));
                Bounds.assertClose(SomeAdapters.row(together, b, rows.size()), alone, backend);
                if (backend.unitRoundoff() == 0x1p-53) {
                    assertThat(SomeAdapters.row(together, b, rows.size())).as(rows.get(b)).isEqualTo(alone);
                }
            }
            set.switchTo(AdapterSet.BASE);
        }
    }

    /** On floats too, where the update's way down is at most 8 wide: its sums then run alike for any number of rows. */
    @ParameterizedTest
    @MethodSource("backends")
    void everyRowHasTheBitsOfTheSameBatchUnderItsAdapterAlone(Backend backend) {
        Gpt2 model = SmallGpt2.of(WIDE, backend);
        AdapterSet set = new AdapterSet(model);
        for (int i = 0; i < 5; i++) {
            String name = "a" + i;
            int rank = 1 + i % 4;
            LoraConfig config = i % 2 == 0 ? LoraConfig.of(rank, 5).withParts("q", "v")
                    : LoraConfig.of(2 * rank, 5).withTargets(SomeAdapters.names("c_attn", "c_proj", "c_fc", "wte", "lm_head"));
            set.load(name, base -> SomeAdapters.random(base, config, name));
        }
        List<String> rows = List.of("a0", "a1", "a1", "base", "a2", "a3", "a3", "a4", "a0", "base", "a1", "a2", "a2");
        for (int length : new int[] {1, 2, 7, 23}) {
            Batch batch = SmallBatches.of(Collections.nCopies(rows.size(), length).stream().mapToInt(n -> n).toArray(),
                    Side.RIGHT, WIDE.vocabSize(), 0, length);
            Workspace ws = Workspace.forInference(backend, batch.inputIds().length);
            set.mix(rows).applyTo(ws);
            double[] together = SomeAdapters.logits(model, batch, ws);
            for (int b = 0; b < rows.size(); b++) {
                set.switchTo(rows.get(b));
                double[] all = SomeAdapters.logits(model, batch);
                assertThat(SomeAdapters.row(together, b, rows.size())).as("row %d of %d tokens", b, length)
                        .isEqualTo(SomeAdapters.row(all, b, rows.size()));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void decodingMixedGivesEachRowWhatItGivesAlone(Backend backend) {
        AdapterSet set = SomeAdapters.setOfEveryKind(SmallGpt2.of(WIDE, backend));
        Gpt2 model = (Gpt2) set.model();
        List<String> rows = shareable(set);
        int prompt = 5;
        int[][] ids = new int[rows.size()][prompt + 6];
        Random random = new Random(3);
        for (int[] row : ids) {
            Arrays.setAll(row, i -> random.nextInt(WIDE.vocabSize()));
        }
        Workspace ws = Workspace.forInference(backend, (long) rows.size() * prompt);
        set.mix(rows).applyTo(ws);
        List<double[]> together = decode(model, ids, prompt, ws);
        for (int b = 0; b < rows.size(); b++) {
            set.switchTo(rows.get(b));
            List<double[]> alone = decode(model, new int[][] {ids[b]}, prompt, Workspace.forInference(backend, prompt));
            for (int step = 0; step < alone.size(); step++) {
                Bounds.assertClose(SomeAdapters.row(together.get(step), b, rows.size()), alone.get(step), backend);
            }
        }
    }

    /** The logits of reading the prompts and then one token after the other. */
    private static List<double[]> decode(Gpt2 model, int[][] ids, int prompt, Workspace ws) {
        Backend backend = model.backend();
        KeyValuePool pool = model.newPool(ids.length * ids[0].length);
        int[][] trails = new int[ids.length][];
        Arrays.setAll(trails, b -> pool.take(prompt));
        int[] next = new int[ids.length * prompt];
        int[] positions = new int[next.length];
        int[] last = new int[ids.length];
        Arrays.setAll(next, i -> ids[i / prompt][i % prompt]);
        Arrays.setAll(positions, i -> i % prompt);
        Arrays.setAll(last, b -> b * prompt + prompt - 1);
        List<double[]> logits = new ArrayList<>();
        ws.begin(next.length, 0);
        logits.add(backend.readDoubles(model.next(next, positions, pool.prompts(trails, prompt), last, ws)));
        for (int read = prompt; read < ids[0].length; read++) {
            int[] taken = pool.take(ids.length);
            int[] table = new int[ids.length * (read + 1)];
            for (int b = 0; b < ids.length; b++) {
                trails[b] = Arrays.copyOf(trails[b], read + 1);
                trails[b][read] = taken[b];
                System.arraycopy(trails[b], 0, table, b * (read + 1), read + 1);
            }
            IntTensor tableTensor = backend.allocateInts(Shape.of(ids.length, read + 1));
            backend.upload(table, 0, tableTensor, table.length);
            int at = read;
            int[] one = Arrays.stream(ids).mapToInt(row -> row[at]).toArray();
            int[] places = new int[ids.length];
            Arrays.fill(places, read);
            ws.begin(ids.length, read);
            logits.add(backend.readDoubles(model.next(one, places, pool.next(taken, tableTensor, null), null, ws)));
        }
        return logits;
    }

    @Test
    void twoWorkspacesUseTwoMixesOfOneModelInTurn() {
        Backend backend = backends().getFirst();
        AdapterSet set = SomeAdapters.setOfEveryKind(SomeAdapters.model(backend));
        Gpt2 model = (Gpt2) set.model();
        Batch batch = SmallBatches.of(new int[] {4, 6}, Side.RIGHT, 11, 1, 2);
        Workspace one = Workspace.forInference(backend, 12);
        Workspace two = Workspace.forInference(backend, 12);
        set.mix(List.of("parts", "fused")).applyTo(one);
        set.mix(List.of("fused", "base")).applyTo(two);
        double[] first = SomeAdapters.logits(model, batch, one);
        double[] second = SomeAdapters.logits(model, batch, two);
        assertThat(first).isNotEqualTo(second);
        assertThat(SomeAdapters.logits(model, batch, one)).isEqualTo(first);
        AdapterMix.clear(two);
        set.switchTo("head");
        assertThat(SomeAdapters.logits(model, batch, two)).isEqualTo(SomeAdapters.logits(model, batch));
        assertThat(SomeAdapters.logits(model, batch, one)).as("a switch does not reach a mix").isEqualTo(first);
    }

    @Test
    void whatCannotShareABatchIsRefused() {
        Backend backend = backends().getFirst();
        AdapterSet set = SomeAdapters.setOfEveryKind(SomeAdapters.model(backend));
        Gpt2 model = (Gpt2) set.model();
        assertThat(set.canShareBatch("everyBias")).isFalse();
        AdapterSetTest.refused(() -> set.mix(List.of("parts", "everyBias")), "'everyBias'", "transformer.h.0.ln_1.bias",
                "a batch of its own");
        AdapterSetTest.refused(() -> set.mix(List.of("whole")), "'whole'", "transformer.", "a batch of its own");
        AdapterSetTest.refused(() -> set.mix(List.of()), "no sequence");

        Batch two = SmallBatches.of(new int[] {4, 6}, Side.RIGHT, 11, 1, 2);
        Workspace ws = Workspace.forInference(backend, 12);
        set.mix(List.of("parts", "parts", "fused")).applyTo(ws);
        AdapterSetTest.refused(() -> model.logits(two, ws), "3 sequences", "the batch has 2");
        set.mix(List.of("parts", "fused")).applyTo(ws);
        AdapterSetTest.refused(() -> model.loss(two, 0, ws), "logits only");
        Workspace training = Workspace.forTraining(backend, 12, 1);
        set.mix(List.of("parts", "fused")).applyTo(training);
        AdapterSetTest.refused(() -> model.lossAndGradients(two, 1, 0, 0, training), "logits only");
        set.switchTo("biased");
        AdapterSetTest.refused(() -> model.logits(two, ws), "'biased'", "Switch to base first");
        set.switchTo(AdapterSet.BASE);
        set.remove("fused");
        AdapterSetTest.refused(() -> model.logits(two, ws), "'fused'", "was removed");
        AdapterSet other = new AdapterSet(SomeAdapters.model(backend));
        other.load("a", m -> SomeAdapters.random(m, LoraConfig.of(1, 1).withParts("q"), "a"));
        other.mix(List.of("a", "a")).applyTo(ws);
        assertThatThrownBy(() -> model.logits(two, ws)).isInstanceOf(LoraException.class).hasMessageContaining("another set");
    }
}
