package org.lora4j.toy;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.family.ModelConfig;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.tensor.Shape;

/** The sizes of a toy. */
record ToyConfig(int vocabulary, int longest, int width, int stages, int heads, int inner) implements ModelConfig {

    /** Every parameter's name, in the model's order. */
    List<String> parameters() {
        List<String> names = new ArrayList<>(List.of("body.words.weight"));
        for (int stage = 0; stage < stages; stage++) {
            for (String part : List.of("norm1", "look.ask", "look.key", "look.say", "look.mix", "norm2", "think.grow",
                    "think.shrink")) {
                names.add("body.stage." + stage + "." + part + ".weight");
                names.add("body.stage." + stage + "." + part + ".bias");
            }
        }
        names.addAll(List.of("body.norm.weight", "body.norm.bias", "answer.weight"));
        return names;
    }

    Shape shapeOf(String name) {
        if (name.endsWith(".bias") || name.contains("norm")) {
            return Shape.of(name.endsWith("grow.bias") ? inner : width);
        }
        return name.equals("body.words.weight") || name.equals("answer.weight") ? Shape.of(vocabulary, width)
                : name.endsWith("grow.weight") ? Shape.of(inner, width)
                : name.endsWith("shrink.weight") ? Shape.of(width, inner) : Shape.of(width, width);
    }

    @Override
    public ModelNames names() {
        return ToyFamily.NAMES;
    }

    @Override
    public ModelSizes sizes() {
        return new ModelSizes(vocabulary, longest, width, stages, heads, inner, width);
    }

    @Override
    public boolean isTied() {
        return false;
    }

    @Override
    public long parameterCount() {
        return parameters().stream().mapToLong(name -> shapeOf(name).size()).sum();
    }

    @Override
    public List<String> adaptableModules() {
        return parameters().stream().filter(name -> name.endsWith(".weight"))
                .map(name -> name.substring(0, name.length() - ".weight".length())).filter(ToyFamily.NAMES::knows).toList();
    }
}
