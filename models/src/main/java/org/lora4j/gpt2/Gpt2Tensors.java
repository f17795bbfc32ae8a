package org.lora4j.gpt2;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.TensorFiles;
import org.lora4j.io.TensorInfo;
import org.lora4j.io.TensorSource;

/**
 * The tensors of a GPT-2's folder under one set of names, whoever wrote them:
 *
 * <pre>
 *   in the file                                here
 *   transformer.h.0.ln_1.weight                the same, as Transformers saves a language model
 *   h.0.ln_1.weight                            transformer.h.0.ln_1.weight: the body alone, as on the hub
 *   module.…   _orig_mod.…   and other wraps   without it: DDP, torch.compile and FSDP put their names before or between
 *   h.0.attn.bias, h.0.attn.masked_bias        left out: causal masks of old files
 * </pre>
 *
 * <p>The token embedding and the head may be one table. What the file holds decides, the configuration where it does not,
 * as in Transformers 5:
 *
 * <pre>
 *   tie_word_embeddings   wte   lm_head
 *   true                  yes   no         one table
 *   true                  no    yes        one table, which safetensors' save_model kept under the other name
 *   true                  yes   equal      one table
 *   true                  yes   other      two: the configuration is wrong, {@link #remark}
 *   false                 yes   yes        two
 *   false                 one of them      one table if save_model noted that it left the other out; else it is missing
 * </pre>
 */
public final class Gpt2Tensors implements TensorSource {

    static final String PREFIX = "transformer.";
    static final String TABLE = "transformer.wte.weight";
    static final String HEAD = "lm_head.weight";

    /** What PyTorch's wrappers are called within the names of the tensors they wrap. */
    private static final Set<String> WRAPS =
            Set.of("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module");
    private static final int COMPARED = 1 << 16;

    private final TensorSource source;
    /** Names here to names in the file. */
    private final Map<String, String> stored = new LinkedHashMap<>();
    private final boolean tied;
    private final @Nullable String remark;

    private Gpt2Tensors(TensorSource source, boolean ties) {
        this.source = source;
        for (String name : source.names()) {
            String plain = plain(name);
            if (!isMask(plain)) {
                String other = stored.put(plain, name);
                if (other != null) {
                    throw new FormatException(source.path(), "has " + Names.quoted(other) + " and " + Names.quoted(name)
                            + ", which are two tensors for one place. Was it saved in parts that do not belong together?");
                }
            }
        }
        boolean table = stored.containsKey(TABLE);
        boolean head = stored.containsKey(HEAD);
        boolean differ = ties && table && head && !equal(stored.get(TABLE), stored.get(HEAD));
        boolean leftOut = table != head && wasLeftOut(table ? HEAD : TABLE, table ? TABLE : HEAD);
        tied = ties ? !differ : leftOut;
        remark = differ ? Names.oneLine(source.path() + ": has an " + HEAD + " that differs from the token embedding, although "
                + "config.json ties the two" + ". The file's head is used, as Transformers 5 does; say \"tie_word_embeddings\": "
                + "false in config.json to silence this") : null;
        if (tied && head && !table) {
            stored.put(TABLE, stored.get(HEAD));
        }
        if (tied) {
            stored.remove(HEAD);
        }
    }

    /**
     * @param folder the model's
     * @param ties   whether its configuration ties the head to the token embedding
     * @throws org.lora4j.LoraException if there are no tensors, they are damaged, or two are for one place
     */
    public static Gpt2Tensors open(Path folder, boolean ties) {
        TensorSource source = TensorFiles.open(folder);
        try {
            return new Gpt2Tensors(source, ties);
        } catch (RuntimeException | Error e) {
            source.close();
            throw e;
        }
    }

    /** Whether the head is the token embedding; there is no {@code lm_head.weight} then. */
    public boolean tied() {
        return tied;
    }

    /** What a user should know about these tensors, in one line. */
    public Optional<String> remark() {
        return Optional.ofNullable(remark);
    }

    /** Without wraps and with the prefix. */
    private static String plain(String name) {
        String bare = Arrays.stream(name.split("\\.", -1)).filter(part -> !WRAPS.contains(part))
                .collect(Collectors.joining("."));
        return bare.startsWith(PREFIX) || bare.equals(HEAD) ? bare : PREFIX + bare;
    }

    private static boolean isMask(String plain) {
        return plain.endsWith(".attn.bias") || plain.endsWith(".attn.masked_bias");
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

    /** @throws FormatException if it is not there, in the file's spelling of names */
    String storedName(String name) {
        String found = stored.get(name);
        if (found != null) {
            return found;
        }
        if (name.equals(HEAD) && has(TABLE)) {
            throw new FormatException(path(), "has no tensor '" + HEAD + "', although config.json says that "
                    + "tie_word_embeddings is false. If the head is the token embedding, say true there");
        }
        boolean prefixed = source.names().stream().anyMatch(other -> other.contains(PREFIX));
        throw TensorSource.missing(path(), prefixed || !name.startsWith(PREFIX) ? name : name.substring(PREFIX.length()),
                Set.copyOf(source.names()));
    }
}
