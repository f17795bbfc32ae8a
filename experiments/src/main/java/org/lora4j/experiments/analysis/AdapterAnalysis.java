package org.lora4j.experiments.analysis;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterFormat;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.adapters.StoredUpdate;
import org.lora4j.analysis.Amplification;
import org.lora4j.analysis.Directions;
import org.lora4j.analysis.Similarity;
import org.lora4j.analysis.TopDirections;
import org.lora4j.analysis.UpdateDirections;
import org.lora4j.analysis.WeightMatrix;
import org.lora4j.experiments.analysis.Analysis.LeftOut;
import org.lora4j.experiments.analysis.Analysis.MapLine;
import org.lora4j.experiments.analysis.Analysis.Side;
import org.lora4j.experiments.analysis.Analysis.WithBase;
import org.lora4j.model.ModelNames;

/** Asks section 7's questions of one or two adapters and their base. */
public final class AdapterAnalysis {

    /** Weights smaller than this are looked at side by side, larger ones one after the other, each by all cores. */
    private static final long LARGE = 4 << 20;
    private static final long SMALL = 1 << 20;
    /** Beyond so many rows and columns fewer directions of W are looked for, so that it takes less than a minute. */
    private static final int HUGE = 4096;
    /** Directions that layers are compared by. */
    private static final int BETWEEN = 8;
    private static final int MOST_PICTURED = 6;

    private final List<Read> adapters;
    private final @Nullable Path base;
    private final @Nullable String baseName;
    private final Options options;
    private final List<LeftOut> leftOut = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();
    private final Map<String, Directions[]> drawn = new LinkedHashMap<>();

    /**
     * What of an analysis may be chosen.
     *
     * @param seed       of what is drawn
     * @param layers     that get figure 8; empty for some of them, the first and the last among these
     * @param directions of the base's weights; 0 for a tenth of what there are, and at most 128, of huge ones 64
     */
    public record Options(long seed, Set<Integer> layers, int directions) {
    }

    /**
     * An adapter that was read.
     *
     * @param scaled whether its alpha is known; else s is 1
     */
    public record Read(StoredAdapter stored, AdapterFormat format, boolean scaled) {
    }

    /** A weight of all adapters, and what each does to it. */
    private record Shared(AnalysedMap.Place place, List<AnalysedMap> maps, List<UpdateDirections> directions) {
    }

    /**
     * An analysis of one adapter, or of two beside each other.
     *
     * @param adapters one or two
     * @param base     its folder; null for none
     * @param baseName as it was named
     */
    public AdapterAnalysis(List<Read> adapters, @Nullable Path base, @Nullable String baseName, Options options) {
        this.adapters = List.copyOf(adapters);
        this.base = base;
        this.baseName = baseName;
        this.options = options;
    }

    /**
     * Computes it, one weight after the other.
     *
     * @param progress told how many weights are done, of how many
     * @throws LoraException if the adapters have nothing in common, hold what is not finite or do not fit the base
     */
    public Analysis run(BiConsumer<Integer, Integer> progress) {
        try (BaseWeights weights = base == null ? null : BaseWeights.open(base)) {
            ModelNames names = weights != null ? weights.names() : family();
            List<Shared> shared = shared(names, weights == null ? null : weights.config());
            remark();
            remarkOnParts(names, weights == null ? null : weights.config());
            drawAll(shared);
            Set<Integer> detailed = detailed(shared);
            MapLine[] lines = new MapLine[shared.size()];
            int[] done = new int[1];
            Map<String, List<Integer>> modules = IntStream.range(0, lines.length).boxed().collect(Collectors.groupingBy(
                    i -> shared.get(i).place.module() + " " + shared.get(i).place.embedding(), LinkedHashMap::new, Collectors.toList()));
            boolean small = shared.stream().allMatch(line -> (long) line.place.out() * line.place.in() < LARGE);
            Stream<List<Integer>> all = modules.values().stream();
            (small ? all.parallel() : all).forEach(module -> {
                List<MapLine> made = lines(module.stream().map(shared::get).toList(), weights, detailed);
                for (int i = 0; i < made.size(); i++) {
                    lines[module.get(i)] = made.get(i);
                }
                synchronized (done) {
                    done[0] += made.size();
                    progress.accept(done[0], lines.length);
                }
            });
            if (weights != null && Stream.of(lines).allMatch(line -> line.base() == null)) {
                throw new LoraException(Names.oneLine("`model` " + baseName + ": has none of the weights that the adapter changes, such as "
                        + lines[0].where().module() + ". Name the base that it was made for"));
            }
            List<Analysis.Source> sources = adapters.stream().map(read -> new Analysis.Source(read.stored.path(), read.format.text(),
                    read.stored.config().baseModel().orElse(null), read.scaled, isDora(read))).toList();
            return new Analysis(sources, baseName, options.seed, List.of(lines), adapters.size() > 1 ? List.of() : between(shared),
                    adapters.size() > 1 ? gaussian(shared) : List.of(),
                    new Analysis.Notes(List.copyOf(leftOut), List.copyOf(remarks), List.copyOf(detailed)));
        }
    }

