package org.lora4j.tokenizer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.io.JsonFile;
import org.lora4j.tokenizer.pipeline.DecoderReader;
import org.lora4j.tokenizer.pipeline.JsonPart;
import org.lora4j.tokenizer.pipeline.ModelReader;
import org.lora4j.tokenizer.pipeline.NormalizerReader;
import org.lora4j.tokenizer.pipeline.SplitterReader;
import org.lora4j.tokenizer.pipeline.Template;
import org.lora4j.tokenizer.pipeline.TemplateReader;

/**
 * A {@code tokenizer.json} of Hugging Face's tokenizers, version 1.0. What is not known is refused with file and field; what
 * the file says of truncation and padding is the default of whoever asks for them.
 */
final class PipelineFile {

    static final String FILE_NAME = "tokenizer.json";
    private static final String VERSION = "1.0";

    private final JsonPart root;
    private final PipelineTokenizer.Parts parts;
    private final List<AddedToken> added;
    private final String described;

    PipelineFile(Path file) {
        ObjectNode json = JsonFile.read(file);
        root = JsonPart.root(file, json);
        Optional<String> version = root.get("version").textIfThere();
        if (version.isPresent() && !version.get().equals(VERSION)) {
            throw root.get("version").wrong(Names.quoted(VERSION));
        }
        parts = new PipelineTokenizer.Parts(NormalizerReader.read(root.get("normalizer")),
                SplitterReader.read(root.get("pre_tokenizer")), ModelReader.read(root.get("model")),
                TemplateReader.read(root.get("post_processor")), DecoderReader.read(root.get("decoder")));
        added = added(parts.model().vocabulary());
        described = json.path("normalizer").toString() + json.path("pre_tokenizer");
    }

    /** The folder's; null if it has none. */
    static @Nullable PipelineFile in(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        return Files.exists(file) ? new PipelineFile(file) : null;
    }

    private List<AddedToken> added(Map<String, Integer> vocabulary) {
        Map<String, AddedToken> tokens = new LinkedHashMap<>();
        Map<Integer, String> contents = new LinkedHashMap<>();
        JsonPart list = root.get("added_tokens");
        for (JsonPart entry : list.isMissing() ? List.<JsonPart>of() : list.list()) {
            String content = entry.get("content").text();
            int id = entry.get("id").whole();
            if (content.isEmpty()) {
                continue;
            }
            Integer inVocabulary = vocabulary.get(content);
            if (id > BpeFiles.MAX_ID) {
                throw entry.get("id").wrong("at most " + BpeFiles.MAX_ID);
            }
            if (inVocabulary != null && inVocabulary != id) {
                throw entry.error("gives " + Names.quoted(content) + " the id " + id + ", and the vocabulary " + inVocabulary
                        + ". Do the two belong together?");
            }
            String other = contents.put(id, content);
            if (other != null && !other.equals(content)) {
                throw entry.error("gives " + Names.quoted(content) + " the id " + id + ", which is that of "
                        + Names.quoted(other) + " too");
            }
            tokens.put(content, new AddedToken(content, id, entry.get("special").flag(), entry.get("normalized").flag(),
                    entry.get("lstrip").flag(), entry.get("rstrip").flag(), entry.get("single_word").flag()));
        }
        return new ArrayList<>(tokens.values());
    }

    PipelineTokenizer.Parts parts() {
        return parts;
    }

    List<AddedToken> added() {
        return added;
    }

    String described() {
        return described;
    }

    boolean hasTemplate() {
        return parts.template() != Template.NONE;
    }

    /** What the file says of padding, if it does. */
    Optional<Padding> padding() {
        JsonPart padding = root.get("padding");
        if (padding.isMissing()) {
            return Optional.empty();
        }
        return Optional.of(new Padding(padding.get("pad_id").whole(), padding.get("pad_type_id").whole(),
                padding.get("direction").oneOf(Side.class)));
    }

    /** At which end the file cuts texts, if it does. */
    Optional<Side> truncationSide() {
        JsonPart direction = root.get("truncation").isMissing() ? null : root.get("truncation").get("direction");
        return direction == null || direction.isMissing() ? Optional.empty() : Optional.of(direction.oneOf(Side.class));
    }

    /** To how many tokens the file cuts texts, if it does. */
    OptionalInt maxLength() {
        return root.get("truncation").isMissing() ? OptionalInt.empty()
                : OptionalInt.of(root.get("truncation").get("max_length").whole());
    }
}
