package org.lora4j.adapters;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.io.TensorInfo;
import org.lora4j.io.TensorSource;
import org.lora4j.model.ModelNames;
import org.lora4j.tensor.Shape;

/**
 * Writes a base with an adapter merged into it, tensor by tensor from file to file:
 *
 * <pre>
 *   W = W₀ + s·B·A                          in double, each element rounded once to the written type
 *   W = (m / ‖W₀ + s·B·A‖) ⊙ (W₀ + s·B·A)    with DoRA, the norm being that of each row; of an embedding, of each column
 *   E = E₀ + s·(B·A)ᵀ                        of an embedding
 *   b, and modules trained as a whole        as the adapter has them
 * </pre>
 *
 * <p>Where the base ties its head to the token embedding and the adapter changes one of the two views, the merged model has a
 * table for each: {@link #unties} says so, and the configuration must. A frozen table that the adapter brought along, of a
 * resized vocabulary say, takes the base's place for both views.
 *
 * <p>The head of a classifier is the adapter's where it brings one, whatever the base has there: none, or one for other labels.
 *
 * <p>What is merged is finite where the base is: an adapter whose training diverged, and a sum that is too large for the written
 * type, are errors.
 *
 * <p>Needs memory for one tensor at a time, as doubles.
 */
public final class ModelMerger {

    private static final String MAGNITUDE = ".lora_magnitude_vector";
    private static final String COPY = ".base_layer.weight";

    private final TensorSource base;
    private final StoredAdapter adapter;
    private final ModelNames family;
    private final String table;
    private final String head;
    private final boolean classifier;
    private final boolean tied;
    /** Complete names, as Transformers saves them, to the names in the base's files. */
    private final Map<String, String> stored = new LinkedHashMap<>();
    private final Map<String, StoredUpdate> updates = new LinkedHashMap<>();
    private final Map<String, NamedTensor> magnitudes = new LinkedHashMap<>();
    private final Map<String, NamedTensor> replaced = new LinkedHashMap<>();
    /** Frozen weights of the base that the adapter has in another version. */
    private final Map<String, NamedTensor> brought = new LinkedHashMap<>();

    /**
     * Merges by W = W₀ + s·B·A, in double, one tensor at a time.
     *
     * @param base   its tensors; without a head's where the head is the token embedding
     * @param family what they are called, and which lie as in × out
     * @throws FormatException if the adapter does not fit the base, or asks for what cannot be merged
     */
    public ModelMerger(TensorSource base, StoredAdapter adapter, ModelNames family) {
        this(base, adapter, family, false);
    }

    private ModelMerger(TensorSource base, StoredAdapter adapter, ModelNames family, boolean classifier) {
        this.base = base;
        this.adapter = adapter;
        this.family = family;
        this.classifier = classifier;
        table = family.tokenTable();
        head = family.headWeight();
        tied = !classifier && !base.has(head);
        adapter.config().requireSupported();
        for (String name : base.names()) {
            if (!family.isBuffer(name)) {
                stored.put(family.complete(name), name);
            }
        }
        adapter.tensors().forEach(this::requireFinite);
        adapter.updates().forEach(this::place);
        adapter.frozenCopies().forEach(this::bring);
        adapter.others().forEach(this::place);
        requireWholeHead();
        magnitudes.keySet().forEach(module -> {
            if (!updates.containsKey(module + ".weight")) {
                throw adapter.error("has a magnitude of " + Names.quoted(module) + ", which it does not adapt");
            }
        });
    }

    /**
     * One that makes a classifier.
     *
     * @param base   its tensors, with the head of a classifier or none
     * @param family what they are called, and which lie as in × out
     * @throws FormatException if the adapter does not fit the base, or asks for what cannot be merged
     */
    public static ModelMerger ofClassifier(TensorSource base, StoredAdapter adapter, ModelNames family) {
        return new ModelMerger(base, adapter, family, true);
    }

    /** Whether the merged model has a head that classifies: the adapter's or the base's. */
    public boolean hasClassifier() {
        return stored.keySet().stream().anyMatch(family::isOfClassifier) || replaced.keySet().stream().anyMatch(family::isOfClassifier);
    }

    /** Whether the merged model has a head of its own although the base has none. */
    public boolean unties() {
        return tied && List.of(table, head).stream().anyMatch(name -> updates.containsKey(name) || replaced.containsKey(name));
    }

