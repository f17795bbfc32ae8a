package org.lora4j.tokenizer.pipeline;

import java.text.Normalizer.Form;

/** Unicode's normal forms. Characters that are younger than the library's tables stay as they are, as there. */
public record UnicodeForm(Form form) implements Normalizer {

    @Override
    public String normalize(String text) {
        return normalize(text, form);
    }

    static String normalize(String text, Form form) {
        int from = 0;
        StringBuilder result = null;
        for (int i = 0; i < text.length(); ) {
            char c = text.charAt(i);
            if (c < 0x7FD) { // none of those is in the table
                i++;
                continue;
            }
            int point = text.codePointAt(i);
            int next = i + Character.charCount(point);
            if (Characters.isUnnormalized(point)) {
                result = result == null ? new StringBuilder(text.length() + 8) : result;
                result.append(java.text.Normalizer.normalize(text.substring(from, i), form)).append(text, i, next);
                from = next;
            }
            i = next;
        }
        String rest = java.text.Normalizer.normalize(from == 0 ? text : text.substring(from), form);
        return result == null ? rest : result.append(rest).toString();
    }
}
