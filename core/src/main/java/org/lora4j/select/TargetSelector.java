package org.lora4j.select;

import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.stream.Collectors;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * Which modules of a model get a low-rank update, by their names, such as {@code transformer.h.0.attn.c_attn}. The rules
 * are PEFT's (0.21), so that an adapter means the same here and there:
 *
 * <pre>
 *   list         a name that is in the list, or ends with a dot and an element of it: c_attn, attn.c_proj
 *   expression   a name that a regular expression matches from its first character to its last
 *   all-linear   every name; the caller passes the linear modules, without the output head
 *
 *   layers       of those a list matched by their ends: only the ones in these layers. The layer of a name is its first
 *                number that follows two other parts (transformer.h.<b>0</b>.attn), or, with layer patterns, the first
 *                that follows a part one of them matches (h gives transformer.h.<b>0</b>)
 *   exclude      of any: not those that a list or an expression, read as above, matches
 *   outside      of any: not those that are, or are inside, a module that is trained as a whole
 * </pre>
 *
 * <p>Source: {@code check_target_module_exists} in PEFT's tuners_utils.py.
 *
 * <p>PEFT is content when some pattern of a list matches. {@link #select} is not: a slip in one name would train less
 * than was asked for without a word. {@link #matching} is as lenient as PEFT, for adapters that exist already and whose
 * tensors say what they adapt.
 */
public final class TargetSelector {

    /** PEFT's word for all linear modules, in any case. */
    public static final String ALL_LINEAR = "all-linear";

    /** Where a layer's number is looked for if no layer pattern says: transformer.h.<b>0</b>.attn. */
    private static final List<PythonRegex> ANY_LAYER =
            List.of(PythonRegex.compile("layer", ".*?\\.[^.]*\\.(?P<idx>\\d+)\\."));

    private static final int MOST_LAYERS_SHOWN = 100;

    private final NameFilter targets;
    private final NameFilter excluded;
    private final Set<Integer> layers;
    private final List<PythonRegex> layerPatterns;
    private final List<PythonRegex> wholes;

    private TargetSelector(NameFilter targets, NameFilter excluded, Set<Integer> layers, List<PythonRegex> layerPatterns,
            List<PythonRegex> wholes) {
        this.targets = targets;
        this.excluded = excluded;
        this.layers = layers;
        this.layerPatterns = layerPatterns;
        this.wholes = wholes;
    }

    /** Names, or ends of names: {@code c_attn} matches every module of that name, {@code attn.c_proj} not the MLP's. */
    public static TargetSelector byNames(List<String> namesOrEnds) {
        return of(new NameFilter.Ends(List.copyOf(namesOrEnds)));
    }

    /**
     * A regular expression in Python's dialect for whole names, or {@code all-linear}.
     *
     * @throws LoraException if it is not a regular expression
     */
    public static TargetSelector byExpression(String expression) {
        return of(expression.equalsIgnoreCase(ALL_LINEAR) ? new NameFilter.All()
                : new NameFilter.Expression(PythonRegex.compile("`targets`", expression)));
    }

    private static TargetSelector of(NameFilter targets) {
        return new TargetSelector(targets, new NameFilter.Ends(List.of()), Set.of(), ANY_LAYER, List.of());
    }

    /** The same, without modules so named. */
    public TargetSelector excluding(List<String> namesOrEnds) {
        return new TargetSelector(targets, new NameFilter.Ends(List.copyOf(namesOrEnds)), layers, layerPatterns, wholes);
    }

    /** The same, without modules whose whole name the expression matches. */
    public TargetSelector excludingExpression(String expression) {
        NameFilter filter = new NameFilter.Expression(PythonRegex.compile("`exclude`", expression));
        return new TargetSelector(targets, filter, layers, layerPatterns, wholes);
    }

    /** The same, in these layers only; an empty list means all. */
    public TargetSelector onLayers(Collection<Integer> layers) {
        return onLayers(layers, List.of());
    }

    /**
     * The same, in these layers only, where the list of layers is a module that one of {@code layerPatterns} names.
     *
     * @throws LoraException if the targets are an expression, which has to say itself which layers it means
     */
    public TargetSelector onLayers(Collection<Integer> layers, List<String> layerPatterns) {
        if (!(targets instanceof NameFilter.Ends)) {
            throw new LoraException("`layers` can only be given with a list of targets; the targets are " + targets
                    + ", which has to say itself which layers it means");
        }
        List<PythonRegex> compiled = layerPatterns.stream()
                .map(pattern -> PythonRegex.compile("layers pattern", "(?:^|.*?\\.)", pattern, "\\.(?P<idx>\\d+)\\."))
                .toList();
        return new TargetSelector(targets, excluded, new TreeSet<>(layers), compiled.isEmpty() ? ANY_LAYER : compiled,
                wholes);
    }

    /** The same, without modules that are trained and saved as a whole, or lie inside one. */
    public TargetSelector outside(List<String> wholeModules) {
        List<PythonRegex> compiled = wholeModules.stream()
                .map(module -> PythonRegex.compile("module to save", "(^|.*\\.)", module, "($|\\..*)"))
                .toList();
        return new TargetSelector(targets, excluded, layers, layerPatterns, compiled);
    }

    /** Whether the targets are all linear modules, so that {@link #select} must be given just those. */
    public boolean isAllLinear() {
        return targets instanceof NameFilter.All;
    }

    /** Whether a module of this name is a target. */
    public boolean matches(String name) {
        if (isExcluded(name) || !targets.matches(name)) {
            return false;
        }
        // as in PEFT, a name that is in the list in full is meant, whatever the layers
        boolean inFull = targets instanceof NameFilter.Ends(List<String> listed) && listed.contains(name);
        return layers.isEmpty() || inFull || isInLayers(name);
    }

    /** The names that match, in their order; perhaps none. */
    public List<String> matching(Collection<String> names) {
        return names.stream().filter(this::matches).toList();
    }

    /**
     * The names that match, in their order.
     *
     * @throws LoraException if any one pattern, layer or exclusion matches nothing, or nothing is left; the message says
     *                       which, and the nearest names
     */
    public List<String> select(Collection<String> names) {
        targets.patterns().forEach(pattern -> requireUsed("`targets`", targets, pattern, names));
        excluded.patterns().forEach(pattern -> requireUsed("`exclude`", excluded, pattern, names));
        if (!(targets instanceof NameFilter.Ends) && names.stream().noneMatch(targets::matches)) {
            throw new LoraException("`targets` " + targets + ": matches none of the model's " + names.size() + " modules; "
                    + "an expression must match a whole name, as " + exampleOf(names) + " is one");
        }
        requireLayersUsed(names);
        List<String> selected = matching(names);
        if (selected.isEmpty()) {
            throw new LoraException("`targets` " + targets + ": all " + names.stream().filter(targets::matches).count()
                    + " modules they match are excluded; nothing would be trained");
        }
        targets.patterns().forEach(pattern -> {
            if (selected.stream().noneMatch(pattern::matches)) {
                throw new LoraException("`targets` " + targets + ": every module called " + pattern + " is excluded"
                        + (layers.isEmpty() ? "" : " or outside layers " + commas(layers)) + "; leave it out");
            }
        });
        return selected;
    }

    /** The layer a name belongs to, as the layer list counts it. */
    private OptionalInt layerOf(String name) {
        for (PythonRegex pattern : layerPatterns) {
            Matcher match = pattern.matchAtStart(name);
            if (match != null) {
                String index = match.group(pattern.group("idx")); // null where the pattern holds an alternative without it
                boolean isNumber = index != null && index.length() <= 9;
                return isNumber ? OptionalInt.of(Integer.parseInt(index)) : OptionalInt.empty();
            }
        }
        return OptionalInt.empty();
    }

    private boolean isInLayers(String name) {
        OptionalInt layer = layerOf(name);
        return layer.isPresent() && layers.contains(layer.getAsInt());
    }

    private boolean isExcluded(String name) {
        return excluded.matches(name) || wholes.stream().anyMatch(whole -> whole.matchAtStart(name) != null);
    }

    private void requireLayersUsed(Collection<String> names) {
        Set<Integer> existing = new TreeSet<>();
        names.stream().filter(targets::matches).forEach(name -> layerOf(name).ifPresent(existing::add));
        for (int layer : layers) {
            if (!existing.contains(layer)) {
                throw new LoraException("`layers` " + commas(layers) + ": no module that " + targets + " matches is in "
                        + "layer " + layer + (existing.isEmpty() ? "; none of their names has a layer number where it is looked for"
                                : "; they are in " + commas(existing)));
            }
        }
    }

    private static void requireUsed(String setting, NameFilter filter, NameFilter pattern, Collection<String> names) {
        if (names.stream().anyMatch(pattern::matches)) {
            return;
        }
        String asked = pattern.toString();
        Map<String, Set<String>> ends = endsOf(names, asked.split("\\.", -1).length);
        List<String> nearest = Names.nearest(asked, ends.keySet(), 2);
        String known = nearest.isEmpty() ? "; there are " + Names.some(ends.keySet(), 12)
                : " (nearest: " + nearest.stream().map(end -> end + where(ends.get(end))).collect(Collectors.joining(
                        ", or ")) + ")";
        throw new LoraException(setting + " " + filter + ": nothing in this model is called " + Names.shortened(asked)
                + (names.isEmpty() ? "; it has no modules to adapt" : known));
    }

    /** The last {@code parts} parts of each name, and for each such end the parts that come right before it. */
    private static Map<String, Set<String>> endsOf(Collection<String> names, int parts) {
        Map<String, Set<String>> ends = new LinkedHashMap<>();
        for (String name : names) {
            List<String> path = Arrays.asList(name.split("\\.", -1));
            int cut = Math.max(0, path.size() - parts);
            Set<String> parents = ends.computeIfAbsent(String.join(".", path.subList(cut, path.size())),
                    end -> new LinkedHashSet<>());
            if (cut > 0 && !path.get(cut - 1).matches("\\d+")) {
                parents.add(path.get(cut - 1));
            }
        }
        return ends;
    }

    private static String where(Set<String> parents) {
        return parents.isEmpty() ? "" : ", in " + Names.some(parents, 4);
    }

    private static String exampleOf(Collection<String> names) {
        return names.isEmpty() ? "none" : Names.quoted(names.iterator().next());
    }

    private static String commas(Collection<Integer> numbers) {
        return numbers.stream().limit(MOST_LAYERS_SHOWN).map(String::valueOf).collect(Collectors.joining(", "))
                + (numbers.size() > MOST_LAYERS_SHOWN ? ", … (" + numbers.size() + " layers)" : "");
    }

    @Override
    public String toString() {
        return targets.toString();
    }
}
