package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.model.Classifier;
import org.lora4j.model.Model;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;

/**
 * Which of a model's slots a configuration means: those that get one update as a whole, and the fused ones that get an
 * update for each of some parts. No slot is both.
 */
final class LoraTargets {

    private static final int MOST_SHOWN = 100;

    private final Model model;
    private final LoraConfig config;
    private final Set<String> parted = new LinkedHashSet<>();
    private final Set<String> whole = new LinkedHashSet<>();

    private LoraTargets(Model model, LoraConfig config) {
        this.model = model;
        this.config = config;
    }

    /** @throws LoraException if a target or part matches nothing, one is asked for in both ways, or there is none at all */
    static LoraTargets of(Model model, LoraConfig config) {
        LoraTargets targets = new LoraTargets(model, config);
        targets.whole.addAll(targets.byName());
        config.parts().forEach(targets::byWord);
        targets.requireApartAndSome();
        return targets;
    }

    /** The names of fused maps that get an update for each of the configuration's parts. */
    Set<String> parted() {
        return parted;
    }

    /** The names of maps and embeddings that get one update. */
    Set<String> whole() {
        return whole;
    }

    private void requireApartAndSome() {
        Set<String> both = new LinkedHashSet<>(parted);
        both.retainAll(whole);
        if (!both.isEmpty()) {
            throw new LoraException("`targets` " + Names.some(both, 3) + ": asked both as a whole and by its parts "
                    + String.join(", ", config.parts()) + "; leave out one of the two");
        }
        if (parted.isEmpty() && whole.isEmpty()) {
            throw new LoraException("no targets: nothing of " + model.description()
                    + " would be adapted. Name some, such as q,v or " + lastWord(model.projections().getFirst().name()));
        }
    }

    private Set<String> byName() {
        if (config.targets() == null) {
            return Set.of();
        }
        List<String> names = new ArrayList<>();
        // PEFT's all-linear leaves out the output head, and an embedding is not linear
        boolean allLinear = config.targets().isAllLinear();
        if (!allLinear) {
            model.embeddings().forEach(slot -> names.add(slot.name()));
        }
        model.projections().stream().filter(slot -> !allLinear || !slot.role().isHead())
                .forEach(slot -> names.add(slot.name()));
        List<String> selected = config.targets().select(names);
        // as in PEFT, a name such as dense does not mean the map of that name in the head, which trains as a whole
        boolean headIsNamed = !allLinear && !config.targets().matching(model.names().classifierModules()).isEmpty();
        return new LinkedHashSet<>(selected.stream().filter(name -> headIsNamed || !isInTrainedHead(name)).toList());
    }

    private boolean isInTrainedHead(String module) {
        return model instanceof Classifier<?> classifier
                && (model.names().isOfClassifier(module) || WholeModules.isMeant(module, classifier.newModules()));
    }

    /** A word such as q means that part where the model fuses maps, and the map that makes the queries where it does not. */
    private void byWord(String word) {
        List<Slot<Projection>> fused = slots(slot -> slot.partNames().contains(word));
        List<Slot<Projection>> single = slots(slot -> slot.role().text().equals(word));
        if (fused.isEmpty() && single.isEmpty()) {
            throw new LoraException("`targets` " + String.join(",", config.parts()) + ": nothing in " + model.description()
                    + " is " + Names.quoted(word) + "; there are " + String.join(", ", words()));
        }
        requireLayers(word, Stream.concat(fused.stream(), single.stream()));
        fused.stream().filter(this::isInLayers).map(Slot::name).forEach(parted::add);
        single.stream().filter(this::isInLayers).map(Slot::name).forEach(whole::add);
    }

    private List<Slot<Projection>> slots(Predicate<Slot<Projection>> wanted) {
        return model.projections().stream().filter(wanted).toList();
    }

    private boolean isInLayers(Slot<Projection> slot) {
        return config.layers().isEmpty() || config.layers().contains(slot.block());
    }

    private void requireLayers(String word, Stream<Slot<Projection>> meant) {
        Set<Integer> blocks = meant.map(Slot::block).collect(Collectors.toCollection(TreeSet::new));
        for (int layer : config.layers()) {
            if (!blocks.contains(layer)) {
                throw new LoraException("`layers` " + commas(config.layers()) + ": nothing that is " + Names.quoted(word)
                        + " is in layer " + layer + (blocks.contains(Slot.NO_BLOCK) ? " or any other"
                                : "; they are in " + commas(blocks)));
            }
        }
    }

    private static String commas(Collection<Integer> numbers) {
        return Names.some(numbers.stream().map(String::valueOf).toList(), MOST_SHOWN);
    }

    /** The words that mean something in this model, in its order. */
    private Set<String> words() {
        Set<String> words = new LinkedHashSet<>();
        for (Slot<Projection> slot : model.projections()) {
            words.addAll(slot.parts().isEmpty() ? List.of(slot.role().text()) : slot.partNames());
        }
        return words;
    }

    private static String lastWord(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    static void requireRank(String name, int rank, int out, int in) {
        if (rank > Math.min(out, in)) {
            throw new LoraException("`rank` " + rank + " is larger than the matrix of " + name + ", " + out + " × " + in
                    + ": an update of rank " + Math.min(out, in) + " is already a full one. Choose a smaller rank");
        }
    }
}
