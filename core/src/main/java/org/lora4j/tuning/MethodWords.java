package org.lora4j.tuning;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * A method as a word says it: its name and, behind a colon, its settings with commas between, the main one without a name.
 *
 * <pre>
 *   houlsby:64        houlsby:64,activation=relu,norms=true        lin:size=8
 * </pre>
 *
 * @param text     all of it, as it was given
 * @param name     what stands before the colon
 * @param settings the others by their names; the one without a name under the empty text
 */
public record MethodWords(String text, String name, Map<String, String> settings) {

    /** Keeps its own copy of the settings. */
    public MethodWords {
        settings = Map.copyOf(settings);
    }

    /**
     * Reads a method as it is typed: its word, and its settings behind a colon.
     *
     * @throws LoraException if a setting has no value, or is said twice
     */
    public static MethodWords of(String text) {
        int colon = text.indexOf(':');
        MethodWords words = new MethodWords(text, colon < 0 ? text : text.substring(0, colon), Map.of());
        if (colon < 0) {
            return words;
        }
        Map<String, String> settings = new LinkedHashMap<>();
        for (String setting : text.substring(colon + 1).split(",", -1)) {
            int equals = setting.indexOf('=');
            String key = equals < 0 ? "" : setting.substring(0, equals);
            String value = setting.substring(equals + 1);
            if (value.isBlank() || equals == 0 || equals < 0 && !settings.isEmpty()) {
                throw words.error(Names.quoted(setting) + " is no setting, expected a value first and then name=value");
            }
            if (settings.put(key, value) != null) {
                throw words.error(key + " is said twice");
            }
        }
        return new MethodWords(text, words.name, settings);
    }

    /**
     * Takes the value without a name for the main setting, and refuses settings that the method does not have.
     *
     * @param main  what the value without a name means
     * @param known all settings, the main one too
     */
    public MethodWords withMain(String main, List<String> known) {
        Map<String, String> named = new LinkedHashMap<>(settings);
        String first = named.remove("");
        if (first != null && named.put(main, first) != null) {
            throw error(main + " is said twice");
        }
        for (String key : named.keySet()) {
            if (!known.contains(key)) {
                List<String> nearest = Names.nearest(key, known, 1);
                throw error("has no setting " + Names.quoted(key) + (nearest.isEmpty() ? ", expected some of "
                        + String.join(", ", known) : " (nearest: " + nearest.getFirst() + ")"));
            }
        }
        return new MethodWords(text, name, named);
    }

    /**
     * A whole number.
     *
     * @param otherwise what it is where nothing is said; empty where something must be
     */
    public int whole(String setting, int least, OptionalInt otherwise) {
        String value = settings.get(setting);
        if (value == null) {
            return otherwise.orElseThrow(() -> error("needs a " + setting + ", such as " + name + ":8"));
        }
        if (!value.matches("[0-9]{1,9}") || Integer.parseInt(value) < least) {
            throw error(setting + " " + Names.shortened(value) + ", expected a whole number of at least " + least);
        }
        return Integer.parseInt(value);
    }

    /** A positive number. */
    public double positive(String setting, double otherwise) {
        String value = settings.get(setting);
        if (value == null) {
            return otherwise;
        }
        double number = value.matches("[0-9.]+([eE][-+]?[0-9]{1,3})?") ? parse(value) : Double.NaN;
        if (!(number > 0) || Double.isInfinite(number)) {
            throw error(setting + " " + Names.shortened(value) + ", expected a positive number");
        }
        return number;
    }

    private static double parse(String value) {
        try {
            return Double.parseDouble(value);
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    /** {@code true} or {@code false}; false where nothing is said. */
    public boolean flag(String setting) {
        return switch (settings.getOrDefault(setting, "false")) {
            case "true" -> true;
            case "false" -> false;
            default -> throw error(setting + " " + Names.shortened(settings.get(setting)) + ", expected true or false");
        };
    }

    /** One of some words. */
    public String word(String setting, List<String> words, String otherwise) {
        String value = settings.getOrDefault(setting, otherwise);
        if (!words.contains(value)) {
            throw error(setting + " " + Names.shortened(value) + ", expected " + String.join(", ", words));
        }
        return value;
    }

    /** What the user can do something about, in one line. */
    public LoraException error(String problem) {
        return new LoraException("`method` " + Names.shortened(text) + ": " + problem);
    }

    /** How a name with settings is spelt: {@code houlsby:64,norms=true}. */
    public static String spell(String name, Object main, Map<String, ? extends Object> others) {
        List<String> settings = new ArrayList<>(List.of(main.toString()));
        others.forEach((key, value) -> settings.add(key + "=" + value));
        return name + ":" + String.join(",", settings);
    }
}
