package org.lora4j.jmh;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Tokenizers;
import org.lora4j.tokenizer.Truncation;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** One megabyte of text to ids, line by line: 1,000 divided by the score are the megabytes a second. */
public class TokenizerBenchmark extends MillisecondsBenchmark {

    private static final int MEGABYTE = 1_000_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    /** word pieces and unigram are made of the text's own words; anything else is the folder of a tokenizer.json. */
    @Param({"word pieces", "unigram"})
    public String tokenizer;

    /** A text file; empty for the project's own pages. */
    @Param({""})
    public String text;

    private List<String> lines;
    private Tokenizer subject;

    @Setup
    public void build() throws IOException {
        List<String> all = text.isEmpty() ? pages() : Files.readAllLines(Path.of(text));
        lines = new ArrayList<>();
        int bytes = 0;
        for (int i = 0; bytes < MEGABYTE; i++) {
            String line = all.get(i % all.size());
            lines.add(line);
            bytes += line.getBytes(StandardCharsets.UTF_8).length + 1;
        }
        Path folder = Files.createTempDirectory("tokenizer");
        subject = switch (tokenizer) {
            case "word pieces" -> wordPieces(folder, all);
            case "unigram" -> unigram(folder, all);
            default -> Tokenizers.json(Path.of(tokenizer));
        };
    }

    private static List<String> pages() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("..", "docs").toAbsolutePath().normalize())) {
            return files.filter(file -> file.toString().endsWith(".md")).sorted().flatMap(TokenizerBenchmark::lines).toList();
        }
    }

    private static Stream<String> lines(Path file) {
        try {
            return Files.readAllLines(file).stream().filter(line -> !line.isBlank());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How often each run of letters and digits is there, and each character. */
    private static Map<String, Integer> counts(List<String> all) {
        Map<String, Integer> counts = new TreeMap<>();
        for (String line : all) {
            for (String word : line.toLowerCase(Locale.ROOT).split("[^\\p{L}\\p{N}]+")) {
                counts.merge(word, 1, Integer::sum);
            }
            line.toLowerCase(Locale.ROOT).codePoints().forEach(c -> counts.merge(Character.toString(c), 1, Integer::sum));
        }
        counts.remove("");
        return counts;
    }

    /** The words that are there five times, and all characters, so that about every fourth word is of pieces. */
    private static Tokenizer wordPieces(Path folder, List<String> all) throws IOException {
        Set<String> tokens = new LinkedHashSet<>(List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"));
        counts(all).forEach((word, count) -> {
            if (count >= 5 || word.length() == 1) {
                tokens.add(word);
                tokens.add("##" + word);
            }
        });
        Files.write(folder.resolve("vocab.txt"), tokens);
        return Tokenizers.bert(folder, true);
    }

    private static Tokenizer unigram(Path folder, List<String> all) throws IOException {
        ObjectNode root = JSON.createObjectNode().put("version", "1.0");
        root.putObject("normalizer").put("type", "NFKC");
        root.putObject("pre_tokenizer").put("type", "Metaspace").put("replacement", "▁").put("prepend_scheme", "always");
        ObjectNode model = root.putObject("model").put("type", "Unigram").put("unk_id", 0);
        ArrayNode vocabulary = model.putArray("vocab");
        vocabulary.addArray().add("<unk>").add(0.0);
        counts(all).forEach((word, count) -> {
            if (count >= 5 || word.length() == 1) {
                vocabulary.addArray().add(word).add(Math.log(count) - 14);
                vocabulary.addArray().add("▁" + word).add(Math.log(count) - 13);
            }
        });
        JSON.writeValue(folder.resolve("tokenizer.json").toFile(), root);
        return Tokenizers.json(folder);
    }

    @Benchmark
    public long encode() {
        long tokens = 0;
        for (String line : lines) {
            tokens += subject.encodePair(line, null, Truncation.NONE).length();
        }
        return tokens;
    }
}
