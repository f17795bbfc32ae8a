package org.lora4j.model;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.lora4j.backend.Backend;
import org.lora4j.nn.KeyValuePlace;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;

/** A network with named places, which is all that a method of adaptation, a file of adapters or a report needs to know. */
public interface Model {

    Backend backend();

    ModelSizes sizes();

    /** What its family's tensors are called and how they lie in files. */
    ModelNames names();

    /** PEFT's {@code task_type} of this model; empty where PEFT has none. */
    default Optional<String> taskType() {
        return names().taskType();
    }

    /** The linear maps, in the model's order, by the names that Hugging Face gives them. */
    List<Slot<Projection>> projections();

    /** The embeddings. */
    List<Slot<TokenEmbedding>> embeddings();

    /** How many positions of every sequence a method has taken for special tokens. */
    default int specialTokens() {
        return embeddings().stream().mapToInt(slot -> slot.get().prefix().length + slot.get().infix().length).sum();
    }

    /** The places in its blocks that are empty in the base, in the model's order: where a method can put layers of its own. */
    default List<Place> places() {
        return List.of();
    }

    /** The places in its blocks' attention where a method can replace keys and values, in the blocks' order. */
    default List<KeyValuePlace> keyValuePlaces() {
        return List.of();
    }

    /** Every parameter, those of attached methods included; one that has two uses, as a tied head's, once. */
    List<Parameter> parameters();

    /** The modules that can be trained as a whole: those that hold parameters, by the last words of their names, each once. */
    default Set<String> wholeModules() {
        Set<String> modules = new LinkedHashSet<>();
        for (Parameter parameter : parameters().reversed()) { // the uncommon ones, head and last norm, come first
            String[] words = parameter.name().split("\\.");
            if (words.length > 1) {
                modules.add(words[words.length - 2]);
            }
        }
        return modules;
    }

    /** The number of the block that the parameter is in, or {@link Slot#NO_BLOCK}. */
    default int blockOf(Parameter parameter) {
        return names().blockOf(parameter.name());
    }

    /** How many numbers the base has, whatever is attached. */
    long parameterCount();

    /** Whether the head is the token embedding's table seen the other way. */
    boolean isTied();

    /** What to call this model in messages: {@code this GPT-2}. */
    String description();

    /** Everything its computation depends on beside its weights, in one line: what a checkpoint must agree with. */
    String settings();
}
