package org.lora4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ClusterModelTest {

    private static final ClusterModel.Shape GPT3 = ClusterModel.Shape.KNOWN.getLast();

    @Test
    void loraOnGpt3HasThePapersNumberOfParameters() {
        // table 15: r = 1 on q and v, 4.7 million, 0.003 % of the model
        assertThat(GPT3.adapted(1)).isEqualTo(4_718_592);
        assertThat(GPT3.adapted(4)).isEqualTo(18_874_368);
    }

    @Test
    void aStepOfTwoIsWorkedByHand() {
        ClusterModel model = new ClusterModel(1e12, 1e9, 1e-4, 1e-5, 0);
        ClusterModel.Shape shape = new ClusterModel.Shape("by hand", 1_000_000, 2, 100); // A and B: 2·2·3·200 = 2,400 numbers
        // 4·10⁶·1000/10¹² = 4 ms; 2·½·2400·4 = 9,600 bytes at 10⁹ a second; 2·(10⁻⁴ + 10⁻⁵)
        assertThat(model.step(shape, 1000, 3, 2, false)).isCloseTo(4e-3 + 9.6e-6 + 2.2e-4, within(1e-12));
        assertThat(model.step(shape, 1000, 3, 1, false)).isCloseTo(4e-3, within(1e-12));
    }

    @Test
    void fullFineTuningSendsAllOfTheModel() {
        double ratio = ClusterModel.bytes(GPT3.parameters(), 64) / ClusterModel.bytes(GPT3.adapted(4), 64);
        assertThat(ratio).isCloseTo(9250, within(1.0));
    }

    @Test
    void moreWorkersWaitLongerForTheSlowest() {
        ClusterModel model = new ClusterModel(1e12, 1e9, 0, 0, 0.05);
        assertThat(model.slowest(1)).isEqualTo(1);
        assertThat(model.slowest(4)).isBetween(1.03, 1.08);
        assertThat(model.slowest(1024)).isBetween(1.15, 1.20); // E max of 1,024 normals: 3.2 σ
    }
}
