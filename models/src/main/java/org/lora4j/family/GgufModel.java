package org.lora4j.family;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.TensorInfo;
import org.lora4j.io.TensorSource;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.io.gguf.GgufValue;
import org.lora4j.model.ModelNames;

/**
 * The tensors of a GGUF model as Hugging Face would have them: under its names, without what llama.cpp's converter does to
 * them. For some architectures that puts the rows of a head of q and k in pairs, and adds 1 to the weights of norms:
 *
 * <pre>
 *   row h·d + 2·i + j there is row h·d + j·d/2 + i here          d: rows of a head   i &lt; d/2   j: 0 or 1
 * </pre>
 */
final class GgufModel implements TensorSource {

    private static final String ARCHITECTURE = "general.architecture";

    private final GgufFile file;
    private final ModelNames family;
    private final ObjectNode config;
    /** Names here to names in the file. */
    private final Map<String, String> stored = new LinkedHashMap<>();

    /** @param config the model's {@code config.json} */
    GgufModel(GgufFile file, ModelNames family, ObjectNode config) {
        this.file = file;
        this.family = family;
        this.config = config;
        GgufValue architecture = file.values().get(ARCHITECTURE);
        if (architecture == null || !family.ggufArchitecture().equals(Optional.of(architecture.toString()))) {
            throw new FormatException(file.path(), ARCHITECTURE + " is " + (architecture == null ? "missing"
                    : Names.quoted(architecture.toString())) + ", expected " + Names.quoted(family.ggufArchitecture().orElse("none"))
                    + " as config.json says that this is a " + family.title());
        }
        for (String name : file.names()) {
            if (!family.isGgufBuffer(name)) {
                String ours = family.tensorFromGguf(name).orElse(name); // one that nobody asks for is reported under its own name
                stored.put(ours, name);
            }
        }
    }

    private String theirs(String name) {
        String theirs = stored.get(name);
        if (theirs == null) {
            throw TensorSource.missing(path(), name, Set.copyOf(stored.keySet()));
        }
        return theirs;
    }

    @Override
    public Path path() {
        return file.path();
    }

    @Override
    public List<String> names() {
        return List.copyOf(stored.keySet());
    }

    @Override
    public Map<String, String> metadata() {
        return Map.of();
    }

    @Override
    public boolean has(String name) {
        return stored.containsKey(name);
    }

    @Override
    public TensorInfo info(String name) {
        TensorInfo info = file.info(theirs(name));
        return new TensorInfo(name, info.dtype(), info.shape(), info.offset(), info.byteSize());
    }

    /** As they lie in the file. */
    @Override
    public MemorySegment bytes(String name) {
        return file.bytes(theirs(name));
    }

    @Override
    public void readFloats(String name, long from, float[] into, int at, int count) {
        String theirs = theirs(name);
        int paired = family.pairedRows(name, config);
        double shift = family.ggufShift(name);
        if (paired == 0) {
            file.readFloats(theirs, from, into, at, count);
        } else {
            int columns = file.shape(theirs).columns();
            for (int done = 0; done < count;) {
                long element = from + done;
                int row = (int) (element / columns);
                int column = (int) (element % columns);
                int length = Math.min(columns - column, count - done);
                file.readFloats(theirs, (long) inFile(row, paired) * columns + column, into, at + done, length);
                done += length;
            }
        }
        for (int i = 0; shift != 0 && i < count; i++) {
            into[at + i] -= (float) shift;
        }
    }

    /** Where the row lies there. */
    private static int inFile(int row, int headSize) {
        int inHead = row % headSize;
        int half = headSize / 2;
        return row - inHead + 2 * (inHead % half) + inHead / half;
    }

    @Override
    public float[] floats(String name) {
        float[] all = new float[Math.toIntExact(file.shape(theirs(name)).size())];
        readFloats(name, 0, all, 0, all.length);
        return all;
    }

    @Override
    public void readDoubles(String name, long from, double[] into, int at, int count) {
        float[] floats = new float[count];
        readFloats(name, from, floats, 0, count);
        for (int i = 0; i < count; i++) {
            into[at + i] = floats[i];
        }
    }

    @Override
    public double[] doubles(String name) {
        double[] all = new double[Math.toIntExact(file.shape(theirs(name)).size())];
        readDoubles(name, 0, all, 0, all.length);
        return all;
    }

    @Override
    public void close() {
        file.close();
    }
}
