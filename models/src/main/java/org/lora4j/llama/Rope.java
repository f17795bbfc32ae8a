package org.lora4j.llama;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.lora4j.nn.Rotary;

/**
 * Which frequencies rotary embeddings turn with. θ_i = base^(−2i/R) for i = 0 … R/2 − 1, and for contexts longer than the model
 * was pretrained with:
 *
 * <pre>
 *   default    θ_i
 *   linear     θ_i/factor
 *   dynamic    θ_i of a base that grows with the sequence: base·(factor·T/L − (factor − 1))^(R/(R − 2)) beyond L positions
 *   llama3     θ_i/factor for long waves, θ_i for short ones, and a mixture between
 *   yarn       a mixture of θ_i/factor and θ_i that goes by i; cosines and sines times {@link #multiplier}
 *   longrope   θ_i/short_i, or θ_i/long_i for sequences of more than L positions; times {@link #multiplier}
 * </pre>
 *
 * <p>Frequencies are rounded to floats where Transformers rounds them.
 *
 * @param kind      one of those
 * @param theta     the base
 * @param rotated   R, the columns of a head that turn
 * @param positions max_position_embeddings
 * @param numbers   the other parameters, by their names in {@code rope_parameters}
 * @param lists     short_factor and long_factor; else empty
 */
record Rope(String kind, double theta, int rotated, int positions, Map<String, Double> numbers, Map<String, List<Double>> lists) {

    static final List<String> KINDS = List.of("default", "linear", "dynamic", "llama3", "yarn", "longrope");

    private static final String FACTOR = "factor";
    private static final String ORIGINAL = "original_max_position_embeddings";

    Rope {
        numbers = Map.copyOf(numbers);
        lists = Map.copyOf(lists);
    }

    /** Without anything particular. */
    static Rope plain(double theta, int rotated, int positions) {
        return new Rope("default", theta, rotated, positions, Map.of(), Map.of());
    }

    /** As a layer. */
    Rotary rotary(int headSize) {
        return new Rotary(frequencies(), headSize, multiplier());
    }

    Rotary.Frequencies frequencies() {
        return switch (kind) {
            case "dynamic" -> {
                float[] usual = scaled(theta, 1);
                yield length -> length <= positions ? usual : scaled(grownBase(length), 1);
            }
            case "longrope" -> {
                float[] shortOnes = stretched("short_factor");
                float[] longOnes = stretched("long_factor");
                double original = original();
                yield length -> length > original ? longOnes : shortOnes;
            }
            default -> {
                float[] all = switch (kind) {
                    case "linear" -> scaled(theta, (float) number(FACTOR, 1));
                    case "llama3" -> llama3();
                    case "yarn" -> yarn();
                    default -> scaled(theta, 1);
                };
                yield length -> all;
            }
        };
    }

    private double number(String name, double otherwise) {
        return numbers.getOrDefault(name, otherwise);
    }

    private double original() {
        return number(ORIGINAL, positions);
    }

    /** base^(2i/R). */
    private float power(double base, int i) {
        return (float) Math.pow(base, (float) (2 * i) / rotated);
    }

    private int half() {
        return (rotated + 1) / 2;
    }

    private float[] scaled(double base, float factor) {
        float[] all = new float[half()];
        for (int i = 0; i < all.length; i++) {
            all[i] = 1 / power(base, i) / factor;
        }
        return all;
    }

    private double grownBase(int length) {
        float factor = (float) number(FACTOR, 1);
        float longer = factor * length / positions - (float) (number(FACTOR, 1) - 1);
        return (float) theta * (float) Math.pow(longer, rotated / (rotated - 2.0));
    }

    private float[] stretched(String list) {
        float[] all = new float[half()];
        for (int i = 0; i < all.length; i++) {
            all[i] = 1 / (lists.get(list).get(i).floatValue() * power(theta, i));
        }
        return all;
    }

    private float[] llama3() {
        float factor = (float) number(FACTOR, 1);
        float low = (float) number("low_freq_factor", 1);
        float high = (float) number("high_freq_factor", 4);
        float old = (float) original();
        float[] all = scaled(theta, 1);
        for (int i = 0; i < all.length; i++) {
            float wave = (float) (2 * Math.PI) / all[i];
            if (wave > old / low) {
                all[i] /= factor;
            } else if (wave >= old / high) {
                float smooth = (old / wave - low) / (high - low);
                all[i] = (1 - smooth) * all[i] / factor + smooth * all[i];
            }
        }
        return all;
    }

    private float[] yarn() {
        float factor = (float) stretch();
        double low = turning(orElse("beta_fast", 32));
        double high = turning(orElse("beta_slow", 1));
        if (number("truncate", 1) != 0) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, rotated - 1);
        if (low == high) {
            high += 0.001;
        }
        float[] all = new float[half()];
        for (int i = 0; i < all.length; i++) {
            float power = power(theta, i);
            float ramp = Math.clamp((i - (float) low) / (float) (high - low), 0f, 1f);
            float kept = 1 - ramp;
            all[i] = 1 / (factor * power) * (1 - kept) + 1 / power * kept;
        }
        return all;
    }

    /** Python's {@code get(name) or otherwise}. */
    private double orElse(String name, double otherwise) {
        double found = number(name, otherwise);
        return found == 0 ? otherwise : found;
    }

    /** The i whose wave turns so often within the original context. */
    private double turning(double rotations) {
        return rotated * Math.log(original() / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    /** By how much longer contexts are, where that is not said: positions over those of the pretraining. */
    private double stretch() {
        return number(FACTOR, positions / original());
    }

    /** What cosines and sines are multiplied with. */
    double multiplier() {
        if (numbers.containsKey("attention_factor")) {
            return number("attention_factor", 1);
        }
        double factor = stretch();
        if (kind.equals("longrope")) {
            return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original()));
        }
        if (!kind.equals("yarn")) {
            return 1;
        }
        double scale = number("mscale", 0);
        double all = number("mscale_all_dim", 0);
        return scale != 0 && all != 0 ? scaleOf(factor, scale) / scaleOf(factor, all) : scaleOf(factor, 1);
    }

    private static double scaleOf(double factor, double weight) {
        return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
    }

    /** As short as a checkpoint's fingerprint wants it, and with everything in it. */
    @Override
    public String toString() {
        return kind + " θ " + theta + " of " + rotated + (numbers.isEmpty() ? "" : " " + sorted(numbers))
                + (lists.isEmpty() ? "" : " " + sorted(lists));
    }

    private static String sorted(Map<String, ?> map) {
        return Arrays.toString(map.entrySet().stream().sorted(Map.Entry.comparingByKey()).toArray());
    }
}