    // ------------------------------------------------------------------------------------------------ what there is

    /** Without a base, the modules' names may say. */
    private @Nullable ModelNames family() {
        List<String> modules = adapters.getFirst().stored.updates().stream().map(StoredUpdate::module).toList();
        List<ModelNames> resembling = ModelNames.resembling(modules);
        return ModelNames.ofModules(modules).orElse(resembling.isEmpty() ? null : resembling.getFirst());
    }

    private List<Shared> shared(@Nullable ModelNames names, @Nullable ObjectNode config) {
        List<List<AnalysedMap>> all = adapters.stream().map(read -> AnalysedMap.of(read.stored, names, config)).toList();
        for (int k = 0; k < all.size(); k++) {
            if (all.get(k).isEmpty()) {
                throw new LoraException(Names.oneLine(adapters.get(k).stored.path() + ": holds no low-rank update, so there is nothing to "
                        + "analyse"));
            }
        }
        List<Shared> shared = new ArrayList<>();
        for (AnalysedMap map : all.getFirst()) {
            List<AnalysedMap> maps = new ArrayList<>(List.of(map));
            if (all.size() > 1) {
                AnalysedMap other = all.get(1).stream().filter(o -> o.place().isSameWeight(map.place())).findFirst().orElse(null);
                if (other == null) {
                    leftOut.add(new LeftOut(map.place().module(), map.place().part(), "only " + path(0) + " adapts it"));
                    continue;
                }
                if (!other.place().equals(map.place())) {
                    leftOut.add(new LeftOut(map.place().module(), map.place().part(), "is " + map.place().shape() + " in " + path(0)
                            + " and " + other.place().shape() + " in " + path(1)));
                    continue;
                }
                maps.add(other);
            }
            List<UpdateDirections> directions = new ArrayList<>();
            for (int k = 0; k < maps.size(); k++) {
                directions.add(directions(maps.get(k), adapters.get(k)));
                maps.set(k, maps.get(k).withoutNumbers());
            }
            shared.add(new Shared(map.place(), maps, directions));
        }
        if (all.size() > 1) {
            all.get(1).stream().filter(map -> all.getFirst().stream().noneMatch(o -> o.place().isSameWeight(map.place())))
                    .forEach(map -> leftOut.add(new LeftOut(map.place().module(), map.place().part(), "only " + path(1) + " adapts it")));
        }
        if (shared.isEmpty()) {
            throw new LoraException(Names.oneLine(path(0) + " and " + path(1) + " adapt no weight in common: the first "
                    + all.getFirst().getFirst().place().described() + ", the second " + all.get(1).getFirst().place().described()));
        }
        shared.sort(Comparator.comparingInt(line -> line.place.layer())); // files have them by the alphabet, 10 before 2
        return shared;
    }

    private Path path(int adapter) {
        return adapters.get(adapter).stored.path();
    }

    private static UpdateDirections directions(AnalysedMap map, Read read) {
        try {
            return UpdateDirections.of(map.a(), map.b(), map.rank(), read.scaled ? map.scaling() : 1);
        } catch (LoraException e) {
            throw new LoraException(Names.oneLine(read.stored.path() + ": " + map.place() + ": " + e.getMessage()), e);
        }
    }

    private static boolean isDora(Read read) {
        return read.stored.config().field("use_dora").asBoolean();
    }

    private void remark() {
        for (Read read : adapters) {
            if (!read.scaled) {
                remarks.add(Names.oneLine(read.stored.path() + ": a loralib file does not say alpha, so ΔW is B·A without the factor alpha/r; "
                        + "directions and φ do not depend on it, norms do"));
            }
            if (isDora(read)) {
                remarks.add(Names.oneLine(read.stored.path() + ": is a DoRA adapter. ΔW is its low-rank part s·B·A; what its magnitudes do "
                        + "to the lengths of rows is left out"));
            }
            int others = read.stored.others().size();
            if (others > 0) {
                remarks.add(Names.oneLine(read.stored.path() + ": " + others + " tensors that are no low-rank updates are left out, such as "
                        + read.stored.others().getFirst().name()));
            }
        }
    }

