package org.lora4j.select;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Reads a regular expression by the rules of Python's {@code re} (3.11), for texts:
 *
 * <pre>
 *   .  ^  $  \A  \Z  \b  \B  [a-z]  [^a]  \d \D \s \S \w \W  \x41 \u0041 \n …    a|b    (…)  (?:…)  (?P&lt;name&gt;…)
 *   a*  a+  a?  a{2,5}  each also lazy (a*?) or keeping what it has (a*+)              (?&gt;…)  \1  (?P=name)  (?(1)a|b)
 *   (?=…)  (?!…)  (?&lt;=…)  (?&lt;!…)  (?#…)  (?i) at the beginning, (?i:…) and (?-i:…) anywhere, with a, i, m, s, u, x
 * </pre>
 *
 * <p>Source: the documentation of Python's module {@code re}, "Regular Expression Syntax".
 */
final class RegexParser extends RegexScanner {

    private static final int MANY = Integer.MAX_VALUE;
    /** Python's own parser ends at some hundreds too. */
    private static final int DEEPEST = 200;

    private final Map<String, Integer> names = new HashMap<>();
    private final Set<Integer> open = new HashSet<>();
    private final Map<Integer, Integer> widths = new HashMap<>();
    private int groups;
    private int depth;
    /** The highest number that a condition asks for, of a group that may come later. */
    private int highest;
    /** Where the flags of the whole expression end, at its beginning. */
    private int afterFlags;

    /** @param root the expression; {@code groups} its capturing groups, {@code names} the numbers of those with a name */
    record Parsed(RegexNode root, int groups, Map<String, Integer> names) {
    }

    private RegexParser(String pattern) {
        super(pattern);
    }

    /** @throws IllegalArgumentException if it is not a regular expression, with a reason */
    static Parsed parse(String pattern) {
        RegexParser parser = new RegexParser(pattern);
        RegexNode root = parser.alternatives();
        if (parser.at < parser.pattern.length) {
            throw parser.wrong("unbalanced parenthesis");
        }
        if (parser.highest > parser.groups) {
            throw parser.wrong("invalid group reference " + parser.highest);
        }
        return new Parsed(root, parser.groups, parser.names);
    }

    // ------------------------------------------------------------------------------------------------ structure

    private RegexNode alternatives() {
        if (++depth > DEEPEST) {
            throw wrong("groups in more than " + DEEPEST + " groups");
        }
        List<RegexNode> ways = new ArrayList<>();
        do {
            ways.add(sequence());
        } while (accept('|'));
        depth--;
        return ways.size() == 1 ? ways.getFirst() : new RegexNode.Either(ways);
    }

    private RegexNode sequence() {
        List<RegexNode> nodes = new ArrayList<>();
        boolean repeated = false;
        while (at < pattern.length && peek() != '|' && peek() != ')') {
            if (has('x') && skipsInVerbose()) {
                continue;
            }
            int[] range = repetition();
            if (range == null) {
                RegexNode node = atom();
                if (node != null) { // a comment leaves the one before it to be repeated
                    nodes.add(node);
                    repeated = false;
                }
            } else if (nodes.isEmpty() || nodes.getLast() instanceof RegexNode.Anchor) {
                throw wrong("nothing to repeat");
            } else if (repeated) {
                throw wrong("multiple repeat");
            } else {
                boolean lazy = accept('?');
                RegexNode repeat = new RegexNode.Repeat(nodes.removeLast(), range[0], range[1], lazy);
                nodes.add(!lazy && accept('+') ? new RegexNode.Atomic(repeat) : repeat);
                repeated = true;
            }
        }
        return nodes.size() == 1 ? nodes.getFirst() : new RegexNode.Sequence(List.copyOf(nodes));
    }

    private boolean skipsInVerbose() {
        int c = peek();
        if (c == '#') {
            while (at < pattern.length && pattern[at] != '\n') {
                at++;
            }
            return true;
        }
        if (c == ' ' || c >= '\t' && c <= '\r') {
            at++;
            return true;
        }
        return false;
    }

    /** The least and the most of {@code * + ? {2,5}}; null and nothing read where there is none of them. */
    private int @Nullable [] repetition() {
        if (accept('*')) {
            return new int[] {0, MANY};
        }
        if (accept('+')) {
            return new int[] {1, MANY};
        }
        if (accept('?')) {
            return new int[] {0, 1};
        }
        int start = at;
        if (!accept('{') || at < pattern.length && peek() == '}') {
            at = start;
            return null;
        }
        String least = digits();
        String most = accept(',') ? digits() : least;
        if (!accept('}')) {
            at = start; // a brace is a brace
            return null;
        }
        int from = least.isEmpty() ? 0 : count(least);
        int to = most.isEmpty() ? MANY : count(most);
        if (to < from) {
            throw wrong("min repeat greater than max repeat");
        }
        return new int[] {from, to};
    }

    private int count(String digits) {
        if (digits.length() > 9) {
            throw wrong("the repetition number is too large");
        }
        return Integer.parseInt(digits);
    }

    /** One thing that can be repeated; null for what only sets something. */
    private @Nullable RegexNode atom() {
        int c = pattern[at++];
        return switch (c) {
            case '.' -> one(has('s') ? any -> true : any -> any != '\n');
            case '^' -> new RegexNode.Anchor(has('m') ? (text, i) -> i == 0 || text[i - 1] == '\n' : (text, i) -> i == 0);
            case '$' -> new RegexNode.Anchor(has('m') ? (text, i) -> i == text.length || text[i] == '\n'
                    : (text, i) -> i == text.length || i == text.length - 1 && text[i] == '\n');
            case '[' -> one(new RegexClass(this).read());
            case '(' -> group();
            case '\\' -> escape();
            default -> one(literal(c));
        };
    }

    private static RegexNode one(IntPredicate set) {
        return new RegexNode.One(set);
    }

    /** The character, in any case where that is asked for. */
    private IntPredicate literal(int c) {
        int folded = folded(c);
        return has('i') ? other -> other == c || folded(other) == folded : other -> other == c;
    }

    // ------------------------------------------------------------------------------------------------ groups

    private @Nullable RegexNode group() {
        int start = at - 1;
        if (!accept('?')) {
            return capturing(null);
        }
        if (at == pattern.length) {
            throw wrong("unexpected end of pattern");
        }
        int c = pattern[at++];
        switch (c) {
            case ':':
                return grouped(inner(flags));
            case '>':
                return new RegexNode.Atomic(inner(flags));
            case '=', '!':
                return new RegexNode.Look(inner(flags), 0, c == '!');
            case '<':
                return behind();
            case 'P':
                return named();
            case '(':
                return condition();
            case '#':
                upTo(')', "comment");
                return null;
            default:
                at--;
                return flagged(start);
        }
    }

    private RegexNode inner(String innerFlags) {
        String outer = flags;
        flags = innerFlags;
        RegexNode node = alternatives();
        flags = outer;
        if (!accept(')')) {
            throw wrong("missing ), unterminated subpattern");
        }
        return node;
    }

    /** A place in a group can be repeated, a bare one cannot. */
    private static RegexNode grouped(RegexNode node) {
        return node instanceof RegexNode.Anchor ? new RegexNode.Sequence(List.of(node)) : node;
    }

    private RegexNode capturing(@Nullable String name) {
        int number = ++groups;
        if (name != null && names.put(name, number) != null) {
            throw wrong("the group name " + name + " is there twice");
        }
        open.add(number);
        RegexNode node = inner(flags);
        open.remove(number);
        widths.put(number, RegexWidth.of(node));
        return new RegexNode.Group(number, node);
    }

    /** Behind by no character is ahead. */
    private RegexNode behind() {
        boolean negative = accept('!');
        if (!negative && !accept('=')) {
            throw wrong("unknown extension ?<");
        }
        RegexNode node = inner(flags);
        int width = RegexWidth.of(node);
        if (width < 0) {
            throw wrong("look-behind requires fixed-width pattern");
        }
        return new RegexNode.Look(node, width, negative);
    }

    private RegexNode named() {
        if (accept('<')) {
            String name = upTo('>', "group name");
            if (name.isEmpty() || !Character.isUnicodeIdentifierStart(name.codePointAt(0)) && name.charAt(0) != '_'
                    || !name.codePoints().allMatch(c -> c == '_' || Character.isUnicodeIdentifierPart(c))) {
                throw wrong("bad character in group name");
            }
            return capturing(name);
        }
        if (accept('=')) {
            return again(reference(upTo(')', "group name")));
        }
        throw wrong("unknown extension ?P");
    }

    private RegexNode condition() {
        String word = upTo(')', "group name");
        boolean number = !word.isEmpty() && word.chars().allMatch(c -> c >= '0' && c <= '9');
        int group = number ? count(word) : reference(word);
        if (number && group == 0) {
            throw wrong("bad group number");
        }
        String outer = flags;
        RegexNode yes = sequence();
        RegexNode no = accept('|') ? sequence() : new RegexNode.Sequence(List.of());
        flags = outer;
        if (at < pattern.length && peek() == '|') {
            throw wrong("conditional backref with more than two branches");
        }
        if (!accept(')')) {
            throw wrong("missing ), unterminated subpattern");
        }
        highest = Math.max(highest, group);
        return new RegexNode.IfGroup(group, yes, no);
    }

    private @Nullable RegexNode flagged(int start) {
        StringBuilder on = new StringBuilder();
        StringBuilder off = new StringBuilder();
        StringBuilder to = on;
        while (true) {
            if (at == pattern.length) {
                throw wrong("missing -, : or )");
            }
            int c = pattern[at++];
            if (c == ')' && to == on && !on.isEmpty()) {
                if (start != afterFlags) {
                    throw wrong("global flags not at the start of the expression");
                }
                flags = with(flags, on, off);
                afterFlags = at;
                return null;
            }
            if (c == ':' && !(on.isEmpty() && off.isEmpty())) {
                return grouped(inner(with(flags, on, off)));
            }
            if (c == '-' && to == on) {
                to = off;
            } else if ((to == on ? "aimsux" : "imsx").indexOf(c) >= 0) {
                to.appendCodePoint(c);
            } else {
                throw wrong("unknown extension ?" + Character.toString(c));
            }
        }
    }

    private static String with(String flags, CharSequence on, CharSequence off) {
        String without = flags;
        for (int i = 0; i < off.length(); i++) {
            without = without.replace(off.subSequence(i, i + 1), "");
        }
        if (on.toString().contains("u")) {
            without = without.replace("a", "");
        }
        return without + on;
    }

    // ------------------------------------------------------------------------------------------------ escapes

    private RegexNode escape() {
        if (at == pattern.length) {
            throw wrong("bad escape (end of pattern)");
        }
        int c = pattern[at++];
        switch (c) {
            case 'A':
                return new RegexNode.Anchor((text, i) -> i == 0);
            case 'Z':
                return new RegexNode.Anchor((text, i) -> i == text.length);
            case 'b', 'B':
                IntPredicate word = category('w');
                boolean inside = c == 'B';
                return new RegexNode.Anchor((text, i) -> text.length > 0
                        && (i > 0 && word.test(text[i - 1]) == (i < text.length && word.test(text[i]))
                        || i == 0 && !word.test(text[0])) == inside);
            default:
                break;
        }
        if (c >= '1' && c <= '9') {
            return numbered(c);
        }
        IntPredicate category = category(c);
        return one(category != null ? category : literal(character(c)));
    }

    /** A group's number, of one or two digits, or a character by three octal ones. */
    private RegexNode numbered(int first) {
        int number = first - '0';
        if (at < pattern.length && isDigit(peek())) {
            int second = pattern[at++] - '0';
            boolean octal = number < 8 && second < 8 && at < pattern.length && peek() >= '0' && peek() <= '7';
            if (octal) {
                int value = (number * 8 + second) * 8 + pattern[at++] - '0';
                if (value > 255) {
                    throw wrong("octal escape value outside of range 0-0o377");
                }
                return one(literal(value));
            }
            number = 10 * number + second;
        }
        if (number > groups) {
            throw wrong("invalid group reference " + number);
        }
        return again(number);
    }

    private RegexNode again(int group) {
        if (open.contains(group)) {
            throw wrong("cannot refer to an open group");
        }
        return new RegexNode.Again(group, has('i'), widths.get(group));
    }

    private int reference(String name) {
        Integer group = names.get(name);
        if (group == null) {
            throw wrong("unknown group name");
        }
        return group;
    }
}
