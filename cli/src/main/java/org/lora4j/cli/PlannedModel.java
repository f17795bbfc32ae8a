package org.lora4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.family.ClassifierFields;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.ModelConfig;
import org.lora4j.io.FileErrors;
import org.lora4j.io.JsonFile;

/**
 * A model that is only counted: a folder, a size that people know, or the fields of a {@code config.json}.
 *
 * @param name   as it was named
 * @param labels of a folder's own classifier
 */
record PlannedModel(String name, ModelConfig config, Optional<Labels> labels) {

    private static final String CONFIG = "config.json";

    /**
     * @param model  a folder or a known size; null where fields alone say what it is
     * @param fields {@code n_embd=1024}, over those of the folder
     */
    static PlannedModel of(String model, List<String> fields) {
        boolean folder = model != null && Files.isDirectory(Path.of(model));
        ModelConfig known = model == null || folder ? null : Families.shapes().get(model);
        if (known != null) {
            if (!fields.isEmpty()) {
                throw new LoraException("`sizes`: " + model + " has sizes of its own. Leave out `model` and give all fields of a "
                        + CONFIG + ", or give a folder whose fields they replace");
            }
            return new PlannedModel(model, known, Optional.empty());
        }
        if (model != null && !folder && !model.equals(EmbeddedBase.NAME)) {
            List<String> nearest = Names.nearest(model, Families.shapes().keySet(), 2);
            throw new LoraException("`model` " + Names.shortened(model) + ": is no folder, and no size of that name is known"
                    + (nearest.isEmpty() ? "" : " (nearest: " + String.join(", ", nearest) + ")") + "; known are "
                    + String.join(", ", Families.shapes().keySet()));
        }
        if (fields.isEmpty()) {
            Path place = EmbeddedBase.resolve(model);
            boolean classifies = Families.isClassifier(place);
            return new PlannedModel(model, Families.config(place),
                    classifies ? Optional.of(ClassifierFields.read(place.resolve(CONFIG)).labels()) : Optional.empty());
        }
        ObjectNode json = model == null ? new ObjectMapper().createObjectNode()
                : JsonFile.read(EmbeddedBase.resolve(model).resolve(CONFIG));
        List<String> shown = new ArrayList<>();
        if (model != null) {
            shown.add(model);
        }
        for (String field : fields) {
            int equals = field.indexOf('=');
            if (equals < 1) {
                throw new LoraException("`sizes` " + Names.quoted(field) + ": expected fields of a " + CONFIG + " such as n_embd=1024");
            }
            json.set(field.substring(0, equals).strip(), value(field.substring(equals + 1).strip()));
            shown.add(field.strip());
        }
        return new PlannedModel(String.join(" ", shown), read(json), Optional.empty());
    }

    /** A number, true or false as JSON has it, else a text. */
    private static JsonNode value(String text) {
        try {
            JsonNode value = new ObjectMapper().readTree(text);
            return value.isValueNode() && !value.isMissingNode() ? value : new ObjectMapper().getNodeFactory().textNode(text);
        } catch (JsonProcessingException e) {
            return new ObjectMapper().getNodeFactory().textNode(text);
        }
    }

    /** What a family says to a file with these fields. */
    private static ModelConfig read(ObjectNode json) {
        Path folder = null;
        try {
            folder = Files.createTempDirectory("lora4j-sizes-");
            Files.writeString(folder.resolve(CONFIG), json.toString());
            return Families.config(folder);
        } catch (IOException e) {
            throw FileErrors.writing(folder == null ? Path.of(System.getProperty("java.io.tmpdir")) : folder, e);
        } catch (LoraException refused) {
            String place = folder.resolve(CONFIG).toString();
            throw new LoraException("`sizes`: " + refused.getMessage().replace(place + ": ", "").replace(place, "these fields"), refused);
        } finally {
            delete(folder);
        }
    }

    private static void delete(Path folder) {
        try {
            if (folder != null) {
                Files.deleteIfExists(folder.resolve(CONFIG));
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            folder.toFile().deleteOnExit();
        }
    }

    /** Whether it gives labels: its own, or because its family does not write. */
    boolean classifies() {
        return labels.isPresent() || !Families.of(config.names()).writes();
    }

    /** Its own, or two. */
    Labels labelsOr2() {
        return labels.orElseGet(() -> Labels.numbered(2));
    }
}
