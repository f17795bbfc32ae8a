package org.lora4j.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.Tensor;

/** Texts whose tokens are drawn, or the likeliest: a row each. */
final class SampledJob extends Job {

    private final Backend backend;
    private final Sampler sampler;
    private final float[] logits;
    private final Text[] texts;

    private static final class Text {

        private int[] tokens = new int[16];
        private int count;
        private @Nullable BitSet there;
        private @Nullable End end;

        void add(int id) {
            if (count == tokens.length) {
                tokens = Arrays.copyOf(tokens, 2 * count);
            }
            tokens[count++] = id;
            if (there != null) {
                there.set(id);
            }
        }

        Written written() {
            return new Written(Arrays.copyOf(tokens, count), end);
        }
    }

    /** @param logits scratch, of the vocabulary's size */
    SampledJob(Request request, Ticket ticket, Backend backend, Sampler sampler, float[] logits) {
        super(request, ticket);
        this.backend = backend;
        this.sampler = sampler;
        this.logits = logits;
        texts = new Text[request.samples()];
        for (int sample = 0; sample < texts.length; sample++) {
            texts[sample] = new Text();
            if (request.sampling().repetitionPenalty() != 1) {
                BitSet there = new BitSet();
                Arrays.stream(request.prompt()).forEach(there::set);
                texts[sample].there = there;
            }
        }
    }

    @Override
    int width() {
        return texts.length;
    }

    @Override
    boolean isWide() {
        return false;
    }

    @Override
    void begin(Trail prompt, Tensor ofPrompt) {
        try {
            for (int sample = 0; sample < texts.length; sample++) {
                int id = choose(texts[sample], sample, ofPrompt, 0);
                if (texts[sample].end == null) {
                    rows.add(new Row(this, prompt.fork(), sample, id));
                }
            }
        } finally {
            prompt.release();
        }
    }

    /** Its next token, from a row of logits; the row is gone if the text ends with it. */
    void advance(Row row, Tensor ofRows, int at) {
        Text text = texts[row.sample];
        row.token = choose(text, row.sample, ofRows, at);
        if (text.end != null) {
            row.trail.release();
            rows.remove(row);
        }
    }

    private int choose(Text text, int sample, Tensor ofRows, int at) {
        backend.read(ofRows, (long) at * logits.length, logits, 0, logits.length);
        float[] asTheyAre = request.likelihoods() < 0 ? null : logits.clone(); // the rules below change them
        if (text.there != null) {
            Sampler.penalize(logits, text.there, request.sampling().repetitionPenalty());
        }
        if (text.count < request.minNewTokens()) {
            Sampler.ban(logits, request.stopIds());
        }
        int id = sampler.draw(logits, request.sampling(), request.number(), sample, text.count);
        if (request.stopIds().contains(id)) {
            text.end = End.STOP_TOKEN;
        } else {
            text.add(id);
            if (asTheyAre != null) {
                request.listener().likelihood(sample, Likelihood.of(asTheyAre, asTheyAre[id], request.likelihoods()));
            }
            boolean goesOn = request.listener().token(sample, id);
            text.end = !goesOn ? End.LISTENER : text.count == request.maxNewTokens() ? End.LENGTH : null;
        }
        if (text.end != null) {
            request.listener().ended(sample, text.written());
        }
        return id;
    }

    @Override
    List<Written> texts() {
        List<Written> written = new ArrayList<>();
        for (Text text : texts) {
            written.add(text.written());
        }
        return written;
    }

    @Override
    void end(End end) {
        List<Integer> ended = new ArrayList<>();
        for (int sample = 0; sample < texts.length; sample++) {
            if (texts[sample].end == null) {
                texts[sample].end = end;
                ended.add(sample);
            }
        }
        ended.forEach(sample -> request.listener().ended(sample, texts[sample].written()));
    }
}
