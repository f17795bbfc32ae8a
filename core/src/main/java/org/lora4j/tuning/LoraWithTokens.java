package org.lora4j.tuning;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.prefix.SpecialTokenMethod;
import org.lora4j.tuning.prefix.SpecialTokenTuning;

/**
 * LoRA and special tokens together (the paper's appendix E: LoRA+PE, LoRA+PL), trained at once and saved in one folder:
 *
 * <pre>
 *   |Θ| = |Θ_LoRA| + |Θ_tokens|          2·L̂_LoRA·d·r + d·(l_p + l_i), or L·d·(l_p + l_i) for prefix-layer
 * </pre>
 *
 * <p>Each does what it does alone; special tokens go through the adapted maps as all tokens do. The word for it is that of the
 * second behind {@code lora+}: {@code lora+prefix-embedding:8,infix=4}; what LoRA is, its configuration says.
 *
 * @param lora   as it is alone
 * @param tokens as it is alone
 */
public record LoraWithTokens(LowRankAdaptation lora, SpecialTokenMethod tokens) implements AdapterMethod {

    /** What stands before the other method's word. */
    public static final String WORD = "lora+";

    @Override
    public String name() {
        return WORD + tokens.name();
    }

    @Override
    public String title() {
        return lora.title() + " with " + tokens.title();
    }

    @Override
    public int positions() {
        return tokens.positions();
    }

    @Override
    public String whyNotMerged() {
        return tokens.whyNotMerged() + "; what LoRA learnt beside them is of use with them alone";
    }

    @Override
    public Attached attach(Model model, long seed) {
        return both(lora.attach(model, seed), () -> tokens.attachBeside(model, seed));
    }

    @Override
    public Attached allocate(Model model) {
        return both(new LowRankAdaptation.Attached(lora, LoraAdapter.allocate(model, lora.config(), lora.whole())),
                () -> tokens.allocateBeside(model, true));
    }

    private Attached both(LowRankAdaptation.Attached updates, Supplier<SpecialTokenTuning> beside) {
        try {
            return new Attached(this, updates, beside.get());
        } catch (RuntimeException e) {
            updates.detach();
            throw e;
        }
    }

    /** Both, in one model. */
    public record Attached(LoraWithTokens method, LowRankAdaptation.Attached lora, SpecialTokenTuning tokens)
            implements AdapterTuning {

        @Override
        public Model model() {
            return lora.model();
        }

        @Override
        public String settings() {
            return lora.settings() + ", with " + tokens.settings();
        }

        @Override
        public List<Parameter> trainable() {
            List<Parameter> trainable = new ArrayList<>(lora.trainable());
            trainable.addAll(tokens.trainable());
            return trainable;
        }

        @Override
        public List<PeftFormat.Entry> entries() {
            List<PeftFormat.Entry> entries = new ArrayList<>(lora.entries());
            entries.addAll(tokens.entries());
            return entries;
        }

        @Override
        public Attached freeze() {
            lora.freeze();
            tokens.freeze();
            return this;
        }

        @Override
        public void save(Path folder, String base, Map<String, String> metadata, ModelWriter writer) {
            MethodFolder.save(this, folder, base, metadata);
        }

        @Override
        public void detach() {
            tokens.detach();
            lora.detach();
        }
    }
}
