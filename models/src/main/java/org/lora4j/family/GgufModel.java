package org.lora4j.family;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lora4j.Names;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.TensorSource;
import org.lora4j.io.gguf.GgufCopy;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.io.gguf.GgufValue;
import org.lora4j.model.ModelNames;
import org.lora4j.tensor.Shape;

/**
 * The tensors of a GGUF model as Hugging Face would have them: under its names, without what llama.cpp's converter does to
 * them. All linear maps lie as out × in; for some architectures it puts the rows of a head of q and k in pairs, and adds 1 to
 * the weights of norms:
 *
 * <pre>
 *   row h·d + 2·i + j there is row h·d + j·d/2 + i here          d: rows of a head   i &lt; d/2   j: 0 or 1
 * </pre>
 */
final class GgufModel extends ExpandedTensors {

    private static final String ARCHITECTURE = "general.architecture";

    private final GgufFile file;
    private final ModelNames family;
    private final ObjectNode config;
    /** Names here to names in the file. */
    private final Map<String, String> stored = new LinkedHashMap<>();
    /** The map that was turned last, whole: it is asked for piece by piece. */
    private String turnedName = "";
    private float[] turned = new float[0];

    /** @param config the model's {@code config.json} */
    GgufModel(GgufFile file, ModelNames family, ObjectNode config) {
        super(file);
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

    @Override
    String stored(String name) {
        String theirs = stored.get(name);
        if (theirs == null) {
            throw TensorSource.missing(path(), name, Set.copyOf(stored.keySet()));
        }
        return theirs;
    }

    @Override
    public List<String> names() {
        return List.copyOf(stored.keySet());
    }

    /** None that a model in Hugging Face layout would have. */
    @Override
    public Map<String, String> metadata() {
        return Map.of();
    }

    @Override
    public boolean has(String name) {
        return stored.containsKey(name);
    }

    @Override
    boolean isMade(String name) {
        return file.isQuantised(stored(name)) || family.pairedRows(name, config) != 0 || family.ggufShift(name) != 0 || turns(name);
    }

    /** Whether the map lies as in × out here. */
    private boolean turns(String name) {
        return family.isInByOut(name) && file.shape(stored(name)).rank() == 2;
    }

    @Override
    Shape shapeOf(String name) {
        Shape there = file.shape(stored(name));
        return turns(name) ? Shape.of(there.columns(), there.rows()) : there;
    }

    @Override
    void make(String name, long from, float[] into, int at, int count) {
        String theirs = stored(name);
        if (turns(name)) {
            System.arraycopy(turned(name), Math.toIntExact(from), into, at, count);
            return;
        }
        int paired = family.pairedRows(name, config);
        double shift = family.ggufShift(name);
        if (paired == 0) {
            file.readFloats(theirs, from, into, at, count);
        } else {
            Shape shape = file.shape(theirs);
            int columns = shape.rank() == 1 ? 1 : shape.columns();
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

    /** All of a map as in × out. */
    private float[] turned(String name) {
        if (!turnedName.equals(name)) {
            float[] there = file.floats(stored(name));
            int in = file.shape(stored(name)).columns();
            turned = new float[there.length];
            for (int i = 0; i < there.length; i++) {
                turned[i % in * (there.length / in) + i / in] = there[i];
            }
            turnedName = name;
        }
        return turned;
    }

    /**
     * Writes a merged model as the base's GGUF file with what has changed in its place; quantised tensors that have not changed
     * stay so.
     *
     * @param merged its tensors under Hugging Face's names
     */
    void writeMerged(TensorSource merged, Path out) {
        Map<String, NamedTensor> replaced = new LinkedHashMap<>();
        for (String name : merged.names()) {
            double[] values = merged.doubles(name);
            if (has(name) && Arrays.equals(values, doubles(name))) {
                continue;
            }
            String theirs = has(name) ? stored(name) : family.toGguf(name.substring(0, name.lastIndexOf('.'))).map(
                    module -> module + name.substring(name.lastIndexOf('.'))).orElseThrow(() -> new FormatException(path(),
                            "has no place for " + Names.quoted(name)));
            Shape shape = merged.shape(name);
            int paired = family.pairedRows(name, config);
            int columns = shape.rank() == 1 ? 1 : shape.columns();
            boolean turn = family.isInByOut(name) && shape.rank() == 2;
            double[] there = new double[values.length];
            for (int i = 0; i < values.length; i++) {
                int row = i / columns;
                int to = turn ? i % columns * shape.rows() + row
                        : paired == 0 ? i : inFile(row, paired) * columns + i % columns;
                there[to] = values[i] + family.ggufShift(name);
            }
            replaced.put(theirs, NamedTensor.of(theirs, shape.rank() == 1 ? DType.F32 : merged.dtype(name),
                    turn ? Shape.of(shape.columns(), shape.rows()) : shape, there));
        }
        GgufCopy.write(file, replaced, out);
    }

    /** Where the row lies there. */
    private static int inFile(int row, int headSize) {
        int inHead = row % headSize;
        int half = headSize / 2;
        return row - inHead + 2 * (inHead % half) + inHead / half;
    }
}
