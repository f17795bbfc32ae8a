package org.lora4j.chat.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The methods of Python's {@code str}. */
final class StringMethods {

    private static final Pattern FORMAT_FIELD = Pattern.compile("\\{\\{|\\}\\}|\\{(\\w*)\\}");

    private StringMethods() {
    }

    /** A method with its text; null where there is none of that name. */
    static @Nullable Callable of(String self, String name) {
        return switch (name) {
            case "strip", "lstrip", "rstrip" -> given -> stripped(self, chars(given.bind(name, "chars")),
                    !name.equals("rstrip"), !name.equals("lstrip"));
            case "split", "rsplit" -> given -> split(self, given.bind(name, "sep", "maxsplit"), name.equals("rsplit"));
            case "splitlines" -> given -> lines(self, Values.truth(given.bind(name, "keepends").get("keepends", false)));
            case "startswith", "endswith" -> given -> affix(self, given.bind(name, "prefix", "start", "end"), name.equals("startswith"));
            case "upper" -> given -> self.toUpperCase(Locale.ROOT);
            case "lower", "casefold" -> given -> self.toLowerCase(Locale.ROOT);
            case "title" -> given -> title(self);
            case "capitalize" -> given -> capitalized(self);
            case "swapcase" -> given -> self.codePoints().mapToObj(c -> Character.isUpperCase(c)
                    ? Character.toString(Character.toLowerCase(c)) : Character.toString(c).toUpperCase(Locale.ROOT))
                    .reduce("", String::concat);
            case "replace" -> given -> {
                Arguments.Bound bound = given.bind(name, "old", "new", "count");
                return replaced(self, bound.text("old"), bound.text("new"), bound.number("count", -1));
            };
            case "join" -> given -> joined(self, Values.items(given.bind(name, "iterable").get("iterable")));
            case "find", "rfind", "index", "rindex" -> given -> found(self, name, given.bind(name, "sub", "start", "end"));
            case "count" -> given -> count(self, given.bind(name, "sub").text("sub"));
            case "format" -> given -> formatted(self, given);
            case "removeprefix" -> given -> {
                String prefix = given.bind(name, "prefix").text("prefix");
                return self.startsWith(prefix) ? self.substring(prefix.length()) : self;
            };
            case "removesuffix" -> given -> {
                String suffix = given.bind(name, "suffix").text("suffix");
                return self.endsWith(suffix) ? self.substring(0, self.length() - suffix.length()) : self;
            };
            case "partition", "rpartition" -> given -> parted(self, given.bind(name, "sep").text("sep"), name.equals("partition"));
            case "ljust", "rjust", "center", "zfill" -> given -> justified(self, name, given.bind(name, "width", "fillchar"));
            case "isdigit", "isdecimal", "isnumeric" -> given -> all(self, Character::isDigit);
            case "isalpha" -> given -> all(self, Character::isLetter);
            case "isalnum" -> given -> all(self, Character::isLetterOrDigit);
            case "isspace" -> given -> all(self, StringMethods::isSpace);
            case "isupper" -> given -> isCased(self, Character::isUpperCase, Character::isLowerCase);
            case "islower" -> given -> isCased(self, Character::isLowerCase, Character::isUpperCase);
            default -> null;
        };
    }

    private static boolean all(String text, IntPredicate kind) {
        return !text.isEmpty() && text.codePoints().allMatch(kind);
    }

    private static boolean isCased(String text, IntPredicate wanted, IntPredicate other) {
        return text.codePoints().anyMatch(wanted) && text.codePoints().noneMatch(other);
    }

    /** What Python's {@code str.isspace} says yes to. */
    static boolean isSpace(int c) {
        return c >= 9 && c <= 13 || c >= 0x1c && c <= 0x20 || c == 0x85 || c == 0xa0 || c > 0xff && (Character.isSpaceChar(c));
    }

    private static @Nullable String chars(Arguments.Bound bound) {
        Object chars = bound.get("chars", None.NONE);
        return chars == None.NONE ? null : bound.text("chars");
    }

