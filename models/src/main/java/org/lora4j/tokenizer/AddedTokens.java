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
import org.lora4j.tokenizer.pipeline.Normalizer;
import org.lora4j.tokenizer.pipeline.Splitter;

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
    private final Normalizer normalizer;

    /** One char further in the tokens that begin alike. */
    private static final class Node {
        private final Map<Character, Node> next = new HashMap<>();
        private @Nullable AddedToken token;
        private int length; // of what is looked for
    }

    /**
     * @param tokens       with different ids and contents
     * @param splitSpecial whether special ones stay ordinary text ({@code split_special_tokens})
     */
    AddedTokens(Collection<AddedToken> tokens, boolean splitSpecial) {
        this(tokens, splitSpecial, Normalizer.NONE);
    }

    /** @param normalizer what becomes of a text, and so of the normalized ones that are looked for in it */
    AddedTokens(Collection<AddedToken> tokens, boolean splitSpecial, Normalizer normalizer) {
        this.splitSpecial = splitSpecial;
        this.normalizer = normalizer;
        for (AddedToken token : tokens) {
            byId.put(token.id(), token);
            byContent.put(token.content(), token);
            Node node = token.normalized() ? normalized : literal;
            String looked = token.normalized() ? normalizer.normalize(token.content()) : token.content();
            for (char letter : looked.toCharArray()) {
                node = node.next.computeIfAbsent(letter, unused -> new Node());
            }
            if (node.token != null || looked.isEmpty()) {
                continue; // of two that a normalizer makes one the first is found; of one that it makes nothing, none
            }
            node.token = token;
            node.length = looked.length();
        }
    }

    Collection<AddedToken> all() {
        return byId.values();
    }

    /** Whether special ones stay ordinary text. */
    boolean splitsSpecial() {
        return splitSpecial;
    }

    /** Null if there is none. */
    @Nullable AddedToken withId(int id) {
        return byId.get(id);
    }

    /** Null if there is none. */
    @Nullable AddedToken named(String content) {
        return byContent.get(content);
    }

    /** Calls in the text's order: one of the two for each piece, normalised where the texts are. */
    void split(String text, Consumer<String> ordinary, IntConsumer added) {
        split(text, (piece, begins) -> ordinary.accept(piece), added);
    }

    /** The same for who wants to know which piece begins the text. */
    void split(String text, Splitter.Words ordinary, IntConsumer added) {
        split(text, true, literal, (piece, begins) -> {
            String rewritten = normalizer.normalize(piece);
            boolean first = begins && !normalizer.dropsBeginning(piece);
            if (normalized.next.isEmpty() && !rewritten.isEmpty()) {
                ordinary.accept(rewritten, first);
            } else {
                split(rewritten, first, normalized, ordinary, added);
            }
        }, added);
    }

    private void split(String text, boolean begins, Node tokens, Splitter.Words ordinary, IntConsumer added) {
        int from = 0; // what is before this has been given out
        int at = 0;
        while (at < text.length()) {
            Node found = longest(text, at, tokens);
            if (found == null) {
                at++;
                continue;
            }
            AddedToken token = found.token;
            int end = at + found.length;
            if (!(splitSpecial && token.special()) && (!token.singleWord() || isAlone(text, at, end))) {
                int start = token.lstrip() ? withoutSpaceBefore(text, from, at) : at;
                if (from < start) {
                    ordinary.accept(text.substring(from, start), begins && from == 0);
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
            ordinary.accept(text.substring(from), begins && from == 0);
        }
    }

    private static @Nullable Node longest(String text, int at, Node tokens) {
        Node found = null;
        Node node = tokens;
        for (int i = at; i < text.length(); i++) {
            node = node.next.get(text.charAt(i));
            if (node == null) {
                break;
            }
            found = node.token != null ? node : found;
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