    private void place(StoredUpdate update) {
        String name = update.module() + ".weight";
        Shape shape = shapeOf(name);
        boolean turned = update.embedding() || family.isInByOut(name);
        Shape expected = turned ? Shape.of(update.inFeatures(), update.outFeatures())
                : Shape.of(update.outFeatures(), update.inFeatures());
        if (!shape.equals(expected)) {
            throw adapter.error("its update of " + Names.quoted(update.module()) + " is for a weight of shape " + expected
                    + ", the base's has " + shape + ". Was it made for another base?");
        }
        updates.put(name, update);
    }

    private void place(NamedTensor other) {
        String key = other.name().startsWith(StoredAdapter.PREFIX) ? other.name().substring(StoredAdapter.PREFIX.length())
                : other.name();
        if (key.endsWith(MAGNITUDE)) {
            magnitudes.put(key.substring(0, key.length() - MAGNITUDE.length()), other);
            return;
        }
        String name = key.replace(".base_layer.", ".");
        if (classifier && (family.isOfClassifier(name) || !stored.containsKey(name) && isTrained(name) && family.knows(module(name)))) {
            replaced.put(name, other);
            return;
        }
        if ((name.equals(table) || name.equals(head)) && !isTrained(name)) {
            bring(other);
            return;
        }
        if (!shapeOf(name).equals(other.shape())) {
            throw adapter.error(Names.quoted(other.name()) + " has shape " + other.shape() + ", the base's has "
                    + shapeOf(name) + ". Was it made for another base?");
        }
        replaced.put(name, other);
    }

    private static String module(String tensor) {
        return tensor.substring(0, Math.max(0, tensor.lastIndexOf('.')));
    }

    /** A head may be one for other labels, and then nothing of the base's may be left beside it. */
    private void requireWholeHead() {
        boolean other = replaced.entrySet().stream().anyMatch(entry -> classifier && family.isOfClassifier(entry.getKey())
                && stored.containsKey(entry.getKey()) && !shapeOf(entry.getKey()).equals(entry.getValue().shape()));
        for (String name : stored.keySet()) {
            if (other && family.isOfClassifier(name) && !replaced.containsKey(name)) {
                throw adapter.error("has a head for other labels than the base's and no " + Names.quoted(name)
                        + " in it. Was it saved whole?");
            }
        }
    }

    /** A frozen weight of the base, stored once more: of a tied table the head's counts, as in PEFT, and for both views. */
    private void bring(NamedTensor copy) {
        String name = copy.name().substring(copy.name().startsWith(StoredAdapter.PREFIX) ? StoredAdapter.PREFIX.length() : 0)
                .replace(".base_layer.", ".");
        if (!shapeOf(name).equals(copy.shape())) {
            throw adapter.error(Names.quoted(copy.name()) + " has shape " + copy.shape() + ", the base's has " + shapeOf(name)
                    + ". Was it made for another base?");
        }
        boolean shared = tied && (name.equals(table) || name.equals(head));
        if (shared && name.equals(table) && adapter.tensors().stream().anyMatch(this::isCopyOfHead)) {
            return;
        }
        brought.put(shared ? table : name, copy);
    }

    private boolean isCopyOfHead(NamedTensor tensor) {
        return tensor.name().equals(StoredAdapter.PREFIX + family.head() + COPY)
                || tensor.name().equals(StoredAdapter.PREFIX + head) && !isTrained(head);
    }

    /** Whether the weight is of a module in modules_to_save, or inside one. */
    private boolean isTrained(String name) {
        for (int end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
            if (adapter.config().modulesToSave().stream().anyMatch(name.substring(0, end)::endsWith)) {
                return true;
            }
        }
        return false;
    }

    /** Where a weight starts from before it is updated: the adapter's own, one it brought along, or the base's. */
    private @Nullable NamedTensor own(String name) {
        NamedTensor own = replaced.get(name);
        return own != null ? own : brought.get(tied && name.equals(head) ? table : name);
    }

    private void requireFinite(NamedTensor tensor) {
        long count = adapter.notFinite(tensor);
        if (count > 0) {
            throw adapter.error(Names.quoted(tensor.name()) + " holds " + count + " of " + tensor.shape().size() + " values that "
                    + "are NaN or infinite, and so would the merged model. Its training diverged, or the file is damaged; take an "
                    + "earlier checkpoint");
        }
    }

