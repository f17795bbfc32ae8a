package org.lora4j.tokenizer;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.tokenizer.pipeline.ByteAlphabet;
import org.lora4j.tokenizer.pipeline.Normalizer;
import org.lora4j.tokenizer.pipeline.Splitter;
import org.lora4j.tokenizer.pipeline.SubwordModel;
import org.lora4j.tokenizer.pipeline.Template;
import org.lora4j.tokenizer.pipeline.TokenDecoder;

/**
 * A tokenizer of parts, as a {@code tokenizer.json} describes one:
 *
 * <pre>
 *   text → added tokens found, the rest rewritten → words → ids → special tokens around them
 *   ids  → tokens → text
 * </pre>
 *
 * {@link #encode} gives what Transformers gives for a text alone, its special tokens among it. Text and ids are no bijection
 * where a part of it rewrites the text: BERT's lower case and accents do not come back.
 */
final class PipelineTokenizer implements Tokenizer {

    private final Parts parts;
    private final AddedTokens added;
    private final Beside beside;
    private final int vocabSize;

    /** What texts go through. */
    record Parts(Normalizer normalizer, Splitter splitter, SubwordModel model, Template template, TokenDecoder decoder) {
    }

    /**
     * What is said beside the parts.
     *
     * @param source    the file, for messages
     * @param described all that the file says of the parts, for a fingerprint
     * @param endOfText how the token is written that ends a text; null if there is none
     * @param stopIds   where a model's texts end; empty where its files do not say
     * @param padding   null where no token is for padding
     * @param types     whether models of this kind are given token types
     */
    record Beside(
            String source, String described, @Nullable String endOfText, Set<Integer> stopIds, @Nullable Padding padding,
            Side truncationSide, OptionalInt maxLength, boolean types) {
    }

    PipelineTokenizer(Parts parts, List<AddedToken> added, boolean splitSpecial, Beside beside) {
        this.parts = parts;
        this.added = new AddedTokens(added, splitSpecial, parts.normalizer);
        this.beside = beside;
        int last = parts.model.vocabulary().values().stream().mapToInt(Integer::intValue).max().orElse(-1);
        vocabSize = 1 + Math.max(last, added.stream().mapToInt(AddedToken::id).max().orElse(-1));
    }

    @Override
    public int[] encode(String text) {
        return parts.template.encode(encodeContinuation(text), null, Truncation.NONE, true).ids();
    }

    @Override
    public int[] encodeContinuation(String text) {
        return tokens(text).ids();
    }

    private TokenList tokens(String text) {
        TokenList tokens = new TokenList();
        added.split(ByteLevelBpe.wellFormed(text), (piece, begins) -> words(piece, begins, tokens), tokens::addToken);
        return tokens;
    }

    @Override
    public int[] encodeOrdinary(String text) {
        TokenList tokens = new TokenList();
        String rewritten = parts.normalizer.normalize(ByteLevelBpe.wellFormed(text));
        if (!rewritten.isEmpty()) {
            words(rewritten, !parts.normalizer.dropsBeginning(text), tokens);
        }
        return tokens.ids();
    }

    private void words(String text, boolean begins, TokenList tokens) {
        parts.splitter.split(text, begins, (word, first) -> {
            parts.model.encode(word, tokens::add);
            tokens.endWord();
        });
    }

    @Override
    public Encoding encodePair(String first, @Nullable String second, Truncation truncation) {
        Encoding encoding = encodePair(parts.template, tokens(first), second == null ? null : tokens(second),
                truncation.side() == null ? truncation.from(beside.truncationSide) : truncation);
        return beside.types ? encoding : encoding.withoutTypes();
    }

