package org.lora4j.tokenizer;

import com.google.common.hash.Hashing;
import com.google.common.primitives.ImmutableIntArray;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.io.FileErrors;
import org.lora4j.io.TextInput;
import org.lora4j.tokenizer.pipeline.Template;

/**
 * RoBERTa's tokenizer (Liu et al. 2019): GPT-2's tokens under other ids.
 *
 * <pre>
 *   0 &lt;s&gt;   1 &lt;pad&gt;   2 &lt;/s&gt;   3 &lt;unk&gt;   4 + n: the token in line n of dict.txt, n from 0   then &lt;mask&gt;
 * </pre>
 *
 * {@code dict.txt} is fairseq's dictionary: a line is GPT-2's id and a count, the most frequent first. Its last lines,
 * {@code madeupword0000} and so on, fill the table up; they stand for no text. GPT-2's own
 * {@code <|endoftext|>} is an ordinary line; what ends a text here is {@code </s>}.
 *
 * <p>{@link #encode} adds neither {@code <s>} nor {@code </s>}; {@link #encodePair} does.
 */
public final class RobertaTokenizer implements Tokenizer {

    /** {@code <s>}, which begins a text. */
    public static final int BEGIN = 0;
    /** {@code <pad>}, which fills up. */
    public static final int PADDING = 1;
    /** {@code </s>}, which ends a text. */
    public static final int END = 2;
    /** {@code <unk>}, for what the dictionary has not. */
    public static final int UNKNOWN = 3;

    private static final String[] SPECIAL = {"<s>", "<pad>", "</s>", "<unk>"};
    private static final String MASK = "<mask>";
    private static final String FILLER = "madeupword";
    private static final int NO_TOKEN = -1;

    private final ByteLevelBpe gpt2;
    private final int[] gpt2Id; // of each line of dict.txt
    private final int[] lineOf; // of each GPT-2 id
    private final String name;
    private final AddedTokens special;

    private RobertaTokenizer(ByteLevelBpe gpt2, int[] gpt2Id, int[] lineOf, String name) {
        this.gpt2 = gpt2;
        this.gpt2Id = gpt2Id;
        this.lineOf = lineOf;
        this.name = name;
        List<AddedToken> tokens = new ArrayList<>();
        for (int id = 0; id < SPECIAL.length; id++) {
            tokens.add(AddedToken.special(SPECIAL[id], id));
        }
        tokens.add(new AddedToken(MASK, mask(), true, false, true, false, false)); // takes in the space before it
        special = new AddedTokens(tokens, false);
    }

    /** Reads fairseq's {@code dict.txt}, which gives GPT-2's pieces RoBERTa's numbers. */
    public static RobertaTokenizer load(ByteLevelBpe gpt2, Path dict) {
        if (!Files.exists(dict)) {
            throw new LoraException(dict + ": no such file. RoBERTa's ids are in fairseq's dict.txt");
        }
        try (Reader reader = TextInput.open(dict)) {
            return load(gpt2, dict.toString(), reader);
        } catch (IOException e) {
            throw FileErrors.reading(dict, e);
        }
    }

    /** Reads {@code dict.txt} from anywhere; the name is for error messages. */
    public static RobertaTokenizer load(ByteLevelBpe gpt2, String name, Reader dict) throws IOException {
        BufferedReader lines = new BufferedReader(dict);
        ImmutableIntArray.Builder gpt2Id = ImmutableIntArray.builder();
        int[] lineOf = new int[gpt2.vocabSize()];
        Arrays.fill(lineOf, NO_TOKEN);
        int number = 0;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            int id = parse(line, name, number + 1, gpt2.vocabSize());
            gpt2Id.add(id);
            if (id != NO_TOKEN) {
                lineOf[id] = number;
            }
            number++;
        }
        return new RobertaTokenizer(gpt2, gpt2Id.build().toArray(), lineOf, name);
    }

    private static int parse(String line, String name, int number, int gpt2Size) {
        String[] idAndCount = line.split(" ");
        if (idAndCount.length == 2 && idAndCount[0].startsWith(FILLER)) {
            return NO_TOKEN;
        }
        if (idAndCount.length != 2 || !idAndCount[0].matches("\\d{1,9}") || Integer.parseInt(idAndCount[0]) >= gpt2Size) {
            throw new LoraException(name + ", line " + number + ": expected a GPT-2 id below " + gpt2Size
                    + ", a space and a count, found '" + line + "'");
        }
        return Integer.parseInt(idAndCount[0]);
    }

    /** RoBERTa's id of GPT-2's token. */
    public int fromGpt2(int id) {
        if (id < 0 || id >= lineOf.length || lineOf[id] == NO_TOKEN) {
            throw new LoraException("GPT-2's token id " + id + " has no line in " + name + ". Is the file complete?");
        }
        return SPECIAL.length + lineOf[id];
    }

    /** The id of {@code <mask>}, which pretraining put in place of words: the last one. */
    public int mask() {
        return SPECIAL.length + gpt2Id.length;
    }

    @Override
    public int[] encode(String text) {
        return tokens(text).ids();
    }

    private TokenList tokens(String text) {
        TokenList ids = new TokenList();
        special.split(text, piece -> gpt2.addWords(ByteLevelBpe.wellFormed(piece), ids, this::fromGpt2), ids::addToken);
        return ids;
    }

    @Override
    public int[] encodeContinuation(String text) {
        return encode(text);
    }

    /** {@code <s> first </s>}, and {@code <s> first </s></s> second </s>}; all of token type 0. */
    @Override
    public Encoding encodePair(String first, @Nullable String second, Truncation truncation) {
        return PipelineTokenizer.encodePair(Template.roberta(BEGIN, END), tokens(first), second == null ? null : tokens(second),
                truncation);
    }

    @Override
    public Padding padding() {
        return new Padding(PADDING, 0, Side.RIGHT);
    }

    @Override
    public int[] encodeOrdinary(String text) {
        return Arrays.stream(gpt2.encodeOrdinary(text)).map(this::fromGpt2).toArray();
    }

    @Override
    public boolean isSpecial(int id) {
        return special.withId(id) != null;
    }

    @Override
    public byte[] decodeBytes(int... ids) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int id : ids) {
            bytes.writeBytes(bytesOf(id));
        }
        return bytes.toByteArray();
    }

    private byte[] bytesOf(int id) {
        if (id < 0) {
            throw new LoraException("token id " + id + " is negative: ids count from 0");
        }
        if (id > mask()) {
            return new byte[0];
        }
        if (id < SPECIAL.length) {
            return SPECIAL[id].getBytes(StandardCharsets.UTF_8);
        }
        if (id == mask()) {
            return MASK.getBytes(StandardCharsets.UTF_8);
        }
        int token = gpt2Id[id - SPECIAL.length];
        return token == NO_TOKEN ? new byte[0] : gpt2.decodeBytes(token);
    }

    @Override
    public int vocabSize() {
        return mask() + 1;
    }

    @Override
    public int endOfText() {
        return END;
    }

    @Override
    public String endOfTextToken() {
        return SPECIAL[END];
    }

    @Override
    public String fingerprint() {
        return Hashing.sha256()
                .hashString(gpt2.fingerprint() + Arrays.toString(gpt2Id), StandardCharsets.UTF_8)
                .toString();
    }
}
