package org.lora4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Small tokenizers of every component, with the ids and texts that Hugging Face's library gives;
 * {@code tests/golden/make_tokenizers.py golden} has made them.
 */
class PipelineGoldenTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FOLDER = "/tokenizers/pipeline/";

    @TempDir
    private Path folder;

    /** Normalizers, pre-tokenizers, post-processors, decoders and added tokens put together at random. */
    @Test
    void whateverPartsAreJoinedTextsGiveTheIdsThatTheLibraryGives() throws IOException {
        Set<String> types = new HashSet<>();
        int equal = 0;
        for (JsonNode line : lines("pipelines.jsonl.gz")) {
            ObjectNode model = (ObjectNode) line.get("tokenizer").get("model");
            ObjectNode vocabulary = model.putObject("vocab");
            for (int b = 0; b < 256; b++) {
                vocabulary.put("<0x%02X>".formatted(b), b);
            }
            line.get("tokenizer").findValuesAsText("type").forEach(types::add);
            equal += compare(line, line.get("tokenizer").toString());
        }
        assertThat(equal).isGreaterThan(2_000);
        assertThat(types).contains("BertNormalizer", "Strip", "StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Sequence", "Lowercase",
                "Nmt", "Replace", "Prepend", "ByteLevel", "BertPreTokenizer", "CharDelimiterSplit", "Metaspace", "Whitespace",
                "WhitespaceSplit", "Split", "Punctuation", "Digits", "UnicodeScripts", "FixedLength", "TemplateProcessing",
                "BertProcessing", "RobertaProcessing", "BPEDecoder", "WordPiece", "CTC", "Fuse", "ByteFallback");
    }

    /** BPE, WordPiece, Unigram and WordLevel, each with what people put around it. */
    @Test
    void trainedTokenizersEncodeAndDecodeAsInTheLibrary() throws IOException {
        Set<String> names = new HashSet<>();
        for (JsonNode line : lines("trained.jsonl.gz")) {
            names.add(line.get("name").asText());
            assertThat(compare(line, line.get("name").asText())).as(line.get("name").asText()).isGreaterThan(50);
        }
        assertThat(names).contains("bert-uncased", "byte-level-roberta", "bpe-byte-fallback", "unigram-first", "word-level");
    }

    private int compare(JsonNode line, String name) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), line.get("tokenizer").toString());
        CompareTokenizer comparison = new CompareTokenizer(Tokenizers.json(folder));
        line.get("expected").forEach(comparison::compare);
        assertThat(comparison.differences()).as(name).isEmpty();
        return comparison.equal();
    }

    private static List<JsonNode> lines(String name) throws IOException {
        try (InputStream in = PipelineGoldenTest.class.getResourceAsStream(FOLDER + name)) {
            return lines(name.endsWith(".gz") ? new GZIPInputStream(in) : in);
        }
    }

    private static List<JsonNode> lines(InputStream in) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.add(JSON.readTree(line));
            }
        }
        return lines;
    }

    @ParameterizedTest
    @ValueSource(strings = {"unigram", "bpe", "deberta"})
    void aSentencePieceModelGivesTheIdsThatSentencePieceOrTransformersGives(String kind) throws IOException {
        try (InputStream in = PipelineGoldenTest.class.getResourceAsStream(FOLDER + kind + "/spm.model")) {
            Files.write(folder.resolve("spm.model"), in.readAllBytes());
        }
        CompareTokenizer comparison =
                new CompareTokenizer(CompareTokenizer.load(folder, kind.equals("deberta") ? "deberta" : "sentencepiece"));
        lines(kind + "/expected.jsonl").forEach(comparison::compare);
        assertThat(comparison.differences()).isEmpty();
        assertThat(comparison.equal()).isGreaterThan(100);
    }
}