    /** @param truncation with a side; null for the right */
    static Encoding encodePair(Template template, TokenList first, @Nullable TokenList second, Truncation truncation) {
        Side side = truncation.side() == null ? Side.RIGHT : truncation.side();
        boolean firstLonger = second != null && truncation.maxLength() < Integer.MAX_VALUE
                && first.limited(truncation.maxLength(), side) > second.limited(truncation.maxLength(), side);
        return template.encode(first.ids(), second == null ? null : second.ids(), truncation.from(side), firstLonger);
    }

    @Override
    public Padding padding() {
        return beside.padding != null ? beside.padding : new Padding(endOfText(), 0, Side.RIGHT);
    }

    @Override
    public OptionalInt maxLength() {
        return beside.maxLength;
    }

    // ------------------------------------------------------------------------------------------------ back to text

    /** The tokens' bytes where each stands for some; where only a text as a whole does, that text's. */
    @Override
    public byte[] decodeBytes(int... ids) {
        if (!parts.decoder.isByteLevel()) {
            return decode(ids, false).getBytes(StandardCharsets.UTF_8);
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        tokens(ids, false).forEach(token -> bytes.writeBytes(ByteAlphabet.bytes(token)));
        return bytes.toByteArray();
    }

    @Override
    public String decode(int... ids) {
        return decode(ids, false);
    }

    @Override
    public String decodeText(int... ids) {
        return decode(ids, true);
    }

    private String decode(int[] ids, boolean withoutSpecial) {
        List<String> tokens = tokens(ids, withoutSpecial);
        return tokens.isEmpty() ? "" : String.join("", parts.decoder.decode(tokens));
    }

    private List<String> tokens(int[] ids, boolean withoutSpecial) {
        List<String> tokens = new ArrayList<>(ids.length);
        for (int id : ids) {
            if (id < 0) {
                throw new LoraException("token id " + id + " is negative: ids count from 0");
            }
            AddedToken token = added.withId(id);
            if (token == null) {
                String known = parts.model.token(id);
                if (known != null) {
                    tokens.add(known);
                }
            } else {
                String written = token.normalized() ? parts.normalizer.normalize(token.content()) : token.content();
                AddedToken named = added.named(written); // as in the library: what is written otherwise is not left out
                if (!withoutSpecial || named == null || !named.special()) {
                    tokens.add(written);
                }
            }
        }
        return tokens;
    }

    // ------------------------------------------------------------------------------------------------ what is known

    @Override
    public boolean isSpecial(int id) {
        AddedToken token = added.withId(id);
        return token != null && token.special();
    }

    @Override
    public int vocabSize() {
        return vocabSize;
    }

    @Override
    public int endOfText() {
        String name = beside.endOfText;
        AddedToken token = name == null ? null : added.named(name);
        if (token != null) {
            return token.id();
        }
        Integer id = name == null ? null : parts.model.vocabulary().get(name);
        if (id != null) {
            return id;
        }
        return beside.stopIds.stream().findFirst().orElseThrow(() -> new LoraException(beside.source + ": no token that ends a "
                + "text, " + (name == null ? "and none is named" : name + " is not in the vocabulary") + ". Name it as eos_token "
                + "in a tokenizer_config.json beside it"));
    }

    @Override
    public String endOfTextToken() {
        return decode(endOfText());
    }

    @Override
    public Set<Integer> stopIds() {
        return beside.stopIds.isEmpty() ? Set.of(endOfText()) : Collections.unmodifiableSet(beside.stopIds);
    }

    @Override
    public String fingerprint() {
        Hasher hash = Hashing.sha256().newHasher();
        parts.model.vocabulary().entrySet().stream().sorted(Map.Entry.<String, Integer>comparingByValue()
                .thenComparing(Map.Entry.comparingByKey())).forEach(entry -> hash.putString(
                        entry.getValue() + " " + entry.getKey() + "\n", StandardCharsets.UTF_8));
        hash.putString(parts.model.describe() + beside.described + parts.template.describe() + added + added.splitsSpecial()
                + beside.endOfText + beside.stopIds + beside.types, StandardCharsets.UTF_8);
        return hash.hash().toString();
    }
}
