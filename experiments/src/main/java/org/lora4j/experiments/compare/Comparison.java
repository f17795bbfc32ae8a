package org.lora4j.experiments.compare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.reference.ReferenceBackend;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.tuning.lora.LoraAdapter;

/**
 * One model on several backends, each beside {@code reference}:
 *
 * <pre>{@code
 * Comparison comparison = Comparison.with(run, backend -> new Subject(model, adapter), RunListener.NONE);
 * Verdict cpu = comparison.of(Backends.create("cpu"));
 * cpu.firstOverBound().ifPresent(place -> System.out.println(place.text()));
 * }</pre>
 *
 * <p>Making it does the run on {@code reference}, once exactly and some times with the roundings of floats, see
 * {@link RoundingNoise}. For a large model that takes minutes. Each backend then needs one run of its own.
 */
public final class Comparison {

    /**
     * A model on some backend, with something in it that trains.
     *
     * @param trainable what trains, of whatever method
     */
    public record Subject(Model model, List<Parameter> trainable) {

        /** A model whose adapter trains. */
        public Subject(Model model, LoraAdapter adapter) {
            this(model, adapter.trainable());
        }
    }

    /** Is told how far the work on {@code reference} is. */
    public interface RunListener {

        /** Hears nothing. */
        RunListener NONE = (done, of) -> { };

        /** Is told when a run on a backend is done. */
        void done(int runs, int of);
    }

    /**
     * What one backend did.
     *
     * @param backend           its name
     * @param description       what it ran on
     * @param unitRoundoff      u
     * @param places            every place, in the order in which it is computed
     * @param tapsChangeNothing see {@link ComparedRun.Result}
     */
    public record Verdict(
            String backend, String description, double unitRoundoff, List<JudgedPlace> places, boolean tapsChangeNothing) {

        /** The first place that is further from the reference than rounding explains: look there. */
        public Optional<JudgedPlace> firstOverBound() {
            return places.stream().filter(JudgedPlace::overBound).findFirst();
        }

        /** The place that is the nearest to its bound, or the furthest over it. */
        public JudgedPlace worst() {
            return places.stream().max(Comparator.comparingDouble(JudgedPlace::share)).orElseThrow();
        }

        /** What was measured of one kind, and in one block; −1 for outside all blocks. */
        public List<JudgedPlace> places(Kind kind, int layer) {
            return places.stream().filter(place -> place.kind() == kind && place.layer() == layer).toList();
        }
    }

    private final ComparedRun run;
    private final Function<Backend, Subject> subject;
    private final Bounds bounds;

    private Comparison(ComparedRun run, Function<Backend, Subject> subject, Bounds bounds) {
        this.run = run;
        this.subject = subject;
        this.bounds = bounds;
    }

    /**
     * Does the run on {@code reference}.
     *
     * @param subject makes the same model and the same adapter on the backend it is given
     * @throws LoraException if the model gives something that is not finite, to which nothing can be compared
     */
    public static Comparison with(ComparedRun run, Function<Backend, Subject> subject, RunListener listener) {
        try (ReferenceBackend reference = new ReferenceBackend()) {
            RoundingNoise noise = new RoundingNoise(reference);
            Subject made = subject.apply(noise);
            Bounds bounds = Bounds.of(run, made.model(), made.trainable(), noise,
                    runs -> listener.done(runs, 1 + Bounds.DRAWS));
            return new Comparison(run, subject, bounds);
        }
    }

    /** Does the run on a backend, which stays open. */
    public Verdict of(Backend backend) {
        Subject made = subject.apply(backend);
        ComparedRun.Result result = run.on(made.model(), made.trainable());
        return new Verdict(backend.name(), backend.describe(), backend.unitRoundoff(),
                new ArrayList<>(bounds.judge(result.measured(), backend.unitRoundoff())), result.tapsChangeNothing());
    }
}
