package org.lora4j.family;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.backend.FourBitWeights;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFile;
import org.lora4j.io.TensorFiles;
import org.lora4j.io.TensorInfo;
import org.lora4j.io.TensorSource;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.model.ModelNames;

/**
 * The tensors of a model's folder under its family's names ({@link ModelNames}), whoever wrote them:
 *
 * <pre>
 *   in the file                                here
 *   PREFIX.NAME                                the same, as Transformers saves a language model; PREFIX is the body's
 *   NAME                                       PREFIX.NAME: the body alone, as on the hub
 *   module.…   _orig_mod.…   and other wraps   without it: DDP, torch.compile and FSDP put their names before or between
 *   LayerNorm.gamma, and other old names       today's
 *   causal masks of old files, and the like    left out: what the family says is a buffer
 * </pre>
 *
 * <p>The token embedding and the head may be one table. What the file holds decides, the configuration where it does not,
 * as in Transformers 5:
 *
 * <pre>
 *   tie_word_embeddings   table   head
 *   true                  yes     no       one table
 *   true                  no      yes      one table, which safetensors' save_model kept under the other name
 *   true                  yes     equal    one table
 *   true                  yes     other    two: the configuration is wrong, {@link #remark}
 *   false                 yes     yes      two
 *   false                 one of them      one table if save_model noted that it left the other out; else it is missing
 * </pre>
 *
 * <p>A classifier has no such table, and heads of other kinds are left out ({@link #leftOut}).
 */
public final class ModelTensors implements TensorSource {

    /** What PyTorch's wrappers are called within the names of the tensors they wrap. */
    private static final Set<String> WRAPS =
            Set.of("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module");
    private static final int COMPARED = 1 << 16;

    private final TensorSource source;
    private final ModelNames family;
    private final String tableName;
    private final String headName;
    /** Names here to names in the file. */
    private final Map<String, String> stored = new LinkedHashMap<>();
    private final List<String> leftOut = new ArrayList<>();
    private final boolean tied;
    private final @Nullable String remark;

    private ModelTensors(TensorSource source, ModelNames family, boolean ties, Predicate<String> unwanted) {
        this.source = source;
        this.family = family;
        tableName = family.tokenTable();
        headName = family.headWeight();
        for (String name : source.names()) {
            String plain = plain(name);
            if (unwanted.test(plain)) {
                leftOut.add(name);
            } else if (!family.isBuffer(plain)) {
                String other = stored.put(plain, name);
                if (other != null) {
                    throw new FormatException(source.path(), "has " + Names.quoted(other) + " and " + Names.quoted(name)
                            + ", which are two tensors for one place. Was it saved in parts that do not belong together?");
                }
            }
        }
        boolean table = stored.containsKey(tableName);
        boolean head = stored.containsKey(headName);
        boolean differ = ties && table && head && !equal(stored.get(tableName), stored.get(headName));
        boolean leftOut = table != head && wasLeftOut(table ? headName : tableName, table ? tableName : headName);
        tied = ties ? !differ : leftOut;
        remark = differ ? Names.oneLine(source.path() + ": has a tensor " + headName + " that differs from the token embedding, although "
                + "config.json ties the two" + ". The file's head is used, as Transformers 5 does; say \"tie_word_embeddings\": "
                + "false in config.json to silence this") : null;
        if (tied && head && !table) {
            stored.put(tableName, stored.get(headName));
        }
        if (tied) {
            stored.remove(headName);
        }
    }

    /**
     * Opens a folder's tensors under the family's own names.
     *
     * @param folder the model's
     * @param family how its tensors are called
     * @param ties   whether its configuration ties the head to the token embedding
     * @throws org.lora4j.LoraException if there are no tensors, they are damaged, or two are for one place
     */
    public static ModelTensors open(Path folder, ModelNames family, boolean ties) {
        FourBitFile.requireKnown(folder);
        TensorSource source = source(folder, family);
        try {
            return new ModelTensors(source, family, ties, tensor -> false);
        } catch (RuntimeException | Error e) {
            source.close();
            throw e;
        }
    }

    private static TensorSource source(Path folder, ModelNames family) {
        TensorSource source = TensorFiles.open(folder);
        try {
            if (source instanceof GgufFile gguf) {
                return new GgufModel(gguf, family, JsonFile.read(folder.resolve(Families.CONFIG)));
            }
            return source.names().stream().anyMatch(name -> FourBitFile.has(source, name)) ? new FourBitModel(source) : source;
        } catch (RuntimeException | Error e) {
            source.close();
            throw e;
        }
    }

    /**
     * Those of a classifier of sequences, or of the body of another model.
     *
     * @param withHead whether a head that classifies is wanted; if not, it is left out as others are
     * @throws org.lora4j.LoraException if there are no tensors, they are damaged, or two are for one place
     */
    public static ModelTensors openClassifier(Path folder, ModelNames family, boolean withHead) {
        FourBitFile.requireKnown(folder);
        TensorSource source = source(folder, family);
        try {
            return new ModelTensors(source, family, false,
                    tensor -> family.isOfOtherHead(tensor) || !withHead && family.isOfClassifier(tensor));
        } catch (RuntimeException | Error e) {
            source.close();
            throw e;
        }
    }

