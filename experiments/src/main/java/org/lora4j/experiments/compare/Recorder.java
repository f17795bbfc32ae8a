package org.lora4j.experiments.compare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Tap;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Keeps everything that one pass shows. It copies on the backend while the pass goes on, and reads only after it: on a
 * backend that records operations the pass stays one recording, not a graph for each place.
 */
final class Recorder implements Tap {

    private record Key(Kind kind, String place) {
    }

    private final Backend backend;
    private final Map<Key, List<Tensor>> pieces = new LinkedHashMap<>();

    Recorder(Backend backend) {
        this.backend = backend;
    }

    @Override
    public void value(String place, Tensor value) {
        keep(Kind.VALUE, place, value);
    }

    @Override
    public void gradient(String place, Tensor gradient) {
        keep(Kind.FLOW, place, gradient);
    }

    private void keep(Kind kind, String place, Tensor shown) {
        Tensor copy = backend.allocate(Shape.of(shown.rows(), shown.columns()));
        backend.copy(shown.matrix(), copy.matrix());
        pieces.computeIfAbsent(new Key(kind, place), key -> new ArrayList<>()).add(copy);
    }

    /** What was shown, forward before backward, in the order of the work; pieces of one place together. */
    List<Measured> read() {
        List<Measured> all = new ArrayList<>();
        pieces.forEach((key, tensors) -> {
            int size = tensors.stream().mapToInt(tensor -> Math.toIntExact(tensor.size())).sum();
            double[] values = new double[size];
            int at = 0;
            for (Tensor tensor : tensors) {
                int count = (int) tensor.size();
                backend.read(tensor, 0, values, at, count);
                at += count;
            }
            all.add(new Measured(key.kind, key.place, 0, tensors.getFirst().columns(), values));
        });
        all.sort(Comparator.comparing(Measured::kind)); // the head's backward begins before the last loss is summed
        return all;
    }
}
