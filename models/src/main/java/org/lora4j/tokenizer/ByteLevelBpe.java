package org.lora4j.tokenizer;

import com.google.common.primitives.ImmutableIntArray;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.lora4j.LoraException;
import org.lora4j.io.FileErrors;
import org.lora4j.io.TextInput;

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
 * <p>Files, as GPT-2 and Hugging Face write them: {@code vocab.json}, an object of token → id, and {@code merges.txt}
 * or {@code vocab.bpe}, two tokens a line in order of rank, after an optional first line {@code #version}. Tokens are
 * spelt in {@link ByteAlphabet}, where a space is Ġ.
 */
public final class ByteLevelBpe implements Tokenizer {

    private static final String END_OF_TEXT = "<|endoftext|>";
    private static final String VOCAB_FILE = "vocab.json";
    private static final String[] MERGES_FILES = {"merges.txt", "vocab.bpe"};

    /** Words repeat: those of up to 64 chars are remembered, up to about 20 MB of them. */
    private static final int CACHED_WORDS = 1 << 16;
    private static final int CACHED_LENGTH = 64;

    private final BpeFiles files;
    private final ConcurrentHashMap<String, int[]> cache = new ConcurrentHashMap<>();

    private ByteLevelBpe(BpeFiles files) {
        this.files = files;
    }

    /**
     * Reads {@code vocab.json} and {@code merges.txt} or {@code vocab.bpe}.
     *
     * @throws LoraException if a file is missing or malformed
     */
    public static ByteLevelBpe load(Path folder) {
        Path vocab = folder.resolve(VOCAB_FILE);
        Path merges = folder.resolve(MERGES_FILES[0]);
        if (!Files.exists(merges)) {
            merges = folder.resolve(MERGES_FILES[1]);
        }
        if (!Files.exists(vocab)) {
            throw new LoraException(folder + ": no " + VOCAB_FILE + " there. A byte-level BPE tokenizer is a " + VOCAB_FILE
                    + " with a " + MERGES_FILES[0] + " or " + MERGES_FILES[1] + " beside it");
        }
        if (!Files.exists(merges)) {
            throw new LoraException(folder + ": a " + VOCAB_FILE + ", but neither " + MERGES_FILES[0] + " nor "
                    + MERGES_FILES[1] + " there. Copy the one that belongs to it into the folder");
        }
        try (Reader vocabReader = TextInput.open(vocab); Reader mergesReader = TextInput.open(merges)) {
            return load(vocab.toString(), vocabReader, merges.toString(), mergesReader);
        } catch (IOException e) {
            throw new LoraException(folder + ": vocab.json or the merges beside it cannot be read: "
                    + FileErrors.reason(vocab, e), e);
        }
    }

    /** Reads the two files from anywhere; the names are for error messages. */
    public static ByteLevelBpe load(String vocabName, Reader vocab, String mergesName, Reader merges) throws IOException {
        return new ByteLevelBpe(BpeFiles.read(vocabName, vocab, mergesName, merges));
    }

    @Override
    public int[] encode(String text) {
        ImmutableIntArray.Builder ids = ImmutableIntArray.builder();
        PreTokenizer.forEachWord(wellFormed(text), word -> Arrays.stream(encodeWord(word)).forEach(ids::add));
        return ids.build().toArray();
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
    private static String wellFormed(String text) {
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
            bytes.writeBytes(files.bytesOf(id));
        }
        return bytes.toByteArray();
    }

    @Override
    public int vocabSize() {
        return files.vocabSize();
    }

    @Override
    public int endOfText() {
        Integer id = files.ids().get(END_OF_TEXT);
        if (id == null) {
            throw new LoraException(files.vocabName() + ": no token " + END_OF_TEXT
                    + ", which ends a text and separates context and completion. Is this a GPT-2 vocabulary?");
        }
        return id;
    }

    @Override
    public String endOfTextToken() {
        return END_OF_TEXT;
    }

    @Override
    public String fingerprint() {
        return files.fingerprint();
    }

    /** Every token as its file spells it, with its id. */
    public Map<String, Integer> vocabulary() {
        return files.ids();
    }
}
