package org.lora4j.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lora4j.family.Labels;

/**
 * What a classifier was trained to say, as it travels in the metadata of an adapter or a model, since PEFT's files have no
 * place for it:
 *
 * <pre>
 *   lora4j.task     classification or regression
 *   lora4j.labels   ["negative","positive"], in the order of the scores
 *   lora4j.length   128: tokens that a text had at most
 * </pre>
 *
 * @param labels  what the scores stand for
 * @param longest tokens that a text may have
 */
public record TaskFormat(Labels labels, int longest) {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String TASK = "lora4j.task";
    private static final String LABELS = "lora4j.labels";
    private static final String LENGTH = "lora4j.length";
    private static final String REGRESSION = "regression";
    private static final String CLASSIFICATION = "classification";

    /** What the metadata of an adapter or a model say; empty where they say nothing, or nothing that makes sense. */
    public static Optional<TaskFormat> of(Map<String, String> metadata) {
        String task = metadata.getOrDefault(TASK, "");
        try {
            int longest = Integer.parseInt(metadata.getOrDefault(LENGTH, ""));
            if (longest < 1) {
                return Optional.empty();
            }
            if (task.equals(REGRESSION)) {
                return Optional.of(new TaskFormat(Labels.NUMBER, longest));
            }
            List<String> names = JSON.readValue(metadata.getOrDefault(LABELS, "[]"), new TypeReference<List<String>>() { });
            return task.equals(CLASSIFICATION) ? Optional.of(new TaskFormat(Labels.of(names), longest)) : Optional.empty();
        } catch (IllegalArgumentException | JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /** What to put into the metadata of an adapter or a model. */
    public Map<String, String> metadata() {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put(TASK, labels.regression() ? REGRESSION : CLASSIFICATION);
        if (!labels.regression()) {
            try {
                metadata.put(LABELS, JSON.writeValueAsString(labels.names()));
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(e);
            }
        }
        metadata.put(LENGTH, Integer.toString(longest));
        return metadata;
    }
}