    /** Without a base, how wide the parts of some maps are is not known. */
    private void remarkOnParts(@Nullable ModelNames names, @Nullable ObjectNode config) {
        for (Read read : names == null ? List.<Read>of() : adapters) {
            List<String> unknown = read.stored.updates().stream().filter(update -> !update.embedding()).filter(update -> {
                String module = names.complete(update.module());
                return !names.parts(module).isEmpty() && names.fusedParts(module, update.outFeatures(), config).isEmpty();
            }).map(StoredUpdate::module).toList();
            if (!unknown.isEmpty()) {
                remarks.add(Names.oneLine(read.stored.path() + ": how wide the parts "
                        + String.join(", ", names.parts(names.complete(unknown.getFirst()))) + " of " + Names.some(unknown, 2)
                        + " are stands in the base's config.json, so it is shown as a whole. Name the base to see its parts"));
            }
        }
    }

    private Set<Integer> detailed(List<Shared> shared) {
        Set<Integer> layers = shared.stream().map(line -> line.place.layer()).collect(Collectors.toCollection(TreeSet::new));
        if (!options.layers.isEmpty()) {
            Set<Integer> missing = new TreeSet<>(options.layers);
            missing.removeAll(layers);
            if (!missing.isEmpty()) {
                throw new LoraException("`layers` " + Names.some(missing.stream().map(String::valueOf).toList(), 4)
                        + ": nothing is adapted there; expected some of " + layers);
            }
            return new TreeSet<>(options.layers);
        }
        List<Integer> blocks = layers.stream().filter(layer -> layer >= 0).toList();
        if (blocks.size() <= MOST_PICTURED) {
            return layers;
        }
        int last = blocks.size() - 1; // as figures 6 and 7: the first, one at a third, at two thirds, the last
        return new TreeSet<>(List.of(blocks.getFirst(), blocks.get(last / 3), blocks.get(2 * last / 3), blocks.get(last)));
    }

    // ------------------------------------------------------------------------------------------------ one module

    private List<MapLine> lines(List<Shared> module, @Nullable BaseWeights weights, Set<Integer> detailed) {
        AnalysedMap.Place first = module.getFirst().place;
        int out = module.stream().mapToInt(line -> line.place.first() + line.place.out()).max().orElseThrow();
        boolean parted = module.size() > 1;
        WeightMatrix weight = weights == null ? null : weights.of(first, first.part() == null ? first.out() : out).orElse(null);
        if (weights != null && weight == null) {
            synchronized (leftOut) {
                leftOut.add(new LeftOut(first.module(), null, "the base has no such weight that could be read whole: only the adapter's own "
                        + "numbers are given"));
            }
        }
        List<MapLine> lines = new ArrayList<>();
        for (Shared line : module) {
            boolean whole = line.place.part() == null;
            lines.add(line(line, whole && parted, weight == null ? null : weight.rows(line.place.first(), line.place.out()),
                    detailed.contains(line.place.layer())));
        }
        return lines;
    }

    private MapLine line(Shared line, boolean parted, @Nullable WeightMatrix weight, boolean detailed) {
        AnalysedMap.Place place = line.place;
        Map<Side, double[][]> similarity = new EnumMap<>(Side.class);
        if (line.directions.size() > 1) {
            for (Side side : Side.values()) {
                similarity.put(side, Similarity.of(of(line.directions.get(0), side), of(line.directions.get(1), side)));
            }
        }
        boolean pictured = detailed && !parted;
        int shorter = Math.min(place.out(), place.in());
        int most = line.directions.stream().mapToInt(update -> update.rightOfDelta().count()).max().orElse(0);
        int usual = Math.clamp(shorter / 10, 1, shorter <= HUGE ? 128 : 64);
        int wanted = !pictured ? most : Math.max(most, options.directions > 0 ? options.directions : usual);
        double norm = weight == null ? 0 : weight.norm();
        // W's own directions are what costs: not where nobody asked for them and they are dear
        long size = (long) place.out() * place.in();
        boolean looksAtW = weight != null && (parted ? detailed && size < SMALL : detailed || size < LARGE);
        TopDirections top = looksAtW ? TopDirections.of(weight, Math.min(shorter, wanted), !pictured) : null;
        List<Analysis.Update> updates = new ArrayList<>();
        for (int k = 0; k < line.maps.size(); k++) {
            AnalysedMap map = line.maps.get(k);
            UpdateDirections found = line.directions.get(k);
            boolean amplifies = weight != null && !found.isZero();
            Directions[] random = amplifies ? random(place, found.rightOfDelta().count()) : null;
            updates.add(new Analysis.Update(
                    new Analysis.Setting(map.rank(), map.alpha(), adapters.get(k).scaled ? map.scaling() : 1), found.spectrum(),
                    found.valuesA(), found.valuesB(),
                    new int[] {found.rightOfA().count(), found.leftOfB().count(), found.rightOfDelta().count()},
                    amplifies ? Amplification.of(weight, norm, found, top, random[0], random[1]) : null,
                    amplifies && pictured ? new WithBase(
                            Similarity.of(top.right(), found.rightOfDelta()), Similarity.of(top.left(), found.leftOfDelta()),
                            Similarity.of(top.right(), random[1]), Similarity.of(top.left(), random[0])) : null));
        }
        Analysis.Base ofBase = weight == null ? null : top == null ? new Analysis.Base(norm, null, 0, 0)
                : new Analysis.Base(norm, top.values(), top.steps(), top.error());
        return new MapLine(new Analysis.Where(place.module(), place.part(), place.layer(), place.kind(), place.embedding(), place.out(),
                place.in()), parted, updates, similarity, ofBase);
    }

