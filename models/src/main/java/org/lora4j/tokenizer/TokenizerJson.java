package org.lora4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFile;

/**
 * A {@code tokenizer.json} of Hugging Face's tokenizers that holds a byte-level BPE as GPT-2's, and nothing else:
 *
 * <pre>
 *   model            BPE: vocab, an object of token → id, and merges, a list of "a b" or ["a", "b"]
 *   pre_tokenizer    ByteLevel with GPT-2's words                      normalizer   none
 *   decoder          ByteLevel                                         added_tokens
 *   post_processor   none, ByteLevel, or a template of the text alone or with one token before it
 * </pre>
 *
 * Any other component, and any option of these that changes ids, is refused by name.
 */
final class TokenizerJson {

    static final String FILE_NAME = "tokenizer.json";
    private static final String BYTE_LEVEL = "ByteLevel";

    private final Path file;
    private final ObjectNode root;
    private final @Nullable String beginsWith;

    private TokenizerJson(Path file) {
        this.file = file;
        root = JsonFile.read(file);
        require(root.path("normalizer").isNull() || root.path("normalizer").isMissingNode(), "normalizer", root.path("normalizer"));
        JsonNode words = root.path("pre_tokenizer");
        require(isByteLevel(words) && words.path("use_regex").asBoolean(true), "pre_tokenizer", words);
        require(isByteLevel(root.path("decoder")), "decoder", root.path("decoder"));
        checkModel(root.path("model"));
        beginsWith = beginning(root.path("post_processor"));
    }

    /** The folder's; null if it has none. */
    static @Nullable TokenizerJson in(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        return Files.exists(file) ? new TokenizerJson(file) : null;
    }

    private static boolean isByteLevel(JsonNode component) {
        return component.path("type").asText("").equals(BYTE_LEVEL);
    }

    private void checkModel(JsonNode model) {
        // files of old versions leave the type out
        require(model.isObject() && model.path("type").asText("BPE").equals("BPE") && model.has("merges"), "model", model);
        for (String option : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            require(model.path(option).asText("").isEmpty() || model.path(option).isNull(), "model." + option, model.path(option));
        }
        for (String option : List.of("ignore_merges", "byte_fallback")) {
            require(!model.path(option).asBoolean(false), "model." + option, model.path(option));
        }
        require(model.path("dropout").asDouble(0) == 0, "model.dropout", model.path("dropout"));
    }

    private void require(boolean known, String component, JsonNode found) {
        if (!known) {
            String type = found.path("type").asText("");
            String shown = found.isMissingNode() ? "missing" : !type.isEmpty() ? "of type " + Names.quoted(type)
                    : found.isContainerNode() ? "of a kind without a name" : found.toString();
            Path folder = file.getParent() == null ? Path.of("") : file.getParent();
            String way = Files.exists(folder.resolve("vocab.json"))
                    ? "If vocab.json and the merges beside it say the same, take " + FILE_NAME + " away and they are read"
                    : "Save the tokenizer as vocab.json and merges.txt, if it is a GPT-2's";
            throw new FormatException(file, component + " is " + shown + (isByteLevel(found) ? " without GPT-2's words" : "")
                    + ", and only a byte-level BPE as GPT-2's can be read. " + way);
        }
    }

    /** The token that the template puts before a text, or null. */
    private @Nullable String beginning(JsonNode processor) {
        if (processor.isNull() || processor.isMissingNode() || isByteLevel(processor)) {
            return null;
        }
        if (processor.path("type").asText("").equals("Sequence")) {
            String found = null;
            for (JsonNode part : processor.path("processors")) {
                String begins = beginning(part);
                found = begins == null ? found : begins;
            }
            return found;
        }
        require(processor.path("type").asText("").equals("TemplateProcessing"), "post_processor", processor);
        JsonNode pieces = processor.path("single");
        boolean begins = pieces.size() == 2 && pieces.path(0).path("SpecialToken").path("id").isTextual();
        if (!begins && pieces.size() != 1 || !pieces.path(pieces.size() - 1).has("Sequence")) {
            throw new FormatException(file, "post_processor.single is " + pieces + ", expected the text alone, or with one token "
                    + "before it: no other can be put around a text here");
        }
        return begins ? pieces.path(0).path("SpecialToken").path("id").textValue() : null;
    }

    Path file() {
        return file;
    }

    /** What the template puts before every text; null for nothing. */
    @Nullable String beginsWith() {
        return beginsWith;
    }

    boolean prefixSpace() {
        return root.path("pre_tokenizer").path("add_prefix_space").asBoolean(false);
    }

    List<JsonNode> addedTokens() {
        List<JsonNode> tokens = new ArrayList<>();
        root.path("added_tokens").forEach(tokens::add);
        return tokens;
    }

    /** The vocabulary and its merges, checked. */
    BpeFiles bpe() {
        JsonNode vocab = root.path("model").path("vocab");
        if (!vocab.isObject()) {
            throw new FormatException(file, "model.vocab is of kind " + vocab.getNodeType() + ", expected an object of token → id");
        }
        Map<String, Integer> ids = new LinkedHashMap<>();
        vocab.properties().forEach(entry -> {
            if (!entry.getValue().isInt()) {
                throw new FormatException(file, "token '" + entry.getKey() + "' has id " + entry.getValue() + ", expected a number");
            }
            ids.put(entry.getKey(), entry.getValue().intValue());
        });
        List<BpeFiles.Merge> merges = new ArrayList<>();
        for (JsonNode merge : root.path("model").path("merges")) {
            String[] pair = merge.isTextual() ? merge.textValue().split(" ", -1)
                    : merge.isArray() && merge.size() == 2 && merge.path(0).isTextual() && merge.path(1).isTextual()
                    ? new String[] {merge.path(0).textValue(), merge.path(1).textValue()} : new String[0];
            if (pair.length != 2 || pair[0].isEmpty() || pair[1].isEmpty()) {
                throw new FormatException(file, "merge " + (merges.size() + 1) + " of model.merges is " + merge
                        + ", expected two tokens, such as [\"Ġ\", \"t\"]");
            }
            merges.add(new BpeFiles.Merge(pair[0], pair[1], merges.size() + 1));
        }
        return BpeFiles.of(file + ", model.vocab", ids, file + ", model.merges", merges);
    }
}
