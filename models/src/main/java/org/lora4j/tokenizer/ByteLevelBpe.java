package org.lora4j.tokenizer;

import com.google.common.hash.Hashing;
import com.google.common.primitives.Ints;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.FileErrors;
import org.lora4j.io.FormatException;
import org.lora4j.io.TextInput;
import org.lora4j.tokenizer.pipeline.ByteAlphabet;
import org.lora4j.tokenizer.pipeline.Template;

/**
 * GPT-2's byte-level byte-pair encoding (Radford et al. 2019).
 *
 * <pre>
 *   text → words          {@link PreTokenizer}: "Blue Spice's" → "Blue", " Spice", "'s"
 *   word → bytes → ids    UTF-8, one id for each byte
 *   ids  → ids            {@link BpeMerger}: the pair of lowest rank joins, again and again, until none does
 * </pre>
 *
 * Every byte has a token of its own, so every text can be encoded and no id for "unknown" exists.
 *
 * <p>Before that, the special and added tokens that are written out in a text are found ({@link AddedTokens}), and only what
 * lies between them goes through BPE. Which there are, the folder's files say ({@link TokenizerSettings}); two files of BPE
 * alone have {@code <|endoftext|>}.
 *
 * <p>Files, as GPT-2 and Hugging Face write them: {@code vocab.json}, an object of token → id, and {@code merges.txt}
 * or {@code vocab.bpe}, two tokens a line in order of rank, after an optional first line {@code #version}; or a
 * {@code tokenizer.json}, which comes before them, as in Transformers. Tokens are spelt in {@link ByteAlphabet}, where a
 * space is Ġ.
 */
public final class ByteLevelBpe implements Tokenizer {

    private static final String VOCAB_FILE = "vocab.json";
    private static final String[] MERGES_FILES = {"merges.txt", "vocab.bpe"};

    /** Words repeat: those of up to 64 chars are remembered, up to about 20 MB of them. */
    private static final int CACHED_WORDS = 1 << 16;
    private static final int CACHED_LENGTH = 64;

    private final BpeFiles files;
    private final AddedTokens added;
    private final TokenizerSettings settings;
    private final Set<Integer> stopIds; // empty where the model's files do not say
    private final int[] beginning;
    private final ConcurrentHashMap<String, int[]> cache = new ConcurrentHashMap<>();

    private ByteLevelBpe(BpeFiles files, TokenizerSettings settings, Set<Integer> stopIds) {
        this.files = files;
        this.settings = settings;
        this.stopIds = stopIds;
        added = settings.tokens(files);
        beginning = beginning();
    }

    private int[] beginning() {
        String name = settings.beginning();
        if (name == null) {
            return new int[0];
        }
        AddedToken token = added.named(name);
        if (token == null) {
            throw new LoraException(files.vocabName() + ": no token " + Names.quoted(name) + ", which every text begins with "
                    + "(add_bos_token). Name the right bos_token in tokenizer_config.json, or set add_bos_token to false");
        }
        return new int[] {token.id()};
    }

    /**
     * Reads {@code tokenizer.json}, or {@code vocab.json} and {@code merges.txt} or {@code vocab.bpe}; what the files beside
     * them say of special and added tokens; and at which tokens the model's texts end.
     *
     * @throws LoraException if a file is missing or malformed, or cannot be read
     */
    public static ByteLevelBpe load(Path folder) {
        TokenizerJson json = TokenizerJson.in(folder);
        BpeFiles files = json != null ? json.bpe() : twoFiles(folder);
        return new ByteLevelBpe(files, TokenizerSettings.read(folder, json), StopTokens.of(folder));
    }

    /** Whether the {@code tokenizer.json} of a folder, if it has one, is a byte-level BPE as GPT-2's and nothing else. */
    public static boolean reads(Path folder) {
        try {
            TokenizerJson.in(folder);
            return true;
        } catch (FormatException other) {
            return false;
        }
    }

    static BpeFiles twoFiles(Path folder) {
        Path vocab = folder.resolve(VOCAB_FILE);
        Path merges = folder.resolve(MERGES_FILES[0]);
        if (!Files.exists(merges)) {
            merges = folder.resolve(MERGES_FILES[1]);
        }
        if (!Files.exists(vocab)) {
            throw new LoraException(folder + ": no " + VOCAB_FILE + " there. A byte-level BPE tokenizer is a " + VOCAB_FILE
                    + " with a " + MERGES_FILES[0] + " or " + MERGES_FILES[1] + " beside it, or a " + TokenizerJson.FILE_NAME);
        }
        if (!Files.exists(merges)) {
            throw new LoraException(folder + ": a " + VOCAB_FILE + ", but neither " + MERGES_FILES[0] + " nor "
                    + MERGES_FILES[1] + " there. Copy the one that belongs to it into the folder");
        }
        try (Reader words = open(vocab); Reader rules = open(merges)) {
            return BpeFiles.read(vocab.toString(), words, merges.toString(), rules);
        } catch (IOException e) {
            throw new LoraException(folder + ": vocab.json or the merges beside it cannot be read: "
                    + FileErrors.reason(vocab, e), e);
        }
    }