    /** @param chars which to take away, null for white space */
    static String stripped(String text, @Nullable String chars, boolean left, boolean right) {
        IntPredicate goes = chars == null ? StringMethods::isSpace : c -> chars.indexOf(c) >= 0;
        int from = 0;
        int to = text.length();
        while (left && from < to && goes.test(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (right && to > from && goes.test(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return text.substring(from, to);
    }

    private static Object split(String text, Arguments.Bound bound, boolean fromRight) {
        int most = bound.number("maxsplit", -1);
        int left = most < 0 ? Integer.MAX_VALUE : most;
        boolean bySpace = bound.get("sep", None.NONE) == None.NONE;
        String separator = bySpace ? "" : bound.text("sep");
        if (!bySpace && separator.isEmpty()) {
            throw new JinjaException("split() by an empty text");
        }
        return bySpace ? splitBySpace(text, left, fromRight) : fromRight ? splitFromRight(text, separator, left)
                : splitBy(text, separator, left);
    }

    private static List<Object> splitBy(String text, String separator, int left) {
        List<Object> parts = new ArrayList<>();
        int from = 0;
        for (int at = text.indexOf(separator); at >= 0 && parts.size() < left; at = text.indexOf(separator, from)) {
            parts.add(text.substring(from, at));
            from = at + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    private static List<Object> splitFromRight(String text, String separator, int left) {
        List<Object> parts = new ArrayList<>();
        int to = text.length();
        for (int at = text.lastIndexOf(separator); at >= 0 && parts.size() < left; at = text.lastIndexOf(separator, to - separator.length())) {
            parts.add(text.substring(at + separator.length(), to));
            to = at;
            if (to < separator.length()) {
                break;
            }
        }
        parts.add(text.substring(0, to));
        Collections.reverse(parts);
        return parts;
    }

    /** What is left when there are enough parts keeps the white space on its far side. */
    private static List<Object> splitBySpace(String text, int left, boolean fromRight) {
        List<Object> parts = new ArrayList<>();
        String rest = stripped(text, null, !fromRight, fromRight);
        while (!rest.isEmpty()) {
            int cut = parts.size() == left ? -1 : space(rest, fromRight);
            if (cut < 0) {
                parts.add(rest);
                break;
            }
            parts.add(fromRight ? rest.substring(cut + 1) : rest.substring(0, cut));
            rest = stripped(fromRight ? rest.substring(0, cut) : rest.substring(cut), null, !fromRight, fromRight);
        }
        if (fromRight) {
            Collections.reverse(parts);
        }
        return parts;
    }

    private static int space(String text, boolean last) {
        for (int i = 0; i < text.length(); i++) {
            int at = last ? text.length() - 1 - i : i;
            if (isSpace(text.charAt(at))) {
                return at;
            }
        }
        return -1;
    }

    static List<Object> lines(String text, boolean keepEnds) {
        List<Object> lines = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 10 && c <= 13 || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029) {
                int end = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n' ? i + 2 : i + 1;
                lines.add(text.substring(from, keepEnds ? end : i));
                from = end;
                i = end - 1;
            }
        }
        if (from < text.length()) {
            lines.add(text.substring(from));
        }
        return lines;
    }

    private static Object affix(String text, Arguments.Bound bound, boolean start) {
        String part = (String) Values.slice(text, bound.get("start", None.NONE), bound.get("end", None.NONE), None.NONE);
        Object wanted = bound.get("prefix");
        List<Object> any = wanted instanceof Tuple tuple ? tuple : List.of(wanted);
        return any.stream().anyMatch(one -> {
            if (!(one instanceof String affix)) {
                throw one instanceof Undefined undefined ? undefined.used()
                        : new JinjaException(bound.function() + "(): expected a text, found " + Values.typeName(one));
            }
            return start ? part.startsWith(affix) : part.endsWith(affix);
        });
    }

    static String capitalized(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = Character.charCount(text.codePointAt(0));
        return Character.toString(Character.toTitleCase(text.codePointAt(0))) + text.substring(first).toLowerCase(Locale.ROOT);
    }

    /** A capital behind whatever is no letter. */
    private static String title(String text) {
        StringBuilder out = new StringBuilder();
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            out.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
            inWord = Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
        }
        return out.toString();
    }

    static String replaced(String text, String old, String with, int count) {
        int left = count < 0 ? Integer.MAX_VALUE : count;
        StringBuilder out = new StringBuilder();
        int from = 0;
        for (int at = text.indexOf(old); at >= 0 && left > 0; left--) {
            out.append(text, from, at).append(with);
            if (out.length() > Run.LONGEST) {
                throw Run.tooLong();
            }
            from = at + old.length();
            if (old.isEmpty()) { // before every character, and behind the last
                if (at == text.length()) {
                    break;
                }
                int next = at + Character.charCount(text.codePointAt(at));
                out.append(text, at, next);
                from = next;
                at = next;
            } else {
                at = text.indexOf(old, from);
            }
        }
        return out.append(text.substring(Math.min(from, text.length()))).toString();
    }

    static String joined(String between, List<Object> items) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < items.size(); i++) {
            if (!(items.get(i) instanceof String item)) {
                throw new JinjaException("join(): expected texts, found " + Values.typeName(items.get(i)));
            }
            out.append(i > 0 ? between : "").append(item);
        }
        return out.toString();
    }

    private static Object found(String text, String name, Arguments.Bound bound) {
        String part = bound.text("sub");
        String searched = (String) Values.slice(text, bound.get("start", None.NONE), bound.get("end", None.NONE), None.NONE);
        int at = name.startsWith("r") ? searched.lastIndexOf(part) : searched.indexOf(part);
        if (at < 0) {
            if (name.endsWith("index")) {
                throw new JinjaException(name + "(): " + PythonText.repr(part) + " is not in the text");
            }
            return -1L;
        }
        int start = bound.number("start", 0);
        int before = start < 0 ? Math.max(0, Values.length(text) + start) : start;
        return (long) before + searched.codePointCount(0, at);
    }

    private static Object count(String text, String part) {
        long count = part.isEmpty() ? text.codePointCount(0, text.length()) + 1 : 0;
        for (int at = text.indexOf(part); !part.isEmpty() && at >= 0; at = text.indexOf(part, at + part.length())) {
            count++;
        }
        return count;
    }

    private static String formatted(String text, Arguments given) {
        Matcher field = FORMAT_FIELD.matcher(text);
        StringBuilder out = new StringBuilder();
        int at = 0;
        int next = 0;
        while (field.find()) {
            out.append(literal(text, at, field.start()));
            at = field.end();
            if (field.group(1) == null) {
                out.append(field.group().charAt(0));
                continue;
            }
            String name = field.group(1).isEmpty() ? Integer.toString(next++) : field.group(1);
            boolean number = name.matches("\\d{1,4}");
            Object value = number ? Integer.parseInt(name) < given.positional().size() ? given.positional().get(Integer.parseInt(name)) : null
                    : given.named().get(name);
            if (value == null) {
                throw new JinjaException("format(): no value for {" + name + "}");
            }
            out.append(Values.text(value));
        }
        return out.append(literal(text, at, text.length())).toString();
    }

    private static String literal(String text, int from, int to) {
        String part = text.substring(from, to);
        if (part.indexOf('{') >= 0 || part.indexOf('}') >= 0) {
            throw new JinjaException("format(): a field of " + PythonText.repr(text) + " is more than a name");
        }
        return part;
    }

    private static Object parted(String text, String separator, boolean first) {
        if (separator.isEmpty()) {
            throw new JinjaException("partition() by an empty text");
        }
        int at = first ? text.indexOf(separator) : text.lastIndexOf(separator);
        return at >= 0 ? Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()))
                : first ? Tuple.of(text, "", "") : Tuple.of("", "", text);
    }

    private static Object justified(String text, String name, Arguments.Bound bound) {
        int missing = Values.index(bound.get("width")) - Values.length(text);
        String fill = bound.text("fillchar", " ");
        if (missing <= 0) {
            return text;
        }
        if (missing > Run.LONGEST) {
            throw Run.tooLong();
        }
        return switch (name) {
            case "ljust" -> text + fill.repeat(missing);
            case "rjust" -> fill.repeat(missing) + text;
            case "zfill" -> text.startsWith("-") || text.startsWith("+") ? text.charAt(0) + "0".repeat(missing) + text.substring(1)
                    : "0".repeat(missing) + text;
            default -> {
                int width = missing + Values.length(text);
                int left = missing / 2 + (missing & width & 1);
                yield fill.repeat(left) + text + fill.repeat(missing - left);
            }
        };
    }
}
