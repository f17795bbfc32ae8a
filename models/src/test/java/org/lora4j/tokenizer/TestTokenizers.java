package org.lora4j.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;

/** The tokenizers in this module's test resources, read once. */
public final class TestTokenizers {

    private static final String FOLDER = "/tokenizers/";

    public static final ByteLevelBpe GPT2 = gpt2();
    public static final RobertaTokenizer ROBERTA = roberta();

    private TestTokenizers() {
    }

    /** The texts of a file of vectors: each followed by a line with the separator, the last text empty. */
    static List<String> texts(String name) {
        return List.of(read("vectors/" + name + ".inp").split("\n__ggml_vocab_test__\n", -1));
    }

    static List<int[]> ids(String name) {
        return read("vectors/" + name + ".out").lines().map(TestTokenizers::numbers).toList();
    }

    private static int[] numbers(String line) {
        return line.isBlank() ? new int[0] : Arrays.stream(line.strip().split(" ")).mapToInt(Integer::parseInt).toArray();
    }

    private static String read(String path) {
        try (InputStream in = TestTokenizers.class.getResourceAsStream(FOLDER + path)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ByteLevelBpe gpt2() {
        try (Reader vocab = gunzip("gpt2/vocab.json.gz"); Reader merges = gunzip("gpt2/vocab.bpe.gz")) {
            return ByteLevelBpe.load("vocab.json", vocab, "vocab.bpe", merges);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static RobertaTokenizer roberta() {
        try (Reader dict = gunzip("roberta/dict.txt.gz")) {
            return RobertaTokenizer.load(GPT2, "dict.txt", dict);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Reader gunzip(String path) throws IOException {
        InputStream in = TestTokenizers.class.getResourceAsStream(FOLDER + path);
        return new BufferedReader(new InputStreamReader(new GZIPInputStream(in), StandardCharsets.UTF_8));
    }
}
