package org.lora4j.tokenizer.pipeline;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * Byte-pair encoding on characters (Sennrich et al. 2016), as Hugging Face's tokenizers do it: of all neighbours that join,
 * the pair of lowest rank does, of several the first; then what is new beside it waits with the others.
 *
 * <p>A character without a token is spelt in bytes where that is asked for, else unknown, else left out.
 */
public final class Bpe implements SubwordModel {

    private static final int NO_TOKEN = -1;
    private static final int PLAIN = 1 << 16; // characters below have a table

    private final Vocabulary vocabulary;
    private final MergeTable merges;
    private final Options options;
    private final int[] ofChar; // of characters that stand within a word
    private final int @Nullable [] bytes;
    private final @Nullable CharTrie fixed;
    private final WordCache cache = new WordCache();

    /**
     * What may be otherwise than in GPT-2.
     *
     * @param unknown      the token for a character without one; null: it is left out
     * @param fuseUnknown  whether unknown characters side by side are one token
     * @param prefix       what characters that do not begin a word are written with; empty for nothing
     * @param suffix       what the last character of a word is written with; empty for nothing
     * @param byteFallback whether an unknown character is spelt in tokens such as {@code <0xE2>}
     * @param ignoreMerges whether a word that is a token as a whole is that, whatever the merges give
     */
    public record Options(
            @Nullable String unknown, boolean fuseUnknown, String prefix, String suffix, boolean byteFallback,
            boolean ignoreMerges) {
    }

    /** Two tokens that join; their rank is their place in the list. */
    public record Merge(String left, String right) {
    }

    /** Two tokens that join, with the rank and the token they give; several may have one rank. */
    record Ranked(int left, int right, int rank, int result) {
    }

    /**
     * @throws LoraException that names the merge whose parts or result are no tokens
     */
    public Bpe(Map<String, Integer> vocabulary, List<Merge> merges, Options options) {
        this(vocabulary, ranked(vocabulary, merges, options.prefix), options, null);
    }

    /** @param fixed tokens that stand in a text as they are written, and never join; null for none */
    Bpe(Map<String, Integer> vocabulary, List<Ranked> merges, Options options, @Nullable CharTrie fixed) {
        this.vocabulary = new Vocabulary(vocabulary);
        this.options = options;
        this.fixed = fixed;
        this.merges = new MergeTable(merges.size());
        merges.forEach(merge -> this.merges.put(merge.left, merge.right, merge.rank, merge.result));
        bytes = options.byteFallback ? byteTokens(vocabulary) : null;
        ofChar = new int[PLAIN];
        Arrays.fill(ofChar, NO_TOKEN);
        for (Map.Entry<String, Integer> entry : vocabulary.entrySet()) {
            String token = entry.getKey();
            if (token.length() == 1 && options.prefix.isEmpty()) {
                ofChar[token.charAt(0)] = entry.getValue();
            }
        }
    }

    private static List<Ranked> ranked(Map<String, Integer> vocabulary, List<Merge> merges, String prefix) {
        List<Ranked> ranked = new ArrayList<>(merges.size());
        for (Merge merge : merges) {
            String rest = merge.right.startsWith(prefix) ? merge.right.substring(prefix.length()) : merge.right;
            ranked.add(new Ranked(id(vocabulary, merge.left, merge), id(vocabulary, merge.right, merge), ranked.size(),
                    id(vocabulary, merge.left + rest, merge)));
        }
        return ranked;
    }

    private static int id(Map<String, Integer> vocabulary, String token, Merge merge) {
        Integer id = vocabulary.get(token);
        if (id == null) {
            throw new LoraException("joins '" + merge.left + "' and '" + merge.right + "', but '" + token
                    + "' is not in the vocabulary");
        }
        return id;
    }

    /** The ids of {@code <0x00>} to {@code <0xFF>}; -1 where there is no such token. */
    static int[] byteTokens(Map<String, Integer> vocabulary) {
        int[] bytes = new int[256];
        for (int b = 0; b < bytes.length; b++) {
            bytes[b] = vocabulary.getOrDefault("<0x%02X>".formatted(b), NO_TOKEN);
        }
        return bytes;
    }

    @Override
    public void encode(String word, IntConsumer ids) {
        if (options.ignoreMerges) {
            Integer whole = vocabulary.id(word);
            if (whole != null) {
                ids.accept(whole);
                return;
            }
        }
        cache.encode(word, ids, out -> new BpeWord(symbols(word), merges).join(out));
    }

    /** One token for each character, before any are joined. */
    private int[] symbols(String word) {
        WordCache.Ids symbols = new WordCache.Ids();
        int unknown = NO_TOKEN; // waits, since the next one may be fused with it
        for (int i = 0; i < word.length(); ) {
            int c = word.codePointAt(i);
            int end = fixed == null ? i : Unigram.longest(fixed, word, i);
            int next = end > i ? end : i + Character.charCount(c);
            int id = end > i ? vocabulary.id(word.substring(i, end)) : symbol(word, c, i == 0, next == word.length());
            if (id != NO_TOKEN) {
                if (unknown != NO_TOKEN) {
                    symbols.accept(unknown);
                    unknown = NO_TOKEN;
                }
                symbols.accept(id);
            } else if (!spell(written(c, i == 0, next == word.length()), symbols) && options.unknown != null) {
                if (unknown != NO_TOKEN && !options.fuseUnknown) {
                    symbols.accept(unknown);
                }
                unknown = unknown(c);
            }
            i = next;
        }
        if (unknown != NO_TOKEN) {
            symbols.accept(unknown);
        }
        return symbols.toArray();
    }

    private int symbol(String word, int c, boolean first, boolean last) {
        if (c < PLAIN && options.prefix.isEmpty() && !(last && !options.suffix.isEmpty())) {
            return ofChar[c];
        }
        Integer id = vocabulary.id(word.length() == 1 && options.suffix.isEmpty() ? word : written(c, first, last));
        return id == null ? NO_TOKEN : id;
    }

    private String written(int c, boolean first, boolean last) {
        return (first ? "" : options.prefix) + Character.toString(c) + (last ? options.suffix : "");
    }

    private boolean spell(String written, IntConsumer symbols) {
        if (bytes == null) {
            return false;
        }
        byte[] utf8 = written.getBytes(StandardCharsets.UTF_8);
        for (byte b : utf8) {
            if (bytes[b & 0xFF] == NO_TOKEN) {
                return false;
            }
        }
        for (byte b : utf8) {
            symbols.accept(bytes[b & 0xFF]);
        }
        return true;
    }

    private int unknown(int c) {
        Integer id = vocabulary.id(options.unknown);
        if (id == null) {
            throw new LoraException("the tokenizer does not know the character '" + Character.toString(c) + "', and "
                    + Names.quoted(options.unknown) + ", its unk_token, is not in its vocabulary");
        }
        return id;
    }

    @Override
    public Map<String, Integer> vocabulary() {
        return vocabulary.ids();
    }

    @Override
    public @Nullable String token(int id) {
        return vocabulary.token(id);
    }

    @Override
    public String describe() {
        return "BPE " + options + " " + merges.digest();
    }
}
