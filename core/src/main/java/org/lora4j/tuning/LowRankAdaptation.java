package org.lora4j.tuning;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * LoRA as one of the methods: W₀ + s·B·A beside each target (equation 3), see {@link LoraAdapter}.
 *
 * @param config what makes the adapter
 * @param whole  modules that train as a whole beside the updates, as PEFT's {@code modules_to_save}; may be empty
 */
public record LowRankAdaptation(LoraConfig config, List<String> whole) implements TuningMethod {

    public LowRankAdaptation {
        whole = List.copyOf(whole);
    }

    /** Without modules that train as a whole. */
    public LowRankAdaptation(LoraConfig config) {
        this(config, List.of());
    }

    @Override
    public String name() {
        return TuningMethods.LORA;
    }

    @Override
    public String title() {
        return config.dora() ? "DoRA" : "LoRA";
    }

    @Override
    public Attached attach(Model model, long seed) {
        return new Attached(this, LoraAdapter.attach(model, config, whole, seed));
    }

    /** An adapter that is in its model already, such as one that was loaded to be trained further. */
    public static Attached of(LoraAdapter adapter) {
        return new Attached(new LowRankAdaptation(adapter.config(), adapter.wholeNames()), adapter);
    }

    /** An adapter in its model, saved as PEFT saves it. */
    public record Attached(LowRankAdaptation method, LoraAdapter adapter) implements AdapterTuning {

        @Override
        public Model model() {
            return adapter.model();
        }

        @Override
        public String settings() {
            LoraConfig config = adapter.config();
            List<String> updates = new ArrayList<>();
            adapter.embeddings().forEach((name, lora) -> updates.add(name + " r " + lora.rank() + " s " + lora.scaling()));
            adapter.projections().forEach((name, lora) -> updates.add(name + " r " + lora.rank() + " s " + lora.scaling()));
            return "dropout " + config.dropout() + ", bias " + config.bias().text() + ", " + config.init()
                    + (config.pissaIterations() > 0 ? " by " + config.pissaIterations() + " iterations" : "")
                    + (config.dora() ? ", DoRA" : "") + ", parts " + config.parts() + ", on " + String.join(", ", updates);
        }

        @Override
        public List<Parameter> trainable() {
            return adapter.trainable();
        }

        @Override
        public List<PeftFormat.Entry> entries() {
            return PeftFormat.entries(adapter);
        }

        @Override
        public Attached freeze() {
            adapter.freeze();
            return this;
        }

        @Override
        public void save(Path folder, String base, Map<String, String> metadata, ModelWriter writer) {
            PeftFormat.save(adapter, folder, base, metadata);
        }

        @Override
        public void detach() {
            adapter.detach();
        }
    }
}
