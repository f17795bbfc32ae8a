package org.lora4j.task;

import java.util.Map;
import java.util.Optional;

/**
 * How a classifier was trained, as it travels in the metadata of an adapter or a model beside the names of its labels:
 *
 * <pre>
 *   lora4j.task     classification or regression
 *   lora4j.length   128: tokens that a text had at most
 * </pre>
 *
 * @param regression whether its score is the answer itself
 * @param longest    tokens that a text had at most, beyond which it was cut
 */
public record TaskFormat(boolean regression, int longest) {

    private static final String TASK = "lora4j.task";
    private static final String LENGTH = "lora4j.length";
    private static final String REGRESSION = "regression";
    private static final String CLASSIFICATION = "classification";

    /** What the metadata of an adapter or a model say; empty where they say nothing that makes sense. */
    public static Optional<TaskFormat> of(Map<String, String> metadata) {
        String task = metadata.getOrDefault(TASK, "");
        String length = metadata.getOrDefault(LENGTH, "");
        boolean said = (task.equals(REGRESSION) || task.equals(CLASSIFICATION)) && length.matches("[1-9][0-9]{0,8}");
        return said ? Optional.of(new TaskFormat(task.equals(REGRESSION), Integer.parseInt(length))) : Optional.empty();
    }

    /** What to put into the metadata of an adapter or a model. */
    public Map<String, String> metadata() {
        return Map.of(TASK, regression ? REGRESSION : CLASSIFICATION, LENGTH, Integer.toString(longest));
    }
}
