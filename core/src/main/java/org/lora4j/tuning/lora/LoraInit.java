package org.lora4j.tuning.lora;

import org.lora4j.backend.Backend;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;

/**
 * How A and B begin. B (for an embedding: A) is zero, so that training starts at the base model exactly; but for PiSSA.
 *
 * <p>The paper says "random Gaussian" without a variance (section 4.1). loralib and PEFT draw A by {@code
 * kaiming_uniform_(a=√5)}, which is U(−1/√in, 1/√in), of variance 1/(3·in). See {@code docs/deviations.md}.
 *
 * <p>The numbers come from {@link Philox}, keyed by the run's seed and the parameter's name: they are the same on every
 * backend, and the same for a layer whatever other layers are adapted.
 */
public enum LoraInit {
    /** The paper's: A ~ N(0, 1/in), B = 0. */
    PAPER_GAUSSIAN {
        @Override
        void fillA(double[] a, int inFeatures, Philox random, int site) {
            random.fillNormal(a, 1 / Math.sqrt(inFeatures), 0, site);
        }
    },
    /** loralib's and PEFT's: A ~ U(−1/√in, 1/√in), B = 0. */
    LORALIB_KAIMING {
        @Override
        void fillA(double[] a, int inFeatures, Philox random, int site) {
            double bound = 1 / Math.sqrt(inFeatures);
            random.fillUniform(a, -bound, bound, 0, site);
        }
    },
    /** A and B hold the principal singular parts of W₀, which are taken away from it: see {@link Pissa}. */
    PISSA {
        @Override
        void fillA(double[] a, int inFeatures, Philox random, int site) {
            throw new UnsupportedOperationException("needs W₀");
        }
    };

    abstract void fillA(double[] a, int inFeatures, Philox random, int site);

    /** Draws A of a linear map, (r, in). */
    void initialiseA(Backend backend, Tensor a, String name, long seed) {
        double[] values = new double[Math.toIntExact(a.size())];
        fillA(values, a.columns(), new Philox(seed), Philox.site(name));
        backend.upload(values, a);
    }

    /**
     * Draws an embedding's B, (r, C) or (C, r), from N(0, 1), as loralib and PEFT do whatever they do elsewhere: with A
     * zero, the first update touches only the rows of tokens that occur.
     */
    static void initialiseEmbeddingB(Backend backend, Tensor b, String name, long seed) {
        double[] values = new double[Math.toIntExact(b.size())];
        new Philox(seed).fillNormal(values, 1, 0, Philox.site(name));
        backend.upload(values, b);
    }
}
