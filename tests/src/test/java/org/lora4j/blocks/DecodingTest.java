package org.lora4j.blocks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.nn.Continuation;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.Past;
import org.lora4j.nn.Sight;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** The forward that trains is the one that decodes: a sequence a few positions at a time is the whole one. */
class DecodingTest {

    private final Backend backend = Backends.create("reference");

    static Stream<Form> causalForms() {
        return BlockGradientTest.forms().filter(form -> form.sight() == Sight.EARLIER);
    }

    @ParameterizedTest
    @MethodSource("causalForms")
    void aPromptAndThenOneAtATimeIsTheWholeSequence(Form form) {
        Blocks model = new Blocks(form, 2, backend);
        Workspace ws = Workspace.forInference(backend, Blocks.ROWS);
        ws.begin(Blocks.ROWS, 0);
        double[] whole = backend.readDoubles(model.forward(model.input.value(), model.sequences(), ws));

        KeyValuePool pool = new KeyValuePool(backend, 2, Blocks.LENGTH, form.heads().keyWidth());
        int prompt = 3;
        int[] rows = pool.take(prompt);
        requireRows(pass(model, 0, prompt, pool.prompts(new int[][] {rows}, prompt), ws), whole, 0);
        int[] trail = {rows[0], rows[1], rows[2], 3, 4};
        for (int t = prompt; t < Blocks.LENGTH; t++) {
            int[] taken = pool.take(1);
            assertThat(taken).containsExactly(trail[t]);
            IntTensor trails = ints(Arrays.copyOf(trail, t + 1));
            requireRows(pass(model, t, 1, pool.next(taken, trails.as(Shape.of(1, t + 1)), null), ws), whole, t);
        }
    }

    /** Rows of the first sequence, which has no padding. */
    private Tensor pass(Blocks model, int from, int count, Past past, Workspace ws) {
        Tensor x = backend.allocate(Shape.of(count, Form.WIDTH));
        backend.copy(model.input.value().rows(from, count), x.matrix());
        int[] positions = IntStream.range(from, from + count).toArray();
        ws.begin(count, 0);
        return model.forward(x, new Continuation(ints(positions), past), ws);
    }

    private void requireRows(Tensor y, double[] whole, int from) {
        double[] rows = backend.readDoubles(y);
        for (int i = 0; i < rows.length; i++) {
            assertThat(rows[i]).isCloseTo(whole[from * Form.WIDTH + i], within(1e-13));
        }
    }

    private IntTensor ints(int[] values) {
        IntTensor tensor = backend.allocateInts(Shape.of(values.length));
        backend.upload(values, 0, tensor, values.length);
        return tensor;
    }

    @Test
    void aModelThatSeesLaterPositionsHasNoPast() {
        Blocks bert = new Blocks(Form.BERT, 1, backend);
        KeyValuePool pool = new KeyValuePool(backend, 1, 5, Form.WIDTH);
        Past past = pool.prompts(new int[][] {pool.take(3)}, 3);
        assertThatThrownBy(() -> pass(bert, 0, 3, past, Workspace.forInference(backend, 3)))
                .hasMessageContainingAll("block 0", "later", "whole sequences");
        Past next = pool.next(new int[] {3}, ints(new int[] {0, 1}).as(Shape.of(1, 2)), null);
        assertThatThrownBy(() -> pass(bert, 2, 1, next, Workspace.forInference(backend, 3))).hasMessageContaining("later");
    }
}
