package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FrozenPanelsTest {

    /** More than a small model has, so that panels for many rows are no longer kept. */
    private static final int MORE_THAN_SMALL = (32 << 20) + 1;

    private final FrozenPanels panels = new FrozenPanels();

    private static Product product(float[] weight, int rows) {
        Product product = new Product();
        product.b = weight;
        product.m = rows;
        product.n = 4;
        product.k = 4;
        product.bStride = 4;
        product.bTransposed = true;
        return product;
    }

    @Test
    void panelsAreKeptForWeightsThatAreFrozenAndForNoOthers() {
        float[] weight = new float[16];
        assertThat(panels.entry(product(weight, 512), 64)).isNull();
        panels.freeze(weight);
        assertThat(panels.entry(product(weight, 512), 64).filled()).isFalse();
        assertThat(panels.entry(product(weight, 512), 64).filled()).isTrue();
    }

    @Test
    void freezingTwiceCountsOnce() {
        float[] weight = new float[16];
        panels.freeze(weight);
        panels.freeze(weight);
        assertThat(panels.frozen()).isEqualTo(16);
    }

    @Test
    void aModelThatHasGoneDoesNotCountAgainstTheNext() throws InterruptedException {
        float[] weight = new float[16];
        panels.freeze(weight);
        freezeALargeModel();
        for (int i = 0; i < 50 && panels.frozen() > 16; i++) {
            System.gc();
            Thread.sleep(20);
        }
        assertThat(panels.frozen()).isEqualTo(16);
        assertThat(panels.entry(product(weight, 512), 64)).isNotNull();
    }

    private void freezeALargeModel() {
        float[] large = new float[MORE_THAN_SMALL];
        panels.freeze(large);
        assertThat(panels.entry(product(large, 512), 64)).as("of a large model, for many rows").isNull();
        assertThat(panels.entry(product(large, 16), 64)).as("for few rows").isNotNull();
    }
}
