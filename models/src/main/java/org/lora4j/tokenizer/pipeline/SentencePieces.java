package org.lora4j.tokenizer.pipeline;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.lora4j.tokenizer.pipeline.SentencePieceModel.Kind;

/** A {@link SentencePieceModel} as SentencePiece itself runs it: how it rewrites a text, cuts it, and puts it together. */
public final class SentencePieces {

    private static final String SPACE = "▁";

    private final SentencePieceModel model;

    /** @throws IllegalArgumentException that says what cannot be run, in words for a message */
    public SentencePieces(SentencePieceModel model) {
        this.model = model;
        if (model.algorithm() != SentencePieceModel.Algorithm.UNIGRAM && model.algorithm() != SentencePieceModel.Algorithm.BPE) {
            throw new IllegalArgumentException("is of the algorithm " + model.algorithm() + ", expected UNIGRAM or BPE");
        }
        if (model.hasSuffix() || !model.escapesSpaces()) {
            throw new IllegalArgumentException(model.hasSuffix() ? "puts white space behind words (treat_whitespace_as_suffix), "
                    + "expected before them" : "leaves spaces as they are (escape_whitespaces), expected them as " + SPACE);
        }
    }

    /** Spaces as ▁, one before the text, and what the charsmap says. */
    public Normalizer normalizer() {
        return new SentencePieceNormalizer(model.charsMap().length == 0 ? null : CharsMap.of(model.charsMap()), userDefined(),
                model.dummyPrefix(), model.removesSpaces());
    }

    private CharTrie userDefined() {
        CharTrie trie = new CharTrie();
        for (int id = 0; id < model.pieces().size(); id++) {
            if (model.kind(id) == Kind.USER_DEFINED) {
                trie.put(model.pieces().get(id), id);
            }
        }
        return trie;
    }

    /** The pieces and their ids; of two that are written alike the first counts. */
    private Map<String, Integer> vocabulary() {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (int id = 0; id < model.pieces().size(); id++) {
            ids.putIfAbsent(model.pieces().get(id), id);
        }
        return ids;
    }

    public SubwordModel subwords() {
        return model.algorithm() == SentencePieceModel.Algorithm.BPE ? bpe() : unigram();
    }

    /** Pieces that users define win over all others, so their score is better the longer they are. */
    private SubwordModel unigram() {
        float best = Float.NEGATIVE_INFINITY;
        float worst = Float.POSITIVE_INFINITY;
        int size = model.pieces().size();
        for (int id = 0; id < size; id++) {
            if (model.kind(id) == Kind.NORMAL) {
                best = Math.max(best, model.score(id));
                worst = Math.min(worst, model.score(id));
            }
        }
        double[] scores = new double[size];
        boolean[] inText = new boolean[size];
        for (int id = 0; id < size; id++) {
            boolean user = model.kind(id) == Kind.USER_DEFINED;
            int length = model.pieces().get(id).getBytes(StandardCharsets.UTF_8).length;
            scores[id] = user ? length * best - 0.1f : model.score(id);
            inText[id] = user || model.kind(id) == Kind.NORMAL || model.kind(id) == Kind.UNUSED;
        }
        return new Unigram(model.pieces(), scores, model.unknown(), model.byteFallback(), inText, worst);
    }

    /** Of all neighbours that make a piece, those whose piece has the best score join first, of several the first. */
    private SubwordModel bpe() {
        Map<String, Integer> ids = vocabulary();
        TreeMap<Float, List<String>> byScore = new TreeMap<>(java.util.Comparator.reverseOrder());
        Set<String> normal = new HashSet<>();
        for (int id = 0; id < model.pieces().size(); id++) {
            if (model.kind(id) == Kind.NORMAL) {
                byScore.computeIfAbsent(model.score(id), unused -> new ArrayList<>()).add(model.pieces().get(id));
                normal.add(model.pieces().get(id));
            }
        }
        List<Bpe.Ranked> merges = new ArrayList<>();
        int rank = 0;
        for (List<String> pieces : byScore.values()) {
            for (String piece : pieces) {
                for (int i = 1; i < piece.length(); i++) {
                    String left = piece.substring(0, i);
                    String right = piece.substring(i);
                    if (normal.contains(left) && normal.contains(right)) {
                        merges.add(new Bpe.Ranked(ids.get(left), ids.get(right), rank, ids.get(piece)));
                    }
                }
            }
            rank++;
        }
        Bpe.Options options = new Bpe.Options(model.pieces().get(model.unknown()), true, "", "", model.byteFallback(), false);
        return new Bpe(ids, merges, options, userDefined());
    }

    public TokenDecoder decoder() {
        List<TokenDecoder> parts = new ArrayList<>(List.of(new Replacement(TextPattern.literal(SPACE), " "),
                Decoders.BYTE_FALLBACK, Decoders.FUSE));
        if (model.dummyPrefix()) {
            parts.add(Decoders.strip(' ', model.removesSpaces() ? Integer.MAX_VALUE : 1, 0));
        }
        return Decoders.sequence(parts);
    }
}
