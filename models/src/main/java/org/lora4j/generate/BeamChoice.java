package org.lora4j.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Generator.BeamListener;
import org.lora4j.tensor.Tensor;

/** Beam search for several inputs at once: the rows of an input stand side by side, and go when it is finished. */
final class BeamChoice implements Decoding.Choice {

    private final TopTokens top;
    private final BeamListener listener;
    private List<Input> inputs = new ArrayList<>();

    private record Input(int number, BeamSearch search) {
    }

    /** @param numbers by what the listener knows the inputs */
    BeamChoice(
            LanguageModel model, List<Integer> numbers, Beam beam, Set<Integer> stopIds, int maxNewTokens, BeamListener listener) {
        this.top = new TopTokens(model.backend(), model.sizes().vocabulary(), beam.width());
        this.listener = listener;
        for (int number : numbers) {
            inputs.add(new Input(number, new BeamSearch(beam, stopIds, maxNewTokens)));
        }
    }

    @Override
    public void choose(Tensor logits, Decoding.Next next) {
        int rows = 0;
        for (Input input : inputs) {
            for (int row = 0; row < input.search.rows(); row++) {
                int at = rows++;
                input.search.banned(row, token -> top.ban(logits, at, token));
            }
        }
        top.read(logits, rows);
        List<Input> left = new ArrayList<>();
        int first = 0;
        for (Input input : inputs) {
            BeamSearch search = input.search;
            int before = search.rows();
            search.advance(new RowsFrom(first));
            for (int row = 0; row < search.rows(); row++) {
                next.add(first + search.parent(row), search.token(row));
            }
            if (search.rows() == 0) {
                listener.found(input.number, search.best());
            } else {
                left.add(input);
            }
            first += before;
        }
        inputs = left;
    }

    /** One input's part of the rows. */
    private final class RowsFrom implements BeamSearch.Continuations {

        private final int first;

        RowsFrom(int first) {
            this.first = first;
        }

        @Override
        public int count(int row) {
            return top.count(first + row);
        }

        @Override
        public int id(int row, int i) {
            return top.id(first + row, i);
        }

        @Override
        public double logProbability(int row, int i) {
            return top.logProbability(first + row, i);
        }
    }
}
