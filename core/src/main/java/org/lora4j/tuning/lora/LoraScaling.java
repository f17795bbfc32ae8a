package org.lora4j.tuning.lora;

/** How alpha and r make the factor s in h = W₀·x + s·B·A·x. */
public enum LoraScaling {
    /** s = alpha/r, as in the paper (section 4.1). */
    ALPHA_OVER_R {
        @Override
        public double of(double alpha, int r) {
            return alpha / r;
        }
    },
    /** s = alpha/√r, rank-stabilised LoRA (Kalajdzievski 2023); {@code use_rslora} in PEFT. */
    ALPHA_OVER_SQRT_R {
        @Override
        public double of(double alpha, int r) {
            return alpha / Math.sqrt(r);
        }
    };

    /** s. */
    public abstract double of(double alpha, int r);
}
