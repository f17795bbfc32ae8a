package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.model.Model;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Layer;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.tensor.Tensor;

/**
 * Modules that are trained and saved as a whole beside the low-rank updates, PEFT's {@code modules_to_save}: a final
 * LayerNorm, a head, an embedding.
 *
 * <p>They train on copies; the base's tensors stay as they are. A tied table is one parameter with two views, the embedding
 * and the head: the view that is named gets a copy of its own and the other keeps the base's, as in PEFT.
 *
 * <p>As in PEFT, a module is meant where its name ends with one of the names given, whatever comes before: {@code ln_f} means
 * {@code transformer.ln_f}; and what a module holds is trained with it.
 */
public final class WholeModules {

    /** What PEFT saves of every model that classifies sequences, by the ends of the names: {@code pre_classifier} is meant too. */
    public static final List<String> HEADS = List.of("classifier", "score");

    private final Backend backend;
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final Map<String, Parameter> tables = new LinkedHashMap<>();
    private final List<Runnable> undo = new ArrayList<>();
    /** For a set: what was trained in place of the model's own parameters, and what stands in slots of the model. */
    private final Map<Parameter, Tensor> own = new LinkedHashMap<>();
    private final List<Replacement<?>> replacements = new ArrayList<>();

    /** A module in the place of the base's. */
    private static final class Replacement<M extends Layer> {

        private final Slot<M> slot;
        private final M base;
        private final M module;
        private @Nullable M under;

        Replacement(Slot<M> slot, M base, M module) {
            this.slot = slot;
            this.base = base;
            this.module = module;
            slot.set(module);
        }

        void leaveModel() {
            slot.set(base);
        }

        void enter() {
            under = slot.get();
            slot.set(module);
        }

        void leave() {
            slot.set(under);
        }
    }

    private WholeModules(Backend backend) {
        this.backend = backend;
    }

    /**
     * Makes the modules trainable, on copies.
     *
     * @throws LoraException if one of them has a low-rank update too; the model is then as it was
     */
    static WholeModules of(Model model, List<String> names) {
        WholeModules whole = new WholeModules(model.backend());
        if (names.isEmpty()) {
            return whole;
        }
        try {
            for (Slot<TokenEmbedding> slot : model.embeddings()) {
                if (isMeant(slot.name(), names)) {
                    whole.replace(slot);
                }
            }
            for (Slot<Projection> slot : model.projections()) {
                if (isMeant(slot.name(), names) && !(slot.get() instanceof Linear)) {
                    throw alsoAdapted(slot.name());
                }
            }
            for (Parameter parameter : model.parameters()) {
                String name = parameter.name();
                String module = name.substring(0, Math.max(0, name.lastIndexOf('.')));
                if (!name.contains(".lora_") && isMeant(module, names) && !whole.parameters.containsKey(name)
                        && model.embeddings().stream().noneMatch(slot -> slot.name().equals(module))) {
                    whole.trainCopy(parameter);
                }
            }
            for (Slot<Projection> slot : model.projections()) {
                if (isMeant(slot.name(), names) && !whole.parameters.containsKey(slot.name() + ".weight")) {
                    whole.replaceTied(slot);
                }
            }
        } catch (RuntimeException e) {
            whole.restore();
            throw e;
        }
        return whole;
    }

    /** Whether the module or one that holds it ends with one of the names. */
    public static boolean isMeant(String module, List<String> names) {
        for (int end = module.length(); end > 0; end = module.lastIndexOf('.', end - 1)) {
            String path = module.substring(0, end);
            if (names.stream().anyMatch(path::endsWith)) {
                return true;
            }
        }
        return false;
    }

    private void trainCopy(Parameter parameter) {
        parameter.trainCopy();
        parameters.put(parameter.name(), parameter);
        own.put(parameter, parameter.value());
        undo.add(parameter::restore);
    }

    /** An embedding's table may also be the head's, so the slot gets another embedding and not the parameter another value. */
    private void replace(Slot<TokenEmbedding> slot) {
        if (!(slot.get() instanceof Embedding base)) {
            throw alsoAdapted(slot.name());
        }
        replacements.add(new Replacement<>(slot, base, base.with(copy(slot.name(), base.table()))));
        undo.add(() -> slot.set(base));
    }

    /** A tied head: its weight is not among the model's own parameters. */
    private void replaceTied(Slot<Projection> slot) {
        Linear base = (Linear) slot.get(); // checked above
        replacements.add(new Replacement<>(slot, base, new Linear(copy(slot.name(), base.weight()), base.bias())));
        undo.add(() -> slot.set(base));
    }

    private Parameter copy(String module, Parameter base) {
        Tensor value = backend.allocate(base.shape());
        backend.copy(base.value().matrix(), value.matrix());
        Parameter copy = new Parameter(module + ".weight", backend, value).train();
        parameters.put(copy.name(), copy);
        return copy;
    }

    private static LoraException alsoAdapted(String name) {
        return new LoraException(name + " is to be trained as a whole and has a low-rank update too; leave out one of the two");
    }

    /** Puts the base's modules back and keeps what was trained, for a set that calls {@link #enter} and {@link #leave}. */
    void leaveModel() {
        own.keySet().forEach(Parameter::restore);
        replacements.forEach(Replacement::leaveModel);
    }

    /** Puts what was trained into the model, by pointers. */
    void enter() {
        own.forEach(Parameter::use);
        replacements.forEach(Replacement::enter);
    }

    /** Takes it out again. */
    void leave() {
        replacements.reversed().forEach(Replacement::leave);
        own.keySet().forEach(Parameter::restore);
    }

    /**
     * Puts a weight that the adapter brought along in the place of a frozen one of the base's, for every view of it: a table of a
     * resized vocabulary, say. It does not train.
     *
     * @param name  what the adapter's file calls it
     * @param value of the same shape
     */
    public void useTable(String name, Parameter parameter, Tensor value) {
        parameter.use(value);
        tables.put(name, parameter);
        own.put(parameter, value);
        undo.add(parameter::restore);
    }

    /** The frozen weights that the adapter brought along, by the names that {@link #useTable} was given. */
    public Map<String, Parameter> tables() {
        return Collections.unmodifiableMap(tables);
    }

    /** Whether there is nothing of the adapter's own in the place of something of the base's. */
    boolean isEmpty() {
        return parameters.isEmpty() && tables.isEmpty();
    }

    /** What was trained in the place of this parameter of the model's; null if nothing was. */
    @Nullable Tensor ownValue(Parameter parameter) {
        return own.get(parameter);
    }

    /** Puts the base's modules back. */
    void restore() {
        undo.reversed().forEach(Runnable::run);
        undo.clear();
        own.clear();
        replacements.clear();
        parameters.clear();
        tables.clear();
    }

    /** Those of the names that mean nothing in the model. */
    List<String> unused(List<String> names) {
        return names.stream().filter(name -> parameters.keySet().stream().noneMatch(
                parameter -> isMeant(parameter.substring(0, parameter.lastIndexOf('.')), List.of(name)))).toList();
    }

    /** What trains, by its name in the model. */
    public Map<String, Parameter> parameters() {
        return Collections.unmodifiableMap(parameters);
    }
}