    private void requireFinite(String name, double[] merged, DType written) {
        long count = Arrays.stream(merged).filter(value -> !Double.isFinite(MergeError.rounded(value, written))).count();
        if (count > 0) {
            throw adapter.error("merged, " + Names.quoted(name) + " has " + count + " of " + merged.length + " values that are NaN "
                    + "or too large for " + written + ". Nothing was written"
                    + (written == DType.F16 ? "; `type` bf16 and f32 hold larger ones" : ""));
        }
    }

    private Shape shapeOf(String name) {
        return base.info(sourceOf(name)).shape();
    }

    /** The base's tensor that a name starts from; a tied head starts from the table. */
    private String sourceOf(String name) {
        String found = stored.get(name.equals(head) && tied ? table : name);
        if (found == null) {
            List<String> nearest = Names.nearest(name, stored.keySet(), 1);
            throw adapter.error("changes " + Names.quoted(name) + ", which the base does not have"
                    + (nearest.isEmpty() ? "" : " (nearest: " + nearest.getFirst() + ")"));
        }
        return found;
    }

    // ------------------------------------------------------------------------------------------------ writing

    /**
     * Writes the merged tensors.
     *
     * @param type the type of all floating tensors; null for each as in the base
     * @return what rounding did to each merged weight, in the order in which they were written
     */
    public List<MergeError> write(Path file, @Nullable DType type) {
        List<MergeError> errors = new ArrayList<>();
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        Set<String> names = new LinkedHashSet<>(stored.keySet());
        if (unties()) {
            names.add(head);
        }
        replaced.keySet().stream().filter(name -> classifier).forEach(names::add);
        for (String name : names) {
            // a head that the base does not have is written as its table is
            TensorInfo info = base.info(classifier && !stored.containsKey(name) ? stored.get(table) : sourceOf(name));
            DType written = type == null || !info.dtype().isFloating() ? info.dtype() : type;
            StoredUpdate update = updates.get(name);
            if (update != null) {
                writer.addDoublesLater(name, written, info.shape(), () -> merged(name, update, written, errors));
            } else if (own(name) != null) {
                requireFinite(name, own(name).doubles(), written);
                writer.add(own(name).as(name).as(written));
            } else if (written == info.dtype()) {
                writer.add(new NamedTensor(name, written, info.shape(), base.bytes(info.name())));
            } else {
                writer.addDoublesLater(name, written, info.shape(), () -> {
                    double[] values = base.doubles(info.name());
                    if (Arrays.stream(values).allMatch(Double::isFinite)) {
                        requireFinite(name, values, written);
                    }
                    return values;
                });
            }
        }
        writer.write(file);
        return errors;
    }

    private double[] merged(String name, StoredUpdate update, DType written, List<MergeError> errors) {
        double[] before = own(name) != null ? own(name).doubles() : base.doubles(sourceOf(name));
        double[] weight = before.clone();
        boolean turned = update.embedding() || family.isInByOut(name);
        int in = update.inFeatures();
        int out = update.outFeatures();
        int outStep = turned ? 1 : in;
        int inStep = turned ? out : 1;
        double[] a = update.a().doubles();
        double[] b = update.b().doubles();
        double scaling = adapter.scaling(update);
        for (int o = 0; o < out; o++) {
            for (int k = 0; k < update.rank(); k++) {
                double factor = scaling * b[o * update.rank() + k];
                for (int i = 0; factor != 0 && i < in; i++) {
                    weight[o * outStep + i * inStep] += factor * a[k * in + i];
                }
            }
        }
        NamedTensor magnitude = magnitudes.get(update.module());
        if (magnitude != null) {
            rescale(weight, magnitude, in, out, outStep, inStep);
        }
        if (Arrays.stream(before).allMatch(Double::isFinite)) {
            requireFinite(name, weight, written);
        }
        errors.add(MergeError.of(name, written, weight, before));
        return weight;
    }

    /** DoRA: what makes one output, or one feature of an embedding, to the length that its magnitude says. */
    private void rescale(double[] weight, NamedTensor magnitude, int in, int out, int outStep, int inStep) {
        if (magnitude.shape().size() != out) {
            throw adapter.error(Names.quoted(magnitude.name()) + " has shape " + magnitude.shape() + ", expected (" + out + ")");
        }
        double[] lengths = magnitude.doubles();
        for (int o = 0; o < out; o++) {
            double squares = 0;
            for (int i = 0; i < in; i++) {
                double w = weight[o * outStep + i * inStep];
                squares += w * w;
            }
            double factor = lengths[o] / Math.sqrt(squares);
            for (int i = 0; i < in; i++) {
                weight[o * outStep + i * inStep] *= factor;
            }
        }
    }
}
