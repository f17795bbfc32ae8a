package org.lora4j.io;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.Iterator;
import java.util.Map;

/**
 * JSON spelt as Python's {@code json.dumps(value, indent=2)} spells it, so that a configuration that PEFT wrote and
 * lora4j rewrites keeps its bytes: two spaces of indent, one element a line, {@code {}} and {@code []} for nothing,
 * {@code ": "} after a key, other than ASCII as {@code \}{@code uXXXX}, and floats as Python's {@code repr} has them.
 */
public final class PythonJson {

    private PythonJson() {
    }

    /** {@code node} as text. */
    public static String write(JsonNode node) {
        StringBuilder text = new StringBuilder();
        append(node, "\n", text);
        return text.toString();
    }

    private static void append(JsonNode node, String newLine, StringBuilder text) {
        String inner = newLine + "  ";
        switch (node.getNodeType()) {
            case OBJECT -> {
                Iterator<Map.Entry<String, JsonNode>> fields = node.properties().iterator();
                text.append('{');
                while (fields.hasNext()) {
                    Map.Entry<String, JsonNode> field = fields.next();
                    text.append(inner).append(ascii(quote(field.getKey()))).append(": ");
                    append(field.getValue(), inner, text);
                    text.append(fields.hasNext() ? "," : newLine);
                }
                text.append('}');
            }
            case ARRAY -> {
                text.append('[');
                for (int i = 0; i < node.size(); i++) {
                    text.append(inner);
                    append(node.get(i), inner, text);
                    text.append(i < node.size() - 1 ? "," : newLine);
                }
                text.append(']');
            }
            case STRING -> text.append(ascii(quote(node.textValue())));
            case NUMBER -> text.append(node.isIntegralNumber() ? node.asText() : number(node.doubleValue()));
            default -> text.append(node.asText());
        }
    }

    /** A JSON text in quotes, with the escapes that must be and no others. */
    static String quote(String text) {
        StringBuilder quoted = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"', '\\' -> quoted.append('\\').append(c);
                case '\b' -> quoted.append("\\b");
                case '\f' -> quoted.append("\\f");
                case '\n' -> quoted.append("\\n");
                case '\r' -> quoted.append("\\r");
                case '\t' -> quoted.append("\\t");
                default -> {
                    if (c < ' ') {
                        quoted.append("\\u%04x".formatted((int) c));
                    } else {
                        quoted.append(c);
                    }
                }
            }
        }
        return quoted.append('"').toString();
    }

    private static String ascii(String text) {
        StringBuilder ascii = new StringBuilder(text.length());
        text.chars().forEach(c -> ascii.append(c < 0x7F ? String.valueOf((char) c) : "\\u%04x".formatted(c)));
        return ascii.toString();
    }

    /** Python's {@code repr}: the shortest digits that read back the same, an exponent below 1e-4 and from 1e16 on. */
    static String number(double value) {
        if (Double.isNaN(value)) {
            return "NaN";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "Infinity" : "-Infinity";
        }
        double magnitude = Math.abs(value);
        if (magnitude == 0 || magnitude >= 1e-3 && magnitude < 1e7) {
            return Double.toString(value); // where Java writes no exponent, the two agree
        }
        BigDecimal digits = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        int exponent = digits.precision() - digits.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = digits.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String mantissa = digits.movePointLeft(exponent).stripTrailingZeros().toPlainString();
        return mantissa + "e%s%02d".formatted(exponent < 0 ? "-" : "+", Math.abs(exponent));
    }
}
