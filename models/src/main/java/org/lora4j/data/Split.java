package org.lora4j.data;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.lora4j.LoraException;

/** What a part of a data set is for. Its file is called by one of the part's names and the ending of a format. */
public enum Split {

    /** What a model learns from. */
    TRAIN("trainset", "train", "training"),
    /** What choices are made by: the best step, a learning rate. */
    DEV("devset", "dev", "valid", "validation", "val", "eval", "evaluation"),
    /** E2E has its test set twice: with references, and, as {@code testset}, the inputs alone. The first is preferred. */
    TEST("testset_w_refs", "test", "testset");

    private final List<String> fileNames;

    Split(String... fileNames) {
        this.fileNames = List.of(fileNames);
    }

    /** The names its file may have, without the ending; the first that is there counts. */
    List<String> fileNames() {
        return fileNames;
    }

    /** The part a user calls by its name, such as "dev", or by one of its files' names, such as "valid". */
    public static Split of(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        for (Split split : values()) {
            if (split.toString().equals(lower) || split.fileNames.contains(lower)) {
                return split;
            }
        }
        throw new LoraException("no part of a data set is called '" + name + "'; there are "
                + Arrays.stream(values()).map(Split::toString).collect(Collectors.joining(", ")));
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
