package org.lora4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;

/** A request's fields, each asked for by its kind and range; null is as good as absent. */
record Fields(ObjectNode node) {

    private static final int MOST_TEXTS = 16;

    boolean has(String name) {
        return node.hasNonNull(name);
    }

    JsonNode get(String name) {
        return node.path(name);
    }

    @Nullable String text(String name) {
        if (!has(name)) {
            return null;
        }
        if (!node.get(name).isTextual()) {
            throw expected(name, "a text");
        }
        return node.get(name).textValue();
    }

    String requiredText(String name) {
        String text = text(name);
        if (text == null) {
            throw ApiException.invalid(name, "Missing: " + name);
        }
        return text;
    }

    /** @param absent what it is where nobody says */
    int integer(String name, int absent, int least, int most) {
        if (!has(name)) {
            return absent;
        }
        JsonNode value = node.get(name);
        boolean whole = value.isIntegralNumber() || value.isNumber() && value.doubleValue() == Math.rint(value.doubleValue());
        if (!whole || value.doubleValue() < least || value.doubleValue() > most) {
            throw expected(name, "a whole number from " + least + (most == Integer.MAX_VALUE ? "" : " to " + most));
        }
        return value.intValue();
    }

    @Nullable Long seed(String name) {
        if (!has(name)) {
            return null;
        }
        JsonNode value = node.get(name);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw expected(name, "a whole number of 64 bits");
        }
        return value.longValue();
    }

    double number(String name, double absent, double least, double most) {
        if (!has(name)) {
            return absent;
        }
        JsonNode value = node.get(name);
        if (!value.isNumber() || !(value.doubleValue() >= least && value.doubleValue() <= most)) {
            throw expected(name, "a number from " + Names.number(least) + " to " + Names.number(most));
        }
        return value.doubleValue();
    }

    boolean flag(String name, boolean absent) {
        if (!has(name)) {
            return absent;
        }
        if (!node.get(name).isBoolean()) {
            throw expected(name, "true or false");
        }
        return node.get(name).booleanValue();
    }

    /** A text, or a list of some; none is empty. */
    List<String> texts(String name) {
        if (!has(name)) {
            return List.of();
        }
        JsonNode value = node.get(name);
        List<String> texts = new ArrayList<>();
        if (value.isTextual()) {
            texts.add(value.textValue());
        } else if (value.isArray() && value.size() <= MOST_TEXTS) {
            value.forEach(each -> texts.add(each.isTextual() ? each.textValue() : ""));
        } else {
            throw expected(name, "a text or a list of at most " + MOST_TEXTS);
        }
        if (texts.contains("")) {
            throw expected(name, "texts that are not empty");
        }
        return texts;
    }

    /** Ids of tokens. */
    static int[] ids(JsonNode list, String name) {
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            if (!list.get(i).isIntegralNumber() || !list.get(i).canConvertToInt() || list.get(i).intValue() < 0) {
                throw ApiException.invalid(name, Names.quoted(name) + ": expected ids of tokens, whole numbers from 0");
            }
            ids[i] = list.get(i).intValue();
        }
        return ids;
    }

    /** Refuses fields that would change the answer and have no effect here. */
    void refuse(String name, Object harmless) {
        if (has(name) && !node.get(name).asText().equals(String.valueOf(harmless)) && !isZeroOrEmpty(node.get(name))) {
            throw ApiException.invalid(name, "unsupported_value", Names.quoted(name)
                    + " is not supported here; leave it out rather than have it ignored");
        }
    }

    private static boolean isZeroOrEmpty(JsonNode value) {
        return value.isNumber() && value.doubleValue() == 0 || value.isContainerNode() && value.isEmpty()
                || value.isBoolean() && !value.booleanValue();
    }

    private ApiException expected(String name, String what) {
        return ApiException.invalid(name, Names.quoted(name) + " is " + Names.shortened(node.get(name).toString()) + ": expected " + what);
    }
}