    /** Whether there is any tensor of a head that classifies sequences. */
    public boolean hasClassifier() {
        return stored.keySet().stream().anyMatch(family::isOfClassifier);
    }

    /** The tensors of heads that are not wanted, as the file calls them. */
    public List<String> leftOut() {
        return List.copyOf(leftOut);
    }

    /** Whether the head is the token embedding; there is no tensor of a head's then. */
    public boolean tied() {
        return tied;
    }

    /** What a user should know about these tensors, in one line. */
    public Optional<String> remark() {
        return Optional.ofNullable(remark);
    }

    /** Without wraps and with the prefix. */
    private String plain(String name) {
        return family.modern(family.complete(Arrays.stream(name.split("\\.", -1)).filter(part -> !WRAPS.contains(part))
                .collect(Collectors.joining("."))));
    }

    /** save_model notes each tensor it leaves out, with the name under which the same memory is in the file. */
    private boolean wasLeftOut(String out, String kept) {
        return source.metadata().entrySet().stream()
                .anyMatch(note -> plain(note.getKey()).equals(out) && plain(note.getValue()).equals(kept));
    }

    /** By value, since the two may have different types; 0 and -0 are one, as they are for PyTorch. */
    private boolean equal(String one, String other) {
        TensorInfo a = source.info(one);
        TensorInfo b = source.info(other);
        if (!a.shape().equals(b.shape())) {
            return false;
        }
        if (a.dtype() == b.dtype() && source.bytes(one).mismatch(source.bytes(other)) == -1) {
            return true;
        }
        double[] ofOne = new double[COMPARED];
        double[] ofOther = new double[COMPARED];
        for (long from = 0; from < a.size(); from += COMPARED) {
            int count = (int) Math.min(COMPARED, a.size() - from);
            source.readDoubles(one, from, ofOne, 0, count);
            source.readDoubles(other, from, ofOther, 0, count);
            for (int i = 0; i < count; i++) {
                if (ofOne[i] != ofOther[i]) {
                    return false;
                }
            }
        }
        return true;
    }

    // ------------------------------------------------------------------------------------------------ the source

    @Override
    public Path path() {
        return source.path();
    }

    @Override
    public List<String> names() {
        return List.copyOf(stored.keySet());
    }

    @Override
    public Map<String, String> metadata() {
        return source.metadata();
    }

    @Override
    public boolean has(String name) {
        return stored.containsKey(name);
    }

    @Override
    public TensorInfo info(String name) {
        TensorInfo info = source.info(storedName(name));
        return new TensorInfo(name, info.dtype(), info.shape(), info.offset(), info.byteSize());
    }

    @Override
    public MemorySegment bytes(String name) {
        return source.bytes(storedName(name));
    }

    /** Whether this is a model of llama.cpp's, as which {@link #writeGguf} can write what it became. */
    public boolean isGguf() {
        return source instanceof GgufModel;
    }

    /**
     * Writes a merged model as llama.cpp's file: the base's with what has changed in its place.
     *
     * @param merged its tensors under the family's names
     * @throws IllegalStateException if the base is no such file
     */
    public void writeGguf(TensorSource merged, Path out) {
        if (!(source instanceof GgufModel model)) {
            throw new IllegalStateException(path() + " is no model of llama.cpp's");
        }
        model.writeMerged(merged, out);
    }

    /** The weights of a matrix that the file has in four bits. */
    Optional<FourBitWeights> fourBits(String name) {
        return source instanceof FourBitModel model ? model.weights(storedName(name)) : Optional.empty();
    }

    // what may go wrong below is said with the name that the file has

    @Override
    public void requireShape(String name, int... extents) {
        source.requireShape(storedName(name), extents);
    }

    @Override
    public void readFloats(String name, long from, float[] into, int at, int count) {
        source.readFloats(storedName(name), from, into, at, count);
    }

    @Override
    public void readDoubles(String name, long from, double[] into, int at, int count) {
        source.readDoubles(storedName(name), from, into, at, count);
    }

    @Override
    public float[] floats(String name) {
        return source.floats(storedName(name));
    }

    @Override
    public double[] doubles(String name) {
        return source.doubles(storedName(name));
    }

    @Override
    public void close() {
        source.close();
    }

    /**
     * What the file calls it, for messages.
     *
     * @throws FormatException if it is not there, in the file's spelling of names
     */
    public String storedName(String name) {
        String found = stored.get(name);
        if (found != null) {
            return found;
        }
        if (name.equals(headName) && has(tableName)) {
            throw new FormatException(path(), "has no tensor '" + headName + "', although config.json says that "
                    + "tie_word_embeddings is false. If the head is the token embedding, say true there");
        }
        String prefix = family.bodyPrefix();
        boolean prefixed = source.names().stream().anyMatch(other -> other.contains(prefix));
        throw TensorSource.missing(path(), prefixed || !name.startsWith(prefix) ? name : name.substring(prefix.length()),
                Set.copyOf(source.names()));
    }
}
