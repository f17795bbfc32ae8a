package org.lora4j.tokenizer;

import com.google.common.io.CharStreams;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.io.FileErrors;
import org.lora4j.io.TextInput;
import org.lora4j.tokenizer.pipeline.BertCleaning;
import org.lora4j.tokenizer.pipeline.Cutting;
import org.lora4j.tokenizer.pipeline.Decoders;
import org.lora4j.tokenizer.pipeline.Rewriting;
import org.lora4j.tokenizer.pipeline.Template;
import org.lora4j.tokenizer.pipeline.WordPiece;

/**
 * BERT's {@code vocab.txt}: a token in each line, its id the number of the line from 0 on. How texts are cleaned is in
 * {@code tokenizer_config.json}, and what is not there is as in the first BERT: lower case, without accents, Chinese apart.
 */
final class VocabTxt {

    private static final String FILE_NAME = "vocab.txt";
    private static final int LONGEST_WORD = 100;
    private static final Rewriting.Strip STRIP = new Rewriting.Strip(false, true);

    private VocabTxt() {
    }

    static Tokenizer load(Path folder, Map<String, String> names, boolean types) {
        Path file = folder.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            throw new LoraException(folder + ": neither " + PipelineFile.FILE_NAME + " nor " + FILE_NAME + " there. Copy the one "
                    + "that belongs to the model into the folder");
        }
        Map<String, Integer> vocabulary = read(file);
        FolderTokens tokens = FolderTokens.read(folder);
        tokens.nameByDefault(names);
        boolean lowercase = tokens.flag("do_lower_case").orElse(true);
        boolean chinese = tokens.flag("tokenize_chinese_chars").orElse(true);
        boolean accents = tokens.flag("strip_accents").orElse(lowercase);
        List<AddedToken> added = tokens.join(List.of(), vocabulary);
        WordPiece model = new WordPiece(vocabulary, tokens.name("unk_token"), "##", LONGEST_WORD);
        Template template = Template.bert(id(file, tokens, "cls_token", added, vocabulary),
                id(file, tokens, "sep_token", added, vocabulary));
        PipelineTokenizer.Parts parts = new PipelineTokenizer.Parts(new BertCleaning(true, chinese, accents, lowercase),
                Cutting.BERT, model, template, Decoders.wordPiece("##", true));
        return Tokenizers.build(file, new Tokenizers.Loaded(parts, neverSplit(tokens, added, vocabulary),
                "BERT " + lowercase + chinese + accents, null), tokens, types);
    }

    static int id(Path file, FolderTokens tokens, String field, List<AddedToken> added, Map<String, Integer> vocabulary) {
        Integer id = tokens.name(field) == null ? null : Tokenizers.id(tokens.name(field), added, vocabulary);
        if (id == null) {
            throw new LoraException(file + ": no " + field + ", which every text is given. Name it in tokenizer_config.json");
        }
        return id;
    }

    /** Words that are tokens as they stand, whatever the cleaning would make of them. */
    private static List<AddedToken> neverSplit(FolderTokens tokens, List<AddedToken> added, Map<String, Integer> vocabulary) {
        Optional<List<String>> words = tokens.texts("never_split");
        if (words.isEmpty()) {
            return added;
        }
        Map<String, AddedToken> all = new LinkedHashMap<>();
        added.forEach(token -> all.put(token.content(), token));
        for (String word : words.get()) {
            Integer id = vocabulary.get(word);
            if (id != null && !word.isEmpty()) {
                all.putIfAbsent(word, new AddedToken(word, id, false, false, false, false, true));
            }
        }
        return List.copyOf(all.values());
    }

    /** Lines end with a line feed only; the white space before it is no part of the token. */
    private static Map<String, Integer> read(Path file) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        try (Reader reader = TextInput.open(file)) {
            String[] lines = CharStreams.toString(reader).split("\n", -1);
            int count = lines[lines.length - 1].isEmpty() ? lines.length - 1 : lines.length;
            for (int id = 0; id < count; id++) {
                ids.put(STRIP.normalize(lines[id]), id);
            }
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
        return ids;
    }
}
