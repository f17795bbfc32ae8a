package org.lora4j.train;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.EncodedText;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;

/** Sixteen hex digits by which a run knows again what it ran on: another model, or other data, has others. */
public final class Fingerprint {

    private static final int NUMBERS = 256;

    private Fingerprint() {
    }

    /**
     * Of some numbers of every tensor of the base. The same whatever method is attached: what a method has added does not
     * count, and where it trains one of the base's tensors, the base's own value does.
     */
    public static String of(Model model) {
        Hasher hasher = Hashing.sha256().newHasher();
        for (Parameter parameter : model.parameters()) {
            if (!parameter.isTrainable() || parameter.value() != parameter.baseValue()) {
                float[] first = new float[(int) Math.min(NUMBERS, parameter.size())];
                model.backend().read(parameter.baseValue(), 0, first, 0, first.length);
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
            if (!example.endsLearned()) { // else the place says it all
                for (boolean learned : example.learned()) {
                    hasher.putBoolean(learned);
                }
            }
            hasher.putString(";", StandardCharsets.US_ASCII);
        }
        return text(hasher);
    }

    /** Of texts with labels. */
    static String ofTexts(List<EncodedText> texts) {
        Hasher hasher = Hashing.sha256().newHasher();
        for (EncodedText text : texts) {
            hasher.putDouble(text.label());
            for (int i = 0; i < text.length(); i++) {
                hasher.putInt(text.ids()[i]).putInt(text.typeIds()[i]);
            }
            hasher.putString(";", StandardCharsets.US_ASCII);
        }
        return text(hasher);
    }

    /** Of some numbers of what trains, as it is now. */
    static String ofValues(Backend backend, List<Parameter> trainable) {
        Hasher hasher = Hashing.sha256().newHasher();
        for (Parameter parameter : trainable) {
            float[] first = new float[(int) Math.min(NUMBERS, parameter.size())];
            backend.read(parameter.value(), 0, first, 0, first.length);
            for (float value : first) {
                hasher.putFloat(value);
            }
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
