package org.lora4j.experiments.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.lora4j.LoraException;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.model.ModelNames;

/**
 * The truth of a {@link ComparedRun}, and how far from it a right float backend may be at each place. The run is
 * done exactly, then {@value #DRAWS} times with {@link RoundingNoise}; a bound is {@value #FACTOR} times the largest
 * relative error that these showed at the place. So it is made of the unit roundoff and the lengths of the sums, carried
 * through this model at these inputs by the model itself, and not by a worst case that no input attains.
 */
final class Bounds {

    /** How many runs with noise. */
    static final int DRAWS = 3;

    /** Rounding alone makes an error this many times as large as the noise's practically never. */
    static final double FACTOR = 8;

    private static final long SEED = 20210617;

    private final ModelNames names;
    private final List<Measured> truth;
    private final double[] relative;

    private Bounds(ModelNames names, List<Measured> truth, double[] relative) {
        this.names = names;
        this.truth = truth;
        this.relative = relative;
    }

    /**
     * @param model on {@code noise}
     * @param done  is told after each of the 1 + {@value #DRAWS} runs how many are done
     */
    static Bounds of(ComparedRun run, Model model, List<Parameter> trainable, RoundingNoise noise, IntConsumer done) {
        noise.stop();
        List<Measured> truth = run.on(model, trainable).measured();
        requireFinite(truth);
        double[] relative = new double[truth.size()];
        done.accept(1);
        for (int draw = 0; draw < DRAWS; draw++) {
            noise.start(SEED + draw);
            List<Measured> moved = run.on(model, trainable).measured();
            noise.stop();
            for (int i = 0; i < relative.length; i++) {
                Measured exact = truth.get(i);
                relative[i] = Math.max(relative[i],
                        Distance.of(exact.values(), moved.get(i).values(), exact.columns()).relative());
            }
            done.accept(2 + draw);
        }
        return new Bounds(model.names(), truth, Arrays.stream(relative).map(error -> FACTOR * error).toArray());
    }

    private static void requireFinite(List<Measured> truth) {
        for (Measured measured : truth) {
            for (double value : measured.values()) {
                if (!Double.isFinite(value)) {
                    throw new LoraException("reference itself has " + value + " at " + measured.place()
                            + ": nothing can be compared with that. Do the model's weights, or the adapter's, hold it?");
                }
            }
        }
    }

    /** Each place with its distance and bound. */
    List<JudgedPlace> judge(List<Measured> found, double unitRoundoff) {
        List<JudgedPlace> places = new ArrayList<>();
        for (int i = 0; i < relative.length; i++) {
            Measured exact = truth.get(i);
            Measured other = found.get(i);
            if (!exact.place().equals(other.place()) || exact.kind() != other.kind()) {
                throw new IllegalStateException(other.place() + " where " + exact.place() + " was expected");
            }
            places.add(new JudgedPlace(exact.kind(), exact.place(), names.blockOf(exact.place()), exact.step(),
                    Distance.of(exact.values(), other.values(), exact.columns()),
                    relative[i] * unitRoundoff / RoundingNoise.UNIT_ROUNDOFF));
        }
        return places;
    }
}
