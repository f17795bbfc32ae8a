package org.lora4j.tokenizer;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.tokenizer.pipeline.Template;

/**
 * The tokenizer of a folder, whichever files it has: {@code tokenizer.json} comes first, as in Transformers 5, then what came
 * before it.
 */
public final class Tokenizers {

    private static final Map<String, String> BERT_NAMES = Map.of("unk_token", "[UNK]", "sep_token", "[SEP]", "pad_token",
            "[PAD]", "cls_token", "[CLS]", "mask_token", "[MASK]");
    private static final Map<String, String> ROBERTA_NAMES = Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token",
            "<unk>", "sep_token", "</s>", "pad_token", "<pad>", "cls_token", "<s>", "mask_token", "<mask>");

    private static final Map<String, String> DEBERTA_NAMES = Map.of("bos_token", "[CLS]", "eos_token", "[SEP]", "unk_token",
            "[UNK]", "sep_token", "[SEP]", "pad_token", "[PAD]", "cls_token", "[CLS]", "mask_token", "[MASK]");

    private Tokenizers() {
    }

    /** Whether a folder has a {@code tokenizer.json}. */
    public static boolean hasJson(Path folder) {
        return Files.exists(folder.resolve(PipelineFile.FILE_NAME));
    }

    /** Whether a folder has a SentencePiece model, such as {@code tokenizer.model}. */
    public static boolean hasSentencePiece(Path folder) {
        return SentencePieceFiles.isThere(folder);
    }

    /**
     * The tokenizer of a {@code tokenizer.json} of any kind, with what the files beside it say of special tokens.
     *
     * @throws LoraException if there is none, or something in it is not known; the message has file and field
     */
    public static Tokenizer json(Path folder) {
        return fromJson(folder, Map.of(), true);
    }

    /**
     * BERT's: {@code tokenizer.json}, or {@code vocab.txt} with what {@code tokenizer_config.json} says of do_lower_case,
     * strip_accents, tokenize_chinese_chars and never_split.
     *
     * @param types whether the model is given token types: BERT is, DistilBERT is not
     * @throws LoraException if neither is there or one is malformed
     */
    public static Tokenizer bert(Path folder, boolean types) {
        return hasJson(folder) ? fromJson(folder, BERT_NAMES, types) : VocabTxt.load(folder, BERT_NAMES, types);
    }

    /**
     * RoBERTa's: {@code tokenizer.json}; or {@code vocab.json} and {@code merges.txt} in RoBERTa's numbering, 0 {@code <s>},
     * 1 {@code <pad>}, 2 {@code </s>}, 3 {@code <unk>}; or fairseq's {@code dict.txt} beside GPT-2's two files.
     *
     * @throws LoraException if none of them is there or one is malformed
     */
    public static Tokenizer roberta(Path folder) {
        if (hasJson(folder)) {
            return fromJson(folder, ROBERTA_NAMES, false);
        }
        Path dict = folder.resolve("dict.txt");
        return Files.exists(dict) ? RobertaTokenizer.load(ByteLevelBpe.load(folder), dict)
                : VocabMerges.load(folder, ROBERTA_NAMES);
    }

    /**
     * DeBERTa-v2's and -v3's: {@code tokenizer.json}, or {@code spm.model} with its own numbering, to which {@code [MASK]} and
     * what else {@code tokenizer_config.json} names is added.
     *
     * @throws LoraException if neither is there or one is malformed
     */
    public static Tokenizer debertaV2(Path folder) {
        return hasJson(folder) ? fromJson(folder, DEBERTA_NAMES, true) : SentencePieceFiles.deberta(folder, DEBERTA_NAMES);
    }

    /**
     * That of a SentencePiece model, unigram or BPE: {@code tokenizer.json}, or {@code spm.model}, {@code spiece.model},
     * {@code tokenizer.model}, run as SentencePiece itself does. add_bos_token and add_eos_token of
     * {@code tokenizer_config.json} say what stands around a text.
     *
     * @throws LoraException if none of them is there or one is malformed
     */
    public static Tokenizer sentencePiece(Path folder) {
        return hasJson(folder) ? fromJson(folder, Map.of(), true) : SentencePieceFiles.load(folder, true);
    }

    static Tokenizer fromJson(Path folder, Map<String, String> names, boolean types) {
        PipelineFile file = PipelineFile.in(folder);
        if (file == null) {
            throw new LoraException(folder + ": no " + PipelineFile.FILE_NAME + " there. Copy the one that belongs to the model "
                    + "into the folder, or write it with save_pretrained of its tokenizer in Transformers");
        }
        FolderTokens tokens = FolderTokens.read(folder);
        Map<String, Integer> vocabulary = file.parts().model().vocabulary();
        List<AddedToken> known = file.added();
        names.forEach((name, content) -> {
            if (vocabulary.containsKey(content) || known.stream().anyMatch(token -> token.content().equals(content))) {
                tokens.nameByDefault(Map.of(name, content));
            }
        });
        List<AddedToken> added = tokens.join(known, vocabulary);
        PipelineTokenizer.Parts parts = file.hasTemplate() ? file.parts() : withEnds(file.parts(), tokens, added, vocabulary);
        return build(folder.resolve(PipelineFile.FILE_NAME), new Loaded(parts, added, file.described(), file), tokens, types);
    }

    /** What begins and ends every text where no template says it: add_bos_token and add_eos_token. */
    static PipelineTokenizer.Parts withEnds(
            PipelineTokenizer.Parts parts, FolderTokens tokens, List<AddedToken> added, Map<String, Integer> vocabulary) {
        int[] before = end(tokens, "add_bos_token", "bos_token", added, vocabulary);
        int[] behind = end(tokens, "add_eos_token", "eos_token", added, vocabulary);
        return before.length + behind.length == 0 ? parts : new PipelineTokenizer.Parts(parts.normalizer(), parts.splitter(),
                parts.model(), Template.around(before, behind), parts.decoder());
    }

    private static int[] end(
            FolderTokens tokens, String flag, String field, List<AddedToken> added, Map<String, Integer> vocabulary) {
        String name = tokens.flag(flag).orElse(false) ? tokens.name(field) : null;
        Integer id = name == null ? null : id(name, added, vocabulary);
        return id == null ? new int[0] : new int[] {id};
    }

    static @Nullable Integer id(String name, List<AddedToken> added, Map<String, Integer> vocabulary) {
        return added.stream().filter(token -> token.content().equals(name)).findFirst().map(AddedToken::id)
                .orElse(vocabulary.get(name));
    }

    /**
     * What the files of the tokenizer itself have given.
     *
     * @param described for a fingerprint
     * @param json      null where it is no {@code tokenizer.json}
     */
    record Loaded(PipelineTokenizer.Parts parts, List<AddedToken> added, String described, @Nullable PipelineFile json) {
    }

    static Tokenizer build(Path source, Loaded loaded, FolderTokens tokens, boolean types) {
        Map<String, Integer> vocabulary = loaded.parts.model().vocabulary();
        Optional<PipelineFile> json = Optional.ofNullable(loaded.json);
        Optional<Padding> ofFile = json.flatMap(PipelineFile::padding);
        Side side = tokens.side("padding_side").or(() -> ofFile.map(Padding::side)).orElse(Side.RIGHT);
        String pad = tokens.name("pad_token");
        Integer id = pad == null ? null : id(pad, loaded.added, vocabulary);
        Padding padding = id == null ? ofFile.map(file -> new Padding(file.id(), file.typeId(), side)).orElse(null)
                : new Padding(id, ofFile.map(Padding::typeId).orElse(0), side);
        OptionalInt longest = tokens.maxLength().isPresent() || json.isEmpty() ? tokens.maxLength() : json.get().maxLength();
        String end = tokens.name("eos_token") != null ? tokens.name("eos_token") : tokens.name("sep_token");
        boolean given = tokens.texts("model_input_names").map(names -> names.contains("token_type_ids")).orElse(types);
        PipelineTokenizer.Beside beside = new PipelineTokenizer.Beside(source.toString(), loaded.described, end,
                StopTokens.of(source.toAbsolutePath().getParent()), padding,
                tokens.side("truncation_side").or(() -> json.flatMap(PipelineFile::truncationSide)).orElse(Side.RIGHT),
                longest, given);
        return new PipelineTokenizer(loaded.parts, loaded.added, tokens.flag("split_special_tokens").orElse(false), beside);
    }
}