    private static Reader open(Path file) {
        try {
            return TextInput.open(file);
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }

    /** Reads the two files from anywhere; the names are for error messages. */
    public static ByteLevelBpe load(String vocabName, Reader vocab, String mergesName, Reader merges) throws IOException {
        return new ByteLevelBpe(BpeFiles.read(vocabName, vocab, mergesName, merges), TokenizerSettings.none(), Set.of());
    }

    @Override
    public int[] encode(String text) {
        return encode(text, beginning, settings.prefixSpace());
    }

    @Override
    public int[] encodeContinuation(String text) {
        return encode(text, new int[0], false);
    }

    private int[] encode(String text, int[] before, boolean prefixSpace) {
        int[] ids = tokens(text, prefixSpace).ids();
        return before.length == 0 ? ids : Ints.concat(before, ids);
    }

    /** As Hugging Face's ByteLevel does it, every piece between two added tokens begins with a space where texts do. */
    private TokenList tokens(String text, boolean prefixSpace) {
        TokenList ids = new TokenList();
        added.split(wellFormed(text), piece -> {
            boolean begins = prefixSpace && !piece.startsWith(" ");
            addWords(begins ? " " + piece : piece, ids);
        }, ids::addToken);
        return ids;
    }

    /** Without token types, which GPT-2 is given none of; what begins a text begins both of a pair. */
    @Override
    public Encoding encodePair(String first, @Nullable String second, Truncation truncation) {
        TokenList two = second == null ? null : tokens(second, settings.prefixSpace());
        return PipelineTokenizer.encodePair(Template.around(beginning, new int[0]), tokens(first, settings.prefixSpace()), two,
                truncation).withoutTypes();
    }

    /** The files' pad_token; where they have none, what ends a text. */
    @Override
    public Padding padding() {
        AddedToken token = settings.padding() == null ? null : added.named(settings.padding());
        return new Padding(token == null ? endOfText() : token.id(), 0, settings.paddingSide());
    }

    @Override
    public int[] encodeOrdinary(String text) {
        TokenList ids = new TokenList();
        addWords(wellFormed(text), ids);
        return ids.ids();
    }

    private void addWords(String text, TokenList ids) {
        addWords(text, ids, IntUnaryOperator.identity());
    }

    /** @param numbering from an id here to the one that is added */
    void addWords(String text, TokenList ids, IntUnaryOperator numbering) {
        PreTokenizer.forEachWord(text, word -> {
            for (int id : encodeWord(word)) {
                ids.add(numbering.applyAsInt(id));
            }
            ids.endWord();
        });
    }

    private int[] encodeWord(String word) {
        int[] known = cache.get(word);
        if (known != null) {
            return known;
        }
        byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            ids[i] = files.idOfByte(bytes[i] & 0xFF);
        }
        ids = BpeMerger.merge(ids, files.merges());
        if (word.length() <= CACHED_LENGTH && cache.size() < CACHED_WORDS) {
            cache.put(word, ids);
        }
        return ids;
    }

    /** With U+FFFD for half surrogate pairs, of which UTF-8 knows nothing. */
    static String wellFormed(String text) {
        if (text.codePoints().noneMatch(ByteLevelBpe::isHalfPair)) {
            return text;
        }
        int[] characters = text.codePoints().map(c -> isHalfPair(c) ? 0xFFFD : c).toArray();
        return new String(characters, 0, characters.length);
    }

    private static boolean isHalfPair(int codePoint) {
        return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
    }

    @Override
    public byte[] decodeBytes(int... ids) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int id : ids) {
            if (id < 0) {
                throw new LoraException("token id " + id + " is negative: ids count from 0");
            }
            AddedToken token = added.withId(id);
            byte[] known = token == null ? files.bytesOf(id) : ByteAlphabet.bytes(token.content());
            if (known != null) {
                bytes.writeBytes(known);
            }
        }
        return bytes.toByteArray();
    }

    @Override
    public boolean isSpecial(int id) {
        AddedToken token = added.withId(id);
        return token != null && token.special();
    }

    @Override
    public int vocabSize() {
        return Math.max(files.vocabSize(), 1 + added.all().stream().mapToInt(AddedToken::id).max().orElse(-1));
    }

    /** The eos_token of the tokenizer's files; where the vocabulary has no such token, the first of {@link #stopIds}. */
    @Override
    public int endOfText() {
        String name = settings.endOfText();
        AddedToken token = name == null ? null : added.named(name);
        if (token != null) {
            return token.id();
        }
        return stopIds.stream().findFirst().orElseThrow(() -> new LoraException(files.vocabName() + ": no token "
                + (name == null ? TokenizerSettings.END_OF_TEXT : name) + ", which ends a text and separates context and "
                + "completion. Is this a GPT-2 vocabulary? If its texts end with another token, name that as eos_token in a "
                + "tokenizer_config.json beside it"));
    }

    @Override
    public String endOfTextToken() {
        return decode(endOfText());
    }

    /**
     * What {@code eos_token_id} says in {@code generation_config.json}, or in {@code config.json} where that is missing;
     * {@link #endOfText} where neither says.
     */
    @Override
    public Set<Integer> stopIds() {
        return stopIds.isEmpty() ? Set.of(endOfText()) : Collections.unmodifiableSet(stopIds);
    }

    @Override
    public String fingerprint() {
        String beside = added + " prefix " + settings.prefixSpace() + " begins " + Arrays.toString(beginning) + " split "
                + settings.splitSpecial() + " ends " + settings.endOfText() + " stops " + stopIds;
        return Hashing.sha256().hashString(files.fingerprint() + beside, StandardCharsets.UTF_8).toString();
    }
}
