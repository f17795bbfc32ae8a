package org.lora4j.family;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;
import org.lora4j.io.JsonFile;

/**
 * The fields of a {@code config.json} that a classifier of sequences has, whatever its family:
 *
 * <pre>
 *   id2label, else num_labels, else two     the labels
 *   problem_type                            "regression", or "single_label_classification"; absent, one label is a regression
 *   pad_token_id                            see {@link SequenceClassifier#paddingId}
 *   initializer_range                       of a new head
 *   architectures                           which head the tensors are of
 * </pre>
 */
public final class ClassifierFields {

    /** How the class in Transformers ends that reads a classifier of sequences. */
    static final String ARCHITECTURE = "ForSequenceClassification";

    private static final String REGRESSION = "regression";
    private static final String SINGLE = "single_label_classification";
    /** Heads of other kinds whose tensors have the names of one that classifies sequences. */
    private static final List<String> NAMESAKES = List.of("ForTokenClassification", "ForMultipleChoice");

    private final Path file;
    private final ObjectNode json;
    private final JsonFields fields;

    private ClassifierFields(Path file) {
        this.file = file;
        json = JsonFile.read(file);
        fields = new JsonFields(file, json);
    }

    /** Those of a {@code config.json}. */
    public static ClassifierFields read(Path file) {
        return new ClassifierFields(file);
    }

    /**
     * The labels in the order of their numbers.
     *
     * @throws FormatException if it is a classifier of another kind, or the fields contradict each other
     */
    public Labels labels() {
        List<String> names = names();
        String problem = fields.text("problem_type").orElse(names.size() == 1 ? REGRESSION : SINGLE);
        return switch (problem) {
            case REGRESSION -> {
                if (names.size() != 1) {
                    throw fields.error("problem_type is \"regression\" with " + names.size()
                            + " labels, expected one: only one number for each sequence can be learnt");
                }
                yield Labels.NUMBER;
            }
            case SINGLE -> {
                if (names.size() < 2) {
                    throw fields.error("problem_type is \"" + SINGLE + "\" with " + names.size() + " label, expected at least two");
                }
                yield Labels.of(names);
            }
            case "multi_label_classification" -> throw fields.error("problem_type is \"multi_label_classification\": "
                    + "several labels for one sequence cannot be learnt yet, only one (\"" + SINGLE + "\") or a number (\""
                    + REGRESSION + "\")");
            default -> throw fields.error("problem_type is " + Names.quoted(problem) + ", expected \"" + SINGLE + "\" or \""
                    + REGRESSION + "\"");
        };
    }

    private List<String> names() {
        JsonNode id2label = json.path("id2label");
        OptionalInt count = fields.whole("num_labels");
        if (id2label.isMissingNode() || id2label.isNull()) {
            if (count.orElse(2) < 1) {
                throw fields.error("num_labels is " + count.getAsInt() + ", expected at least 1");
            }
            return Labels.numbered(count.orElse(2)).names();
        }
        if (!id2label.isObject() || id2label.isEmpty()) {
            throw fields.error("id2label is " + JsonFields.shown(id2label) + ", expected an object from numbers to names of labels");
        }
        if (count.isPresent() && count.getAsInt() != id2label.size()) {
            throw fields.error("num_labels is " + count.getAsInt() + " and id2label has " + id2label.size() + " names");
        }
        List<String> names = new ArrayList<>();
        for (int i = 0; i < id2label.size(); i++) {
            JsonNode name = id2label.get(String.valueOf(i));
            if (name == null || name.isContainerNode() || name.isNull()) {
                throw fields.error("id2label has " + (name == null ? "no name for " : "no text for ") + i + ", expected one for each of 0 to "
                        + (id2label.size() - 1));
            }
            if (names.contains(name.asText())) {
                throw fields.error("id2label calls two labels " + Names.quoted(name.asText()));
            }
            names.add(name.asText());
        }
        return names;
    }

    /** The padding's token; empty where the model has none. */
    public OptionalInt paddingId(int otherwise) {
        return fields.names("pad_token_id") ? fields.whole("pad_token_id") : OptionalInt.of(otherwise);
    }

    /** The same for a family whose models have none unless they say so. */
    public OptionalInt paddingId() {
        return fields.whole("pad_token_id");
    }

    /** σ of a new head's weights. */
    public double initializerRange() {
        double range = fields.number("initializer_range").orElse(0.02);
        if (range < 0) {
            throw new FormatException(file, "initializer_range is " + range + ", expected 0 or more");
        }
        return range;
    }

    /** Whether the file says that the model classifies sequences. */
    public boolean saysClassifier() {
        return fields.texts("architectures").orElse(List.of()).stream().anyMatch(name -> name.endsWith(ARCHITECTURE));
    }

    /** Whether the file says that the tensors are of a head of another kind, such as one that labels each token. */
    public boolean saysOtherHead() {
        return fields.texts("architectures").orElse(List.of()).stream().anyMatch(name -> NAMESAKES.stream().anyMatch(name::endsWith));
    }

    /** Puts the fields of such labels into a {@code config.json} that is being written. */
    public static void put(Labels labels, Map<String, Object> json) {
        Map<String, String> id2label = new LinkedHashMap<>();
        Map<String, Integer> label2id = new LinkedHashMap<>();
        List<String> names = labels.regression() ? Labels.numbered(1).names() : labels.names();
        for (int i = 0; i < names.size(); i++) {
            id2label.put(String.valueOf(i), names.get(i));
            label2id.put(names.get(i), i);
        }
        json.put("id2label", id2label);
        json.put("label2id", label2id);
        json.put("num_labels", names.size());
        json.put("problem_type", labels.regression() ? REGRESSION : SINGLE);
    }
}
