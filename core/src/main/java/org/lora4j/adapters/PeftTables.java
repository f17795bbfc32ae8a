package org.lora4j.adapters;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.io.DType;
import org.lora4j.io.HalfPrecision;
import org.lora4j.io.TensorSource;
import org.lora4j.model.Model;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.tensor.Buffer;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraProjection;

/**
 * Frozen weights of the base that PEFT stores in an adapter's file once more: the embedding and the head, where the vocabulary
 * was resized or one of them is adapted.
 *
 * <pre>
 *   MODULE.weight              of one that is not adapted
 *   MODULE.base_layer.weight   of one that is
 * </pre>
 *
 * <p>Such a copy takes the base's place, as in PEFT, which is nothing where they are the same. They are not where rows were added
 * to the table, and where the adapter was trained on a base in 16 bits. Of a tied table the head's copy counts, which PEFT loads
 * last, and both views get it.
 */
record PeftTables(Model model, LoraAdapter adapter, TensorSource source, Path folder, Consumer<String> remarks) {

    private static final String WEIGHT = ".weight";

    /**
     * @param unread  the tensors that nothing has read yet; those that are copies are taken out
     * @param entries what is read otherwise
     * @throws LoraException if one has another shape than the base's
     */
    void take(Set<String> unread, List<PeftFormat.Entry> entries) {
        Set<String> trained = entries.stream().map(PeftFormat.Entry::key).collect(Collectors.toSet());
        Map<Parameter, String> copies = new LinkedHashMap<>();
        List<String> keys = new ArrayList<>(unread);
        keys.sort(Comparator.comparing(key -> module(key).equals(model.names().head())));
        for (String key : keys) {
            Parameter weight = trained.contains(key) || module(key).isEmpty() ? null : frozen(module(key));
            if (weight != null) {
                Shape expected = PeftFormat.inFiles(model, weight);
                if (!source.shape(key).equals(expected)) {
                    throw new LoraException(Names.oneLine("adapter '" + folder + "': " + key + " has shape " + source.shape(key)
                            + ", expected " + expected + ". " + otherSize(model, source.shape(key), expected)));
                }
                copies.put(weight, key);
                unread.remove(key);
            }
        }
        copies.forEach(this::take);
    }

    /** What may have happened where a file has one shape and the base asks for another; a sentence. */
    static String otherSize(Model model, Shape found, Shape expected) {
        int vocabulary = model.sizes().vocabulary();
        if (found.rank() == 2 && expected.rank() == 2) {
            for (int axis = 0; axis < 2; axis++) {
                if (expected.dim(axis) == vocabulary && found.dim(axis) != vocabulary
                        && found.dim(1 - axis) == expected.dim(1 - axis)) {
                    return "It was made for a base with a vocabulary of " + found.dim(axis) + " tokens, this one's has "
                            + vocabulary + ": give the base whose vocabulary was resized, as resize_token_embeddings("
                            + found.dim(axis) + ") of Transformers does it";
                }
            }
        }
        return "Was it made for a base of another size?";
    }

    /** The module of a weight's key; empty for other keys. */
    private static String module(String key) {
        return key.startsWith(PeftFormat.PREFIX) && key.endsWith(WEIGHT)
                ? key.substring(PeftFormat.PREFIX.length(), key.length() - WEIGHT.length()).replaceFirst("\\.base_layer$", "") : "";
    }

    /** The base's weight of an embedding or the head, or of an adapted map; null for anything else. */
    private @Nullable Parameter frozen(String module) {
        for (Slot<TokenEmbedding> slot : model.embeddings()) {
            if (slot.name().equals(module)) {
                return slot.get() instanceof Embedding plain ? plain.table()
                        : adapter.embeddings().containsKey(module) ? adapter.embeddings().get(module).base().table() : null;
            }
        }
        LoraProjection lora = adapter.projections().get(module);
        if (lora != null) {
            return lora.base().weight();
        }
        for (Slot<Projection> slot : model.projections()) {
            if (slot.name().equals(module) && slot.role() == Role.LANGUAGE_HEAD) {
                return slot.get() instanceof Linear plain ? plain.weight() : null;
            }
        }
        return null;
    }

    private void take(Parameter weight, String key) {
        Backend backend = model.backend();
        float[] values = PeftFormat.isTurned(model, weight)
                ? floats(PeftFormat.memoryLayout(model, weight, source.doubles(key))) : source.floats(key);
        Optional<Buffer> smaller = weight.value().buffer().another();
        Tensor table = null;
        if (smaller.isPresent()) { // the base was rounded when it was loaded, and so is its copy
            table = new Tensor(weight.shape(), smaller.get());
            backend.upload(values, 0, table, 0, values.length);
            values = backend.readFloats(table);
        }
        int differing = 0;
        boolean rounded = true;
        int columns = weight.shape().columns();
        double[] row = new double[columns];
        for (int r = 0; r < weight.shape().rows(); r++) {
            backend.read(weight.value(), (long) r * columns, row, 0, columns);
            boolean same = true;
            double largest = 0;
            double distance = 0;
            for (int c = 0; c < columns; c++) {
                float copy = values[r * columns + c];
                same &= Float.compare(copy, (float) row[c]) == 0;
                rounded &= table != null || Float.compare(copy, rounded((float) row[c], source.info(key).dtype())) == 0;
                largest = Math.max(largest, Math.abs(row[c]));
                distance = Math.max(distance, Math.abs(copy - row[c]));
            }
            // rounded twice, to 16 bits and to a smaller type: within a step or two of that type
            rounded &= table == null || source.info(key).dtype().bytes() == 2 && distance <= largest / 64;
            differing += same ? 0 : 1;
        }
        if (differing == 0) {
            return;
        }
        if (table == null) {
            table = backend.allocate(weight.shape());
            backend.upload(PeftFormat.memoryLayout(model, weight, source.doubles(key)), table);
        }
        adapter.whole().useTable(key.substring(PeftFormat.PREFIX.length()), weight, table);
        remarks.accept(Names.oneLine("adapter '" + folder + "': " + (rounded
                ? "its copy of " + module(key) + " is the base's, rounded to " + source.info(key).dtype()
                : "it brings " + module(key) + " along, with " + differing + " of " + weight.shape().rows()
                        + " rows other than the base's") + ": that is used, as PEFT does"
                + (rounded || 2 * differing <= weight.shape().rows() ? "" : ". Was it made for another base?")));
    }

    private static float rounded(float value, DType dtype) {
        return switch (dtype) {
            case BF16 -> HalfPrecision.bf16ToFloat(HalfPrecision.doubleToBf16(value));
            case F16 -> Float.float16ToFloat(HalfPrecision.doubleToF16(value));
            default -> value;
        };
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }
}
