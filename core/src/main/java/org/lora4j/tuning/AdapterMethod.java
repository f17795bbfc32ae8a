package org.lora4j.tuning;

import java.util.Map;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;

/**
 * A method other than LoRA whose trained tensors are saved as a folder beside the base. Where PEFT has the method, the folder
 * is PEFT's; else {@code adapter_config.json} has the {@code peft_type} {@value #OURS}, which PEFT refuses by name, and the
 * field {@code method} with the method's {@link #name}.
 */
public interface AdapterMethod extends TuningMethod {

    /** The {@code peft_type} of methods that PEFT does not have. */
    String OURS = "LORA4J";

    /** The {@code peft_type} in the folder's configuration. */
    default String peftType() {
        return OURS;
    }

    /**
     * The configuration's fields beside {@code peft_type}, {@code base_model_name_or_path}, {@code inference_mode} and {@code
     * task_type}: texts, numbers, booleans, lists, maps and nulls.
     *
     * @param model that it is attached to
     */
    default Map<String, ? extends Object> fields(Model model) {
        return Map.of("method", name());
    }

    /** The key of a trained tensor in the folder's file. */
    default String key(Parameter parameter) {
        return PeftFormat.PREFIX + parameter.name();
    }

    /** Why what it adds cannot be folded into the base's weights, as the end of a sentence that names it. */
    String whyNotMerged();

    @Override
    AdapterTuning attach(Model model, long seed);

    /** The same without drawing what it begins with: for who counts what trains. */
    default AdapterTuning allocate(Model model) {
        return attach(model, 0);
    }

    /** The same for who reads the values from a folder, where what a network makes in training is there without the network. */
    default AdapterTuning attachSaved(Model model) {
        return allocate(model);
    }
}
