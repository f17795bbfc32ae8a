package org.lora4j.tokenizer.pipeline;

import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * BERT's pieces of words (Wu et al. 2016, as Devlin et al. 2019 use them): again and again the longest token that the rest of
 * the word begins with.
 *
 * <pre>
 *   "gardeners" → garden ##er ##s      what does not begin the word is looked for with ## before it
 * </pre>
 *
 * A word that does not come out even is unknown as a whole, and so is one of more characters than the bound.
 */
public final class WordPiece implements SubwordModel {

    private final Vocabulary vocabulary;
    private final String unknown;
    private final String prefix;
    private final int longest;
    private final CharTrie trie = new CharTrie();
    private final int continuing; // the node behind the prefix
    private final WordCache cache = new WordCache();

    /**
     * @param prefix  what pieces within a word are written with, such as ##
     * @param longest how many characters a word may have
     */
    public WordPiece(Map<String, Integer> vocabulary, String unknown, String prefix, int longest) {
        this.vocabulary = new Vocabulary(vocabulary);
        this.unknown = unknown;
        this.prefix = prefix;
        this.longest = longest;
        vocabulary.forEach(trie::put);
        continuing = trie.walk(prefix);
    }

    @Override
    public void encode(String word, IntConsumer ids) {
        cache.encode(word, ids, out -> pieces(word, out));
    }

    private void pieces(String word, IntConsumer ids) {
        if (word.length() > longest && word.codePointCount(0, word.length()) > longest) {
            ids.accept(unknown(word));
            return;
        }
        WordCache.Ids pieces = new WordCache.Ids();
        for (int from = 0; from < word.length(); ) {
            int node = from == 0 ? CharTrie.ROOT : continuing;
            int to = from;
            int piece = CharTrie.NONE;
            for (int i = from; i < word.length() && node != CharTrie.NONE; i++) {
                node = trie.next(node, word.charAt(i));
                if (node != CharTrie.NONE && trie.token(node) != CharTrie.NONE) {
                    piece = trie.token(node);
                    to = i + 1;
                }
            }
            if (piece == CharTrie.NONE) {
                ids.accept(unknown(word));
                return;
            }
            pieces.accept(piece);
            from = to;
        }
        for (int piece : pieces.toArray()) {
            ids.accept(piece);
        }
    }

    private int unknown(String word) {
        Integer id = vocabulary.id(unknown);
        if (id == null) {
            throw new LoraException("the tokenizer cannot put " + Names.quoted(word.length() > 40 ? word.substring(0, 40) + "…"
                    : word) + " together from its pieces, and " + Names.quoted(unknown) + ", its unk_token, is not in its "
                    + "vocabulary");
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
        return "WordPiece " + unknown + " " + prefix + " " + longest;
    }
}
