package org.lora4j.chat.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Dates as C's {@code strftime} writes them, in English. */
final class Dates {

    private Dates() {
    }

    static String format(LocalDateTime now, String format) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            char field = format.charAt(++i);
            boolean bare = field == '-' && i + 1 < format.length();
            field = bare ? format.charAt(++i) : field;
            String text = field(now, field);
            out.append(bare ? text.replaceFirst("^0+(?=\\d)", "") : text);
        }
        return out.toString();
    }

    private static String field(LocalDateTime now, char field) {
        String pattern = switch (field) {
            case 'd' -> "dd";
            case 'm' -> "MM";
            case 'Y' -> "yyyy";
            case 'y' -> "yy";
            case 'b', 'h' -> "MMM";
            case 'B' -> "MMMM";
            case 'a' -> "EEE";
            case 'A' -> "EEEE";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case 'j' -> "DDD";
            case 'F' -> "yyyy-MM-dd";
            case 'T' -> "HH:mm:ss";
            case 'D' -> "MM/dd/yy";
            case 'R' -> "HH:mm";
            case 'f' -> "SSSSSS";
            default -> "";
        };
        return !pattern.isEmpty() ? now.format(DateTimeFormatter.ofPattern(pattern, Locale.US))
                : switch (field) {
                    case 'e' -> "%2d".formatted(now.getDayOfMonth());
                    case 'u' -> Integer.toString(now.getDayOfWeek().getValue());
                    case 'w' -> Integer.toString(now.getDayOfWeek().getValue() % 7);
                    case '%' -> "%";
                    case 'n' -> "\n";
                    case 't' -> "\t";
                    default -> throw new JinjaException("strftime_now: no field %" + field + " here");
                };
    }
}
