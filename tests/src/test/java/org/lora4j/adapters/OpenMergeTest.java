package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.reference.ReferenceBackend;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.MergedWeights;

/** Whose weights a model has while merged weights are open, and after. */
class OpenMergeTest {

    private static final Batch BATCH = SmallBatches.of(new int[] {6, 4}, SmallBatches.Side.RIGHT, 11, 2, 3);
    private static final LoraConfig WITH_EMBEDDING = LoraConfig.of(2, 2).withTargets(SomeAdapters.names("wte", "c_attn"));
    private static final LoraConfig ON_QUERIES = LoraConfig.of(1, 2).withParts("q");

    private Gpt2 model;
    private double[] base;

    @BeforeEach
    void aModel() {
        Backend backend = new ReferenceBackend();
        model = SomeAdapters.model(backend);
        base = logits();
    }

    @Test
    void aDetachedAdapterStaysOutWhenItsMergedWeightsAreClosed() {
        LoraAdapter adapter = SomeAdapters.random(model, WITH_EMBEDDING, "a");
        try (MergedWeights merged = MergedWeights.of(adapter)) {
            adapter.detach();
            assertThat(logits()).as("detached while merged").isEqualTo(base);
        }
        assertThat(logits()).as("closed after detaching").isEqualTo(base);
        LoraAdapter next = LoraAdapter.attach(model, ON_QUERIES, 1); // refused where an adapter is left over
        next.detach();
    }

    @Test
    void closingTwiceIsClosingOnce() {
        LoraAdapter adapter = SomeAdapters.random(model, WITH_EMBEDDING, "a");
        MergedWeights merged = MergedWeights.of(adapter);
        merged.close();
        adapter.detach();
        merged.close();
        assertThat(logits()).isEqualTo(base);
    }

    @Test
    void anAdapterRemovedFromItsSetStaysOut() {
        AdapterSet set = setOfTwo();
        set.switchTo("a");
        try (MergedWeights merged = MergedWeights.of(set.get("a"))) {
            set.remove("a");
            assertThat(logits()).isEqualTo(base);
        }
        assertThat(logits()).isEqualTo(base);
    }

    @Test
    void aClosedSetStaysOut() {
        AdapterSet set = setOfTwo();
        try (MergedWeights merged = MergedWeights.of(set.get("a"))) {
            set.close();
            assertThat(logits()).isEqualTo(base);
        }
        assertThat(logits()).isEqualTo(base);
        LoraAdapter.attach(model, WITH_EMBEDDING, 1).detach();
    }

    @Test
    void switchingASetEndsTheMerge() {
        AdapterSet set = setOfTwo();
        set.switchTo("b");
        double[] second = logits();
        set.switchTo("a");
        try (MergedWeights merged = MergedWeights.of(set.get("a"))) {
            set.switchTo("b");
            assertThat(logits()).isEqualTo(second);
        }
        assertThat(logits()).isEqualTo(second);
    }

    @Test
    void loadingAndAddingToASetEndsTheMerge() {
        AdapterSet set = setOfTwo();
        set.switchTo("b");
        double[] second = logits();
        try (MergedWeights merged = MergedWeights.of(set.get("a"))) {
            set.combine("both", Map.of("a", 1.0, "b", 1.0));
            assertThat(logits()).isEqualTo(second);
        }
        assertThat(logits()).isEqualTo(second);
    }

    @Test
    void aMergedAdapterCanBeAddedToASet() {
        LoraAdapter adapter = SomeAdapters.random(model, WITH_EMBEDDING, "a");
        double[] adapted = logits();
        AdapterSet set = new AdapterSet(model);
        try (MergedWeights merged = MergedWeights.of(adapter)) {
            set.add("a", adapter);
            assertThat(logits()).isEqualTo(base);
        }
        set.switchTo("a");
        assertThat(logits()).isEqualTo(adapted);
    }

    @Test
    void whatIsNotInTheModelOrIsMergedAlreadyIsNotMerged() {
        LoraAdapter detached = LoraAdapter.attach(model, ON_QUERIES, 1);
        detached.detach();
        refused(detached, "not in its model");

        LoraAdapter adapter = LoraAdapter.attach(model, ON_QUERIES, 1);
        MergedWeights merged = MergedWeights.of(adapter);
        refused(adapter, "merged already");
        merged.close();
        adapter.detach();

        AdapterSet set = setOfTwo();
        LoraAdapter removed = set.get("a");
        MergedWeights open = MergedWeights.of(removed);
        refused(set.get("b"), "another of its set, is merged already");
        open.close();
        set.remove("a");
        refused(removed, "not in its model");
        MergedWeights.of(set.get("b")).close();
    }

    private AdapterSet setOfTwo() {
        AdapterSet set = new AdapterSet(model);
        set.load("a", m -> SomeAdapters.random(m, WITH_EMBEDDING, "a"));
        set.load("b", m -> SomeAdapters.random(m, ON_QUERIES, "b"));
        return set;
    }

    private double[] logits() {
        return SomeAdapters.logits(model, BATCH);
    }

    private static void refused(LoraAdapter adapter, String... words) {
        assertThatThrownBy(() -> MergedWeights.of(adapter)).isInstanceOf(LoraException.class).hasMessageContainingAll(words);
    }
}
