package org.lora4j.cli;

import java.util.Map;
import java.util.Optional;
import org.lora4j.io.DType;

/** The types of weights as one types them: {@code bf16}, or {@code bfloat16} as PyTorch says. */
final class Types {

    private static final Map<String, DType> NAMES = Map.of("f32", DType.F32, "float32", DType.F32, "f16", DType.F16,
            "float16", DType.F16, "bf16", DType.BF16, "bfloat16", DType.BF16);

    private Types() {
    }

    static Optional<DType> named(String text) {
        return Optional.ofNullable(NAMES.get(text.toLowerCase(java.util.Locale.ROOT)));
    }

    /** As Transformers calls it in a configuration. */
    static String inConfiguration(DType dtype) {
        return switch (dtype) {
            case F32 -> "float32";
            case F16 -> "float16";
            case BF16 -> "bfloat16";
            default -> dtype.name();
        };
    }
}
