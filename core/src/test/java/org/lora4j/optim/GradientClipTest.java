package org.lora4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.ByHand.REFERENCE;
import static org.lora4j.ByHand.row;
import static org.lora4j.ByHand.rows;
import static org.lora4j.ByHand.trained;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lora4j.ByHand;
import org.lora4j.nn.Parameter;

/** Two gradients, (3, 0) and (4), whose length together is √(9 + 16) = 5. */
class GradientClipTest {

    private final Parameter first = withGradient(3, 0);
    private final Parameter second = withGradient(4);
    private final List<Parameter> both = List.of(first, second);

    @Test
    void theNormIsThatOfAllGradientsTogether() {
        assertThat(GradientClip.norm(REFERENCE, both)).isEqualTo(5);
    }

    @Test
    void aLongerOneIsShortenedToTheLimitInItsDirection() {
        assertThat(GradientClip.clip(REFERENCE, both, 2)).as("the norm before").isEqualTo(5);
        double factor = 2 / (5 + 1e-6); // PyTorch's, a hair more than needed
        assertThat(rows(first.gradient())[0]).containsExactly(3 * factor, 0);
        assertThat(rows(second.gradient())[0]).containsExactly(4 * factor);
        assertThat(GradientClip.norm(REFERENCE, both)).isLessThanOrEqualTo(2).isGreaterThan(2 - 1e-6);
    }

    @Test
    void oneWithinTheLimitIsLeftAlone() {
        assertThat(GradientClip.clip(REFERENCE, both, 5)).isEqualTo(5);
        assertThat(rows(first.gradient())[0]).containsExactly(3, 0);
        assertThat(rows(second.gradient())[0]).containsExactly(4);
    }

    private static Parameter withGradient(double... gradient) {
        Parameter parameter = trained("p", new double[gradient.length]);
        ByHand.set(parameter.gradient(), row(gradient));
        return parameter;
    }
}
