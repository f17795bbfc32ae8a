package org.lora4j.adapters;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.TensorSource;
import org.lora4j.model.Classifier;
import org.lora4j.model.ModelNames;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.prefix.PeftPrompts;

/**
 * The classification head that an adapter brings along: it was trained as a whole beside the updates, and they are of no use
 * without it. PEFT saves it where the configuration says {@code task_type} SEQ_CLS, or names it in {@code modules_to_save};
 * where neither was said, the updates were trained for a head that is lost.
 *
 * @param labels how many scores it gives
 * @param names  what they stand for, in their order, where the file says so: {@value PeftFormat#LABELS} in its metadata, which
 *               PEFT has no word for; an empty list in regression
 */
public record AdapterHead(int labels, Optional<List<String>> names) {

    private static final JsonMapper MAPPER = new JsonMapper();

    /**
     * The head in an adapter's folder; empty where there is none.
     *
     * @param family of the adapter's base
     */
    public static Optional<AdapterHead> of(Path folder, ModelNames family) {
        return MethodFolder.read(folder, source -> of(source, family));
    }

    /** The head of an adapter whose family is not known, by the names that any family gives it; empty where there is none. */
    public static Optional<AdapterHead> of(StoredAdapter adapter) {
        TensorSource source = adapter.source();
        return ModelNames.all().stream().flatMap(family -> of(source, family).stream()).findFirst();
    }

    /** The head among an adapter's tensors, which have today's names; empty where there is none. */
    static Optional<AdapterHead> of(TensorSource source, ModelNames family) {
        return family.classifierWeight().flatMap(weight -> Stream.of(PeftFormat.PREFIX, PeftPrompts.PREFIX).map(prefix -> prefix + weight)
                .filter(source::has).findFirst()).map(key -> {
            Shape shape = source.shape(key);
            if (shape.rank() != 2) {
                throw new FormatException(source.path(), key + " has shape " + shape + ", expected (labels, width)");
            }
            Optional<List<String>> names = names(source.path(), source.metadata());
            names.filter(list -> Math.max(1, list.size()) != shape.dim(0)).ifPresent(list -> {
                throw new FormatException(source.path(), "its metadata names " + list.size() + " labels, and " + key
                        + " gives scores for " + shape.dim(0));
            });
            return new AdapterHead(shape.dim(0), names);
        });
    }

    /**
     * @param folder an adapter's
     * @throws LoraException if the model's own head has learnt nothing and the adapter brings none, so that its scores would
     *                       be noise; so of a module before the head
     */
    public static void require(Classifier<?> model, Path folder) {
        MethodFolder.read(folder, source -> absent(model, source)).ifPresent(what -> {
            throw new LoraException(Names.oneLine("adapter '" + folder + "': " + what + ", so its scores would be noise. Give the "
                    + "base with the one it was trained with; PEFT saves a head where the configuration says task_type SEQ_CLS, and "
                    + "what modules_to_save names, as lora4j always does"));
        });
    }

    /**
     * @param folder the adapter's, for messages
     * @throws LoraException if the adapter's head is for another number of labels than the model's
     */
    static void requireLabels(Classifier<?> model, Path folder, TensorSource source, Consumer<String> remarks) {
        AdapterHead head = of(source, model.names()).orElse(null);
        if (head == null) {
            return;
        }
        String ours = answers(model.labels(), model.labelNames());
        if (head.labels() != model.labels()) {
            throw new LoraException(Names.oneLine("adapter '" + folder + "': its head is for " + head.answers() + ", and "
                    + model.description() + " is loaded for " + ours + ". Load the base with a new head for the adapter's labels"));
        }
        if (head.names().filter(names -> areOthers(names, model.labelNames())).isPresent()) {
            remarks.accept(Names.oneLine("adapter '" + folder + "': its head is for " + head.answers() + ", and the base is loaded "
                    + "for " + ours + ", in whose words the scores are told"));
        }
    }

    /**
     * What neither base nor adapter has, in words. The head is forgotten where PEFT is not told the task type, and a pooler that
     * the base came without always, unless it is named.
     */
    static Optional<String> absent(Classifier<?> model, TensorSource source) {
        if (model.hasNewHead() && of(source, model.names()).isEmpty()) {
            return Optional.of("holds no classification head (" + String.join(" and ", model.names().classifierModules())
                    + "), and neither does the base");
        }
        return model.newModules().stream().filter(module -> source.names().stream().noneMatch(key ->
                        key.startsWith(PeftPrompts.PREFIX) && isIn(List.of(module), key)))
                .findFirst().map(module -> "holds no " + module + ", the map before the head, and neither does the base");
    }

    /** Whether a tensor is one of a module's, by the end of the module's name. */
    static boolean isIn(List<String> modules, String tensor) {
        String module = tensor.substring(0, Math.max(0, tensor.lastIndexOf('.')));
        return modules.stream().anyMatch(module::endsWith);
    }

    /** What its scores stand for, in words. */
    public String answers() {
        return answers(labels, names.orElse(List.of()));
    }

    static String answers(int labels, List<String> names) {
        return labels == 1 ? "a number" : labels + " labels" + (names.isEmpty() ? "" : " (" + Names.some(names, 6) + ")");
    }

    /** Whether both have names that somebody gave them, which are not the same. */
    static boolean areOthers(List<String> names, List<String> others) {
        return !names.equals(others) && !isNumbered(names) && !isNumbered(others);
    }

    private static boolean isNumbered(List<String> names) {
        return IntStream.range(0, names.size()).allMatch(i -> names.get(i).equals("LABEL_" + i));
    }

    // ------------------------------------------------------------------------------------------------ metadata

    /** Whether there is anything to say about what the scores stand for. */
    static boolean isSaid(Classifier<?> model) {
        return model.labels() == Math.max(1, model.labelNames().size());
    }

    static String toJson(List<String> names) {
        return MAPPER.valueToTree(names).toString();
    }

    /** The names that {@link PeftFormat#save} put into a file's metadata; empty where it says none. */
    static Optional<List<String>> names(Path path, Map<String, String> metadata) {
        String text = metadata.get(PeftFormat.LABELS);
        if (text == null) {
            return Optional.empty();
        }
        try {
            JsonNode list = MAPPER.readTree(text);
            List<String> names = new ArrayList<>();
            list.forEach(name -> names.add(name.isTextual() ? name.textValue() : null));
            if (list.isArray() && !names.contains(null) && names.stream().distinct().count() == names.size()) {
                return Optional.of(List.copyOf(names));
            }
        } catch (JsonProcessingException e) {
            // said below
        }
        throw new FormatException(path, "its metadata says " + PeftFormat.LABELS + " = " + Names.shortened(text)
                + ", expected a JSON list of names that differ");
    }
}