    static Directions of(UpdateDirections update, Side side) {
        return switch (side) {
            case A_RIGHT -> update.rightOfA();
            case B_LEFT -> update.leftOfB();
            case DELTA_RIGHT -> update.rightOfDelta();
            case DELTA_LEFT -> update.leftOfDelta();
        };
    }

    // ------------------------------------------------------------------------------------------------ what is drawn

    /** Left and right directions of random matrices, drawn once for each shape and number. */
    private void drawAll(List<Shared> shared) {
        if (base == null) {
            return;
        }
        for (Shared line : shared) {
            for (UpdateDirections update : line.directions) {
                int count = update.rightOfDelta().count();
                drawn.computeIfAbsent(key(line.place, count), key -> new Directions[] {
                        Directions.gaussian(line.place.out(), count, options.seed, "analysis.random.left"),
                        Directions.gaussian(line.place.in(), count, options.seed, "analysis.random.right")});
            }
        }
    }

    private Directions[] random(AnalysedMap.Place place, int count) {
        return drawn.get(key(place, count));
    }

    private static String key(AnalysedMap.Place place, int count) {
        return place.out() + " " + place.in() + " " + count;
    }

    private List<Analysis.GaussianPair> gaussian(List<Shared> shared) {
        Map<String, Analysis.GaussianPair> pairs = new LinkedHashMap<>();
        for (Shared line : shared) {
            int one = line.directions.get(0).rightOfA().count();
            int other = line.directions.get(1).rightOfA().count();
            int dimension = line.place.in();
            if (one > 0 && other > 0) {
                pairs.computeIfAbsent(dimension + " " + one + " " + other, key -> new Analysis.GaussianPair(dimension, one, other,
                        Similarity.of(Directions.gaussian(dimension, one, options.seed, "analysis.gaussian.first"),
                                Directions.gaussian(dimension, other, options.seed, "analysis.gaussian.second"))));
            }
        }
        return List.copyOf(pairs.values());
    }

    // ------------------------------------------------------------------------------------------------ between layers

    private static List<Analysis.BetweenLayers> between(List<Shared> shared) {
        Map<String, List<Shared>> kinds = shared.stream().filter(line -> line.place.layer() >= 0).collect(Collectors.groupingBy(
                line -> line.place.kind() + " " + line.place.shape(), LinkedHashMap::new, Collectors.toList()));
        List<Analysis.BetweenLayers> between = new ArrayList<>();
        for (List<Shared> kind : kinds.values()) {
            if (kind.size() < 2) {
                continue;
            }
            int most = kind.stream().mapToInt(line -> line.maps.getFirst().rank()).min().orElseThrow();
            for (Side side : Side.values()) {
                IntStream.of(1, Math.min(BETWEEN, most)).distinct().forEach(top -> between.add(between(kind, side, top)));
            }
        }
        return between;
    }

    private static Analysis.BetweenLayers between(List<Shared> kind, Side side, int top) {
        double[][] similarity = new double[kind.size()][kind.size()];
        for (int a = 0; a < similarity.length; a++) {
            for (int b = 0; b <= a; b++) {
                double[][] phi = Similarity.of(of(kind.get(a).directions.getFirst(), side).top(top),
                        of(kind.get(b).directions.getFirst(), side).top(top));
                boolean has = phi.length == top && phi[0].length == top;
                similarity[a][b] = has ? phi[top - 1][top - 1] : Double.NaN;
                similarity[b][a] = similarity[a][b];
            }
        }
        AnalysedMap.Place place = kind.getFirst().place;
        int dimension = side == Side.A_RIGHT || side == Side.DELTA_RIGHT ? place.in() : place.out();
        return new Analysis.BetweenLayers(place.kind(), side, top, kind.stream().map(line -> line.place.layer()).toList(),
                kind.stream().map(line -> line.place.module()).toList(), similarity, Similarity.expected(top, top, dimension));
    }
}
