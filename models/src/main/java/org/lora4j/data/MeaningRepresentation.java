package org.lora4j.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.lora4j.LoraException;

/**
 * An E2E input, such as {@code name[Alimentum], area[city centre], familyFriendly[no]}, and how the authors of the paper
 * show it to GPT-2: {@code name : Alimentum | area : city centre | family friendly : no}.
 *
 * <pre>
 *   name → name     eatType → Type    food → food    priceRange → price    customer rating → customer rating
 *   area → area     near → near       familyFriendly → family friendly
 * </pre>
 *
 * The names were found by comparing E2E's dev and test files with the authors' own, all 9,365 lines. Values are kept as
 * they are. The authors' files went through a word tokenizer, which in contexts shows in one place: they have
 * {@code £ 20 - 25} and {@code less than £ 20} where E2E and we have {@code £20-25} and {@code less than £20}.
 *
 * @param attributes in the order given, named as in E2E
 */
public record MeaningRepresentation(Map<String, String> attributes) {

    private static final Map<String, String> AUTHORS_NAMES = authorsNames();
    private static final Pattern ATTRIBUTE = Pattern.compile("\\s*([^\\[\\],]+)\\[([^\\[\\]]*)]\\s*(,|$)");

    /** Keeps its own copy, and requires names that E2E has. */
    public MeaningRepresentation {
        attributes = Collections.unmodifiableMap(new LinkedHashMap<>(attributes));
        attributes.keySet().forEach(MeaningRepresentation::requireKnown);
    }

    /**
     * Reads {@code name[value], name[value], …}.
     *
     * @throws LoraException if the text is not of the form name[value], name[value], … with E2E's names
     */
    public static MeaningRepresentation parse(String text) {
        Map<String, String> attributes = new LinkedHashMap<>();
        Matcher attribute = ATTRIBUTE.matcher(text);
        int at = 0;
        do {
            if (!attribute.find(at) || attribute.start() != at) {
                throw new LoraException("expected a meaning representation such as"
                        + " \"name[Alimentum], area[city centre]\", found \"" + text + "\"");
            }
            String name = attribute.group(1).strip();
            if (attributes.put(name, attribute.group(2).strip()) != null) {
                throw new LoraException("\"" + text + "\": attribute '" + name + "' is there twice");
            }
            at = attribute.end();
        } while (attribute.group(3).equals(","));
        return new MeaningRepresentation(attributes);
    }

    private static void requireKnown(String name) {
        if (!AUTHORS_NAMES.containsKey(name)) {
            throw new LoraException("E2E has no attribute '" + name + "'; it has " + String.join(", ", AUTHORS_NAMES.keySet()));
        }
    }

    /** The line the model is given. */
    public String context() {
        return attributes.entrySet().stream()
                .map(attribute -> AUTHORS_NAMES.get(attribute.getKey()) + " : " + attribute.getValue())
                .collect(Collectors.joining(" | "));
    }

    private static Map<String, String> authorsNames() {
        Map<String, String> names = new LinkedHashMap<>();
        names.put("name", "name");
        names.put("eatType", "Type");
        names.put("food", "food");
        names.put("priceRange", "price");
        names.put("customer rating", "customer rating");
        names.put("area", "area");
        names.put("familyFriendly", "family friendly");
        names.put("near", "near");
        return names;
    }
}
