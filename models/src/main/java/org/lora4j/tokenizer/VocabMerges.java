package org.lora4j.tokenizer;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lora4j.tokenizer.pipeline.Bpe;
import org.lora4j.tokenizer.pipeline.Decoders;
import org.lora4j.tokenizer.pipeline.Normalizer;
import org.lora4j.tokenizer.pipeline.Template;
import org.lora4j.tokenizer.pipeline.WordCuts;

/**
 * RoBERTa's {@code vocab.json} and {@code merges.txt}: GPT-2's bytes and words, with ids and special tokens of their own. The
 * mask takes in the space before it, as in pretraining; Transformers 5 has lost that where no file says it.
 */
final class VocabMerges {

    private VocabMerges() {
    }

    static Tokenizer load(Path folder, Map<String, String> names) {
        BpeFiles files = ByteLevelBpe.twoFiles(folder);
        FolderTokens tokens = FolderTokens.read(folder);
        tokens.nameByDefault(names);
        tokens.stripsByDefault("mask_token");
        Map<String, Integer> vocabulary = files.ids();
        List<AddedToken> added = tokens.join(List.of(), vocabulary);
        boolean prefixSpace = tokens.flag("add_prefix_space").orElse(false);
        List<Bpe.Merge> merges = new ArrayList<>();
        files.mergeList().forEach(merge -> merges.add(new Bpe.Merge(merge.left(), merge.right())));
        Bpe model = new Bpe(vocabulary, merges, new Bpe.Options(null, false, "", "", false, false));
        Path file = folder.resolve("vocab.json");
        Template template = Template.roberta(VocabTxt.id(file, tokens, "cls_token", added, vocabulary),
                VocabTxt.id(file, tokens, "sep_token", added, vocabulary));
        PipelineTokenizer.Parts parts = new PipelineTokenizer.Parts(Normalizer.NONE, new WordCuts.ByteLevel(prefixSpace, true),
                model, template, Decoders.BYTE_LEVEL);
        return Tokenizers.build(file, new Tokenizers.Loaded(parts, added, "byte-level " + prefixSpace, null), tokens, false);
    }
}
