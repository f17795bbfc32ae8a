package org.lora4j.experiments.analysis;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.adapters.StoredUpdate;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.Slot;

/**
 * One update of an adapter, of a whole module or of one part of a fused one: as the paper asks of ΔW_q where a file has the update of
 * q, k and v in one.
 *
 * <pre>
 *   part p of a fused map    B_p: the part's rows of B, without the columns that are zero there and not in other parts
 *                            A_p: the rows of A that those columns multiply
 * </pre>
 *
 * @param place   which weight it is of
 * @param a       (r, in)
 * @param b       (out, r)
 * @param scaling s
 */
record AnalysedMap(Place place, double[] a, double[] b, int rank, double alpha, double scaling) {

    private static final Pattern NUMBERED = Pattern.compile("\\.(\\d{1,6})\\.");

    /**
     * Which weight.
     *
     * @param module    complete, where its family is known
     * @param part      q, k or v, say; null for a whole module
     * @param layer     its block, or −1
     * @param embedding whether it is an embedding's, whose weight lies the other way
     * @param first     the first of its rows in the module's weight
     */
    record Place(String module, @Nullable String part, int layer, boolean embedding, int first, int out, int in) {

        /** What is the same in every layer: {@code attn.c_attn q}. */
        String kind() {
            String end = layer < 0 ? module : module.replaceFirst("^.*?\\." + layer + "\\.", "");
            return part == null ? end : end + " " + part;
        }

        boolean isSameWeight(Place other) {
            return module.equals(other.module) && Objects.equals(part, other.part) && embedding == other.embedding;
        }

        String shape() {
            return out + " × " + in;
        }

        String described() {
            return this + ", " + shape();
        }

        @Override
        public String toString() {
            return part == null ? module : module + " " + part;
        }
    }

    /**
     * All of an adapter, each fused one whole and then by its parts.
     *
     * @param names  its family's; null where that is not known
     * @param config the base's {@code config.json}; null where it is not at hand
     */
    static List<AnalysedMap> of(StoredAdapter adapter, @Nullable ModelNames names, @Nullable ObjectNode config) {
        List<AnalysedMap> maps = new ArrayList<>();
        for (StoredUpdate update : adapter.updates()) {
            String module = names == null ? update.module() : names.complete(update.module());
            int layer = layer(module, names);
            int out = update.outFeatures();
            int in = update.inFeatures();
            AnalysedMap whole = new AnalysedMap(new Place(module, null, layer, update.embedding(), 0, out, in), update.a().doubles(),
                    update.b().doubles(), update.rank(), adapter.config().alphaOf(update.module()), adapter.scaling(update));
            maps.add(whole);
            if (!update.embedding() && names != null) {
                maps.addAll(whole.parted(names.fusedParts(module, out, config)));
            }
        }
        return maps;
    }

    /** The same without A and B, whose directions are known. */
    AnalysedMap withoutNumbers() {
        return new AnalysedMap(place, new double[0], new double[0], rank, alpha, scaling);
    }

    private static int layer(String module, @Nullable ModelNames names) {
        if (names != null && names.blockOf(module + ".weight") != Slot.NO_BLOCK) {
            return names.blockOf(module + ".weight");
        }
        Matcher numbered = NUMBERED.matcher(module);
        return numbered.find() ? Integer.parseInt(numbered.group(1)) : Slot.NO_BLOCK;
    }

    private List<AnalysedMap> parted(List<FusedPart> parts) {
        boolean[][] used = new boolean[parts.size()][rank];
        boolean[] anywhere = new boolean[rank];
        for (int p = 0; p < used.length; p++) {
            FusedPart part = parts.get(p);
            for (int row = part.first(); row < part.first() + part.width(); row++) {
                for (int k = 0; k < rank; k++) {
                    boolean filled = b[row * rank + k] != 0;
                    used[p][k] |= filled;
                    anywhere[k] |= filled;
                }
            }
        }
        List<AnalysedMap> found = new ArrayList<>();
        for (int p = 0; p < parts.size(); p++) {
            List<Integer> columns = new ArrayList<>();
            for (int k = 0; k < rank; k++) {
                if (used[p][k] || !anywhere[k]) {
                    columns.add(k);
                }
            }
            if (!columns.isEmpty()) {
                found.add(part(parts.get(p), columns));
            }
        }
        return found;
    }

    private AnalysedMap part(FusedPart part, List<Integer> columns) {
        int width = part.width();
        int r = columns.size();
        double[] rowsOfA = new double[r * place.in];
        double[] rowsOfB = new double[width * r];
        for (int k = 0; k < r; k++) {
            System.arraycopy(a, columns.get(k) * place.in, rowsOfA, k * place.in, place.in);
            for (int row = 0; row < width; row++) {
                rowsOfB[row * r + k] = b[(part.first() + row) * rank + columns.get(k)];
            }
        }
        return new AnalysedMap(new Place(place.module, part.name(), place.layer, false, part.first(), width, place.in), rowsOfA, rowsOfB, r,
                alpha * r / rank, scaling);
    }
}
