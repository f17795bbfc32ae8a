package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.model.Model;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.select.TargetSelector;

/**
 * Which of a model's slots a configuration means: those that get one update as a whole, and the fused ones that get an
 * update for each of some parts. No slot is both.
 */
final class LoraTargets {

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
            throw new LoraException("targets " + Names.some(both, 3) + ": asked both as a whole and by its parts "
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
        return new LinkedHashSet<>(config.targets().select(names));
    }

    /** A word such as q means that part where the model fuses maps, and the map that makes the queries where it does not. */
    private void byWord(String word) {
        List<String> fused = names(slot -> slot.parts().contains(word));
        List<String> single = names(slot -> slot.role().text().equals(word));
        if (fused.isEmpty() && single.isEmpty()) {
            throw new LoraException("targets " + String.join(",", config.parts()) + ": nothing in " + model.description()
                    + " is " + Names.quoted(word) + "; there are " + String.join(", ", words()));
        }
        parted.addAll(inLayers(fused));
        whole.addAll(inLayers(single));
    }

    private List<String> names(Predicate<Slot<Projection>> wanted) {
        return model.projections().stream().filter(wanted).map(Slot::name).toList();
    }

    private List<String> inLayers(List<String> names) {
        return config.layers().isEmpty() || names.isEmpty() ? names
                : TargetSelector.byNames(names.stream().map(LoraTargets::lastTwo).distinct().toList())
                        .onLayers(config.layers()).select(names);
    }

    /** The words that mean something in this model, in its order. */
    private Set<String> words() {
        Set<String> words = new LinkedHashSet<>();
        for (Slot<Projection> slot : model.projections()) {
            words.addAll(slot.parts().isEmpty() ? List.of(slot.role().text()) : slot.parts());
        }
        return words;
    }

    private static String lastWord(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    private static String lastTwo(String name) {
        String[] words = name.split("\\.");
        return words.length < 2 ? name : words[words.length - 2] + "." + words[words.length - 1];
    }
}
