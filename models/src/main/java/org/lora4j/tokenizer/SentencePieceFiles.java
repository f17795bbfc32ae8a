package org.lora4j.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.io.FileErrors;
import org.lora4j.io.FormatException;
import org.lora4j.tokenizer.pipeline.Characters;
import org.lora4j.tokenizer.pipeline.Cutting;
import org.lora4j.tokenizer.pipeline.Metaspace;
import org.lora4j.tokenizer.pipeline.Normalizer;
import org.lora4j.tokenizer.pipeline.Oniguruma;
import org.lora4j.tokenizer.pipeline.Replacement;
import org.lora4j.tokenizer.pipeline.Rewriting;
import org.lora4j.tokenizer.pipeline.SentencePieceModel;
import org.lora4j.tokenizer.pipeline.SentencePieces;
import org.lora4j.tokenizer.pipeline.Splitter;
import org.lora4j.tokenizer.pipeline.Template;
import org.lora4j.tokenizer.pipeline.TextPattern;
import org.lora4j.tokenizer.pipeline.UnicodeForm;
import org.lora4j.tokenizer.pipeline.Unigram;

/** Tokenizers of a SentencePiece model file: as SentencePiece itself runs it, and as Transformers does for DeBERTa-v2 and -v3. */
final class SentencePieceFiles {

    private static final List<String> NAMES =
            List.of("spm.model", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model", "sentencepiece.model");
    private static final long LONGEST = 64L << 20;
    private static final int SPACE = '▁';

    private SentencePieceFiles() {
    }

    static boolean isThere(Path folder) {
        return NAMES.stream().map(folder::resolve).anyMatch(Files::exists);
    }

    private static Path find(Path folder) {
        return NAMES.stream().map(folder::resolve).filter(Files::exists).findFirst().orElseThrow(() -> new LoraException(folder
                + ": neither " + PipelineFile.FILE_NAME + " nor " + String.join(", ", NAMES) + " there. Copy the one that belongs "
                + "to the model into the folder"));
    }

    private static SentencePieceModel read(Path file) {
        try {
            if (Files.size(file) > LONGEST) {
                throw new FormatException(file, "has " + Files.size(file) + " bytes, expected at most " + LONGEST);
            }
            return SentencePieceModel.read(Files.readAllBytes(file));
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        } catch (IllegalArgumentException e) {
            throw new FormatException(file, "is no SentencePiece model: it " + e.getMessage(), e);
        }
    }

    // ------------------------------------------------------------------------------------------------ SentencePiece's own

    static Tokenizer load(Path folder, boolean types) {
        Path file = find(folder);
        SentencePieceModel model = read(file);
        FolderTokens tokens = FolderTokens.read(folder);
        SentencePieces pieces = pieces(file, model);
        PipelineTokenizer.Parts plain = new PipelineTokenizer.Parts(pieces.normalizer(), Splitter.NONE, pieces.subwords(),
                Template.NONE, pieces.decoder());
        List<AddedToken> added = tokens.join(control(model), plain.model().vocabulary());
        PipelineTokenizer.Parts parts = Tokenizers.withEnds(plain, tokens, added, plain.model().vocabulary());
        return Tokenizers.build(file, new Tokenizers.Loaded(parts, added, "SentencePiece " + model.dummyPrefix()
                + model.removesSpaces() + Arrays.hashCode(model.charsMap()), null), tokens, types);
    }

    private static SentencePieces pieces(Path file, SentencePieceModel model) {
        if (model.unknown() < 0 || model.unknown() >= model.pieces().size()) {
            throw new FormatException(file, "gives " + model.unknown() + " as the id of the unknown piece, expected 0 to "
                    + (model.pieces().size() - 1));
        }
        try {
            return new SentencePieces(model);
        } catch (IllegalArgumentException e) {
            throw new FormatException(file, e.getMessage(), e);
        }
    }

    /** {@code <s>}, {@code </s>} and the like. */
    private static List<AddedToken> control(SentencePieceModel model) {
        List<AddedToken> tokens = new ArrayList<>();
        for (int id = 0; id < model.pieces().size(); id++) {
            if (model.kind(id) == SentencePieceModel.Kind.CONTROL && !model.pieces().get(id).isEmpty()) {
                tokens.add(AddedToken.special(model.pieces().get(id), id));
            }
        }
        return tokens;
    }

    // ------------------------------------------------------------------------------------------------ DeBERTa's

    /**
     * As Transformers 5 builds it: the pieces and scores are the file's; white space in a row becomes one space, characters are
     * composed (NFC), and the file's own charsmap is not asked.
     */
    static Tokenizer deberta(Path folder, Map<String, String> names) {
        Path file = find(folder);
        SentencePieceModel model = read(file);
        FolderTokens tokens = FolderTokens.read(folder);
        tokens.nameByDefault(names);
        List<String> pieces = model.pieces();
        double[] scores = new double[pieces.size()];
        int unknown = -1;
        for (int id = 0; id < scores.length; id++) {
            scores[id] = model.score(id);
            unknown = unknown < 0 && pieces.get(id).equals(tokens.name("unk_token")) && scores[id] == 0 ? id : unknown;
        }
        Unigram unigram = new Unigram(pieces, scores, unknown < 0 ? model.unknown() : unknown, false);
        List<AddedToken> known = control(model);
        for (int id = 0; id < pieces.size(); id++) {
            if (model.kind(id) == SentencePieceModel.Kind.USER_DEFINED) {
                known.add(new AddedToken(pieces.get(id), id, false, false, false, false, false));
            }
        }
        List<AddedToken> added = tokens.join(known, unigram.vocabulary());
        boolean lowercase = tokens.flag("do_lower_case").orElse(false);
        boolean punctuation = tokens.flag("split_by_punct").orElse(false);
        Metaspace spaces = new Metaspace(SPACE, tokens.flag("add_prefix_space").orElse(true) ? Metaspace.Scheme.ALWAYS
                : Metaspace.Scheme.FIRST, true);
        Template template = Template.bert(VocabTxt.id(file, tokens, "cls_token", added, unigram.vocabulary()),
                VocabTxt.id(file, tokens, "sep_token", added, unigram.vocabulary()));
        PipelineTokenizer.Parts parts = new PipelineTokenizer.Parts(rewriting(lowercase), words(punctuation, spaces), unigram,
                template, spaces);
        return Tokenizers.build(file, new Tokenizers.Loaded(parts, added, "DeBERTa " + lowercase + punctuation + spaces, null),
                tokens, true);
    }

    private static Normalizer rewriting(boolean lowercase) {
        List<Normalizer> parts = new ArrayList<>();
        if (lowercase) {
            parts.add(Rewriting.LOWERCASE);
        }
        parts.add(new Replacement(TextPattern.regex(Oniguruma.compile("\\s{2,}|[\\n\\r\\t]")), " "));
        parts.add(new UnicodeForm(Form.NFC));
        parts.add(new Rewriting.Strip(false, true));
        return Normalizer.sequence(parts);
    }

    private static Splitter words(boolean punctuation, Metaspace spaces) {
        Splitter apart = new Cutting(TextPattern.characters(Characters::isPunctuation), Cutting.Behavior.ISOLATED);
        return punctuation ? Splitter.sequence(List.of(apart, spaces)) : spaces;
    }
}
