package org.lora4j.train;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Predicate;
import org.lora4j.data.EncodedExample;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.Parameter;

/** Sixteen hex digits by which a run knows again what it ran on: another model, or other data, has others. */
public final class Fingerprint {

    private static final int NUMBERS = 256;

    private Fingerprint() {
    }

    /** Of some numbers of every tensor, those of an adapter among them. */
    public static String of(LanguageModel model) {
        return of(model, parameter -> true);
    }

    /** Of some numbers of every frozen tensor. */
    static String ofFrozen(LanguageModel model) {
        return of(model, parameter -> !parameter.isTrainable());
    }

    private static String of(LanguageModel model, Predicate<Parameter> counts) {
        Hasher hasher = Hashing.sha256().newHasher();
        for (Parameter parameter : model.parameters()) {
            if (counts.test(parameter)) {
                float[] first = new float[(int) Math.min(NUMBERS, parameter.size())];
                model.backend().read(parameter.value(), 0, first, 0, first.length);
                for (float value : first) {
                    hasher.putFloat(value);
                }
            }
        }
        return text(hasher);
    }

    /** Of examples: a change, however small, is other data. */
    static String of(List<EncodedExample> examples) {
        Hasher hasher = Hashing.sha256().newHasher();
        for (EncodedExample example : examples) {
            hasher.putInt(example.completionStart());
            for (int token : example.tokens()) {
                hasher.putInt(token);
            }
            hasher.putString(";", StandardCharsets.US_ASCII);
        }
        return text(hasher);
    }

    /** Of lines of text. */
    public static String ofLines(List<String> lines) {
        Hasher hasher = Hashing.sha256().newHasher();
        lines.forEach(line -> hasher.putString(line + "\n", StandardCharsets.UTF_8));
        return text(hasher);
    }

    private static String text(Hasher hasher) {
        return hasher.hash().toString().substring(0, 16);
    }
}
