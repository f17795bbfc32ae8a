package org.lora4j.experiments.ledger;

import java.math.BigDecimal;
import java.util.List;
import java.util.OptionalInt;
import org.lora4j.LoraException;
import org.lora4j.backend.CountingBackend;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.ModelConfig;
import org.lora4j.family.ModelFamily;
import org.lora4j.model.Model;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Parameter;
import org.lora4j.tuning.LoraWithTokens;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.MethodWords;
import org.lora4j.tuning.TuningMethod;
import org.lora4j.tuning.TuningMethods;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.prefix.SpecialTokenMethod;

/**
 * Counts of a model and of what a method trains in it, twice: by the formulas of the paper's section 5.1, from the model's sizes
 * alone, and from the tensors that are allocated when the method is attached to the model.
 *
 * <pre>
 *   lora:R:TARGETS                    Σ over targets L·r·(in + out)            on d × d matrices 2·L̂_LoRA·d·r
 *   houlsby:R, lin:R, pfeiffer:R      L̂_Adpt·(2·d·r + r + d) + 2·L̂_LN·d
 *   prefix-embedding:l_p,infix=l_i    d·(l_p + l_i)
 *   prefix-layer:l_p,infix=l_i        L·d·(l_p + l_i)
 *   bitfit                            L·(7·d + inner) + d                      11·L·d + d where inner is 4·d
 *   top:N                             N·(4·d² + 2·d·inner + 9·d + inner)       N·(12·d² + 13·d)
 * </pre>
 */
enum Counts {

    /** From sizes. */
    FORMULA {
        @Override
        BigDecimal parameters(ModelConfig config) {
            return BigDecimal.valueOf(config.parameterCount());
        }

        @Override
        BigDecimal trainable(ModelConfig config, String methods) {
            long sum = 0;
            for (String method : methods.split("\\+")) {
                sum += formula(config.sizes(), method);
            }
            return BigDecimal.valueOf(sum);
        }

        @Override
        BigDecimal head(ModelConfig config, int labels) {
            long d = config.sizes().width();
            return BigDecimal.valueOf(d * d + d + labels * d + labels);
        }
    },

    /** From tensors. */
    ALLOCATED {
        @Override
        BigDecimal parameters(ModelConfig config) {
            return sum(model(config, 2), true);
        }

        @Override
        BigDecimal trainable(ModelConfig config, String methods) {
            Model model = model(config, 2);
            return BigDecimal.valueOf(method(methods).attach(model, 0).trainable().stream()
                    .filter(parameter -> !model.names().isOfClassifier(parameter.name())).mapToLong(Parameter::size).sum());
        }

        @Override
        BigDecimal head(ModelConfig config, int labels) {
            return sum(model(config, labels), false);
        }
    };

    /** Of all parameters, without a classifier's head. */
    abstract BigDecimal parameters(ModelConfig config);

    /** Of what a method trains, without a classifier's head; several methods with + between. */
    abstract BigDecimal trainable(ModelConfig config, String methods);

    /** Of the head of a classifier, two maps as RoBERTa's. */
    abstract BigDecimal head(ModelConfig config, int labels);

    private static Model model(ModelConfig config, int labels) {
        ModelFamily family = Families.of(config.names());
        CountingBackend backend = new CountingBackend();
        return family.writes() ? family.empty(config, backend) : family.emptyClassifier(config, Labels.numbered(labels), backend);
    }

    /** Of the parameters of a model that writes, or of a classifier's body or what stands behind that. */
    private static BigDecimal sum(Model model, boolean body) {
        boolean writes = Families.of(model.names()).writes();
        return BigDecimal.valueOf(model.parameters().stream()
                .filter(parameter -> (writes || parameter.name().startsWith(model.names().bodyPrefix())) == body)
                .mapToLong(Parameter::size).sum());
    }

    /** {@code lora:4:q,v}, the same with {@code +prefix-layer:8} behind it, and what {@link TuningMethods} knows. */
    static TuningMethod method(String text) {
        String[] both = text.split("\\+", 2);
        String[] words = both[0].split(":", 3);
        if (!words[0].equals(TuningMethods.LORA)) {
            return TuningMethods.parse(text);
        }
        LowRankAdaptation lora = new LowRankAdaptation(LoraConfig.of(rank(words), rank(words)).withTargets(words[2], List.of()));
        return both.length == 1 ? lora : new LoraWithTokens(lora, SpecialTokenMethod.of(both[1]).orElseThrow());
    }

    private static int rank(String[] words) {
        return Integer.parseInt(words[1]);
    }

    private static long formula(ModelSizes sizes, String method) {
        long layers = sizes.blocks();
        long d = sizes.width();
        long inner = sizes.innerWidth();
        if (method.startsWith(TuningMethods.LORA + ":")) {
            String[] words = method.split(":", 3);
            long sum = 0;
            for (String target : words[2].split(",")) {
                sum += layers * rank(words) * (d + (target.equals("k") || target.equals("v") ? sizes.keyWidth() : d));
            }
            return sum;
        }
        MethodWords words = MethodWords.of(method);
        return switch (words.name()) {
            case "houlsby" -> 2 * layers * adapter(d, first(words));
            case "lin" -> layers * adapter(d, first(words)) + 2 * layers * d;
            case "pfeiffer" -> layers * adapter(d, first(words));
            case "prefix-embedding" -> d * (first(words) + infix(words));
            case "prefix-layer" -> layers * d * (first(words) + infix(words));
            case "bitfit" -> layers * (7 * d + inner) + d;
            case "top" -> first(words) * (4 * d * d + 2 * d * inner + 9 * d + inner);
            default -> throw new LoraException(method + ": the paper has no formula for it");
        };
    }

    private static long adapter(long d, long r) {
        return 2 * d * r + r + d;
    }

    private static long first(MethodWords words) {
        return Long.parseLong(words.settings().get(""));
    }

    private static long infix(MethodWords words) {
        return words.withMain("length", List.of("length", "infix")).whole("infix", 0, OptionalInt.of(0));
    }
}
