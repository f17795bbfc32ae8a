package org.lora4j.tokenizer;

import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the {@link AddedToken}s that are written out in a text, before BPE sees it, as Hugging Face's tokenizers do:
 *
 * <pre>
 *   from left to right, of those that begin at one place the longest     "&lt;a&gt;&lt;a&gt;x" of &lt;a&gt;, &lt;a&gt;&lt;a&gt; → "&lt;a&gt;&lt;a&gt;", "x"
 *   first those that are not normalized, then the others in what is left between them
 * </pre>
 *
 * One that is found but does not count, since it must be a single word and is none, is passed over as a whole: what begins
 * inside it is not looked at.
 */
final class AddedTokens {

    private static final Pattern WORD = Pattern.compile("\\w", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern WHITE_SPACE = Pattern.compile("\\s", Pattern.UNICODE_CHARACTER_CLASS);

    private final Map<Integer, AddedToken> byId = new LinkedHashMap<>();
    private final Map<String, AddedToken> byContent = new LinkedHashMap<>();
    private final Node literal = new Node();
    private final Node normalized = new Node();
    private final boolean splitSpecial;

    /** One char further in the tokens that begin alike. */
    private static final class Node {
        private final Map<Character, Node> next = new HashMap<>();
        private @Nullable AddedToken token;
    }

    /**
     * @param tokens       with different ids and contents
     * @param splitSpecial whether special ones stay ordinary text ({@code split_special_tokens})
     */
    AddedTokens(Collection<AddedToken> tokens, boolean splitSpecial) {
        this.splitSpecial = splitSpecial;
        for (AddedToken token : tokens) {
            byId.put(token.id(), token);
            byContent.put(token.content(), token);
            Node node = token.normalized() ? normalized : literal;
            for (char letter : token.content().toCharArray()) {
                node = node.next.computeIfAbsent(letter, unused -> new Node());
            }
            node.token = token;
        }
    }

    Collection<AddedToken> all() {
        return byId.values();
    }

    /** Null if there is none. */
    @Nullable AddedToken withId(int id) {
        return byId.get(id);
    }

    /** Null if there is none. */
    @Nullable AddedToken named(String content) {
        return byContent.get(content);
    }

    /** Calls in the text's order: one of the two for each piece. */
    void split(String text, Consumer<String> ordinary, IntConsumer added) {
        split(text, literal, piece -> split(piece, normalized, ordinary, added), added);
    }

    private void split(String text, Node tokens, Consumer<String> ordinary, IntConsumer added) {
        int from = 0; // what is before this has been given out
        int at = 0;
        while (at < text.length()) {
            AddedToken token = longest(text, at, tokens);
            if (token == null) {
                at++;
                continue;
            }
            int end = at + token.content().length();
            if (!(splitSpecial && token.special()) && (!token.singleWord() || isAlone(text, at, end))) {
                int start = token.lstrip() ? withoutSpaceBefore(text, from, at) : at;
                if (from < start) {
                    ordinary.accept(text.substring(from, start));
                }
                int stop = token.rstrip() ? withoutSpaceAfter(text, Math.max(from, end)) : end;
                if (start < stop) { // a token of white space alone may have gone into the one before it
                    added.accept(token.id());
                }
                from = stop;
            }
            at = end;
        }
        if (from < text.length()) {
            ordinary.accept(text.substring(from));
        }
    }

    private static @Nullable AddedToken longest(String text, int at, Node tokens) {
        AddedToken found = null;
        Node node = tokens;
        for (int i = at; i < text.length(); i++) {
            node = node.next.get(text.charAt(i));
            if (node == null) {
                break;
            }
            found = node.token != null ? node.token : found;
        }
        return found;
    }

    private static boolean isAlone(String text, int start, int end) {
        return (start == 0 || !is(WORD, text.codePointBefore(start)))
                && (end == text.length() || !is(WORD, text.codePointAt(end)));
    }

    private static int withoutSpaceBefore(String text, int from, int at) {
        int start = Math.max(from, at);
        while (start > from && is(WHITE_SPACE, text.codePointBefore(start))) {
            start -= Character.charCount(text.codePointBefore(start));
        }
        return start;
    }

    private static int withoutSpaceAfter(String text, int at) {
        int end = at;
        while (end < text.length() && is(WHITE_SPACE, text.codePointAt(end))) {
            end += Character.charCount(text.codePointAt(end));
        }
        return end;
    }

    private static boolean is(Pattern kind, int codePoint) {
        return kind.matcher(Character.toString(codePoint)).matches();
    }

    /** For a fingerprint: two with equal texts find the same tokens. */
    @Override
    public String toString() {
        return List.copyOf(byId.values()).toString();
    }
}
