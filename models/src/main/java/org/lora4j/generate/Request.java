package org.lora4j.generate;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.tuning.lora.AdapterSet;

/**
 * What an {@link Engine} is asked to write: one or several texts behind a prompt. Each {@code with…} gives a request that
 * differs in that; at first one text of at most 64 tokens is written greedily, with no stop token, by the base.
 *
 * <pre>{@code
 * Request.of(tokenizer.encode("Once upon a time")).withMaxNewTokens(200).withSampling(Sampling.of(0.8, 7)).withSamples(3)
 * }</pre>
 */
public final class Request {

    static final int NO_LIKELIHOODS = -1;
    private static final TokenListener SILENT = (sample, id) -> true;

    private final int[] prompt;
    private String adapter = AdapterSet.BASE;
    private int maxNewTokens = 64;
    private int minNewTokens;
    private Set<Integer> stopIds = Set.of();
    private Sampling sampling = Sampling.GREEDY;
    private @Nullable Beam beam;
    private int number;
    private int samples = 1;
    private int likelihoods = NO_LIKELIHOODS;
    private TokenListener listener = SILENT;

    private Request(int[] prompt) {
        this.prompt = prompt;
    }

    /**
     * A request with the defaults: up to 64 tokens, greedy, from the base.
     *
     * @param prompt token ids, at least one
     */
    public static Request of(int... prompt) {
        return new Request(prompt.clone());
    }

    private Request copy() {
        return copy(prompt);
    }

    private Request copy(int[] ids) {
        Request copy = new Request(ids);
        copy.adapter = adapter;
        copy.maxNewTokens = maxNewTokens;
        copy.minNewTokens = minNewTokens;
        copy.stopIds = stopIds;
        copy.sampling = sampling;
        copy.beam = beam;
        copy.number = number;
        copy.samples = samples;
        copy.likelihoods = likelihoods;
        copy.listener = listener;
        return copy;
    }

    /** The same behind other tokens. */
    public Request withPrompt(int... ids) {
        return copy(ids.clone());
    }

    /** The adapter of the engine's set that writes, or {@link AdapterSet#BASE}. */
    public Request withAdapter(String name) {
        Request copy = copy();
        copy.adapter = name;
        return copy;
    }

    /** Most tokens of a text; 0 is allowed and gives an empty one. */
    public Request withMaxNewTokens(int count) {
        if (count < 0) {
            throw new LoraException("`maxNewTokens` " + count + ": expected 0 or a positive number");
        }
        Request copy = copy();
        copy.maxNewTokens = count;
        return copy;
    }

    /** No stop token is chosen before a text has so many tokens: until then their logits are −∞. */
    public Request withMinNewTokens(int count) {
        if (count < 0) {
            throw new LoraException("`minNewTokens` " + count + ": expected 0 or a positive number");
        }
        Request copy = copy();
        copy.minNewTokens = count;
        return copy;
    }

    /** Tokens that end a text; they are not part of it. */
    public Request withStopIds(Set<Integer> ids) {
        Request copy = copy();
        copy.stopIds = Set.copyOf(ids);
        return copy;
    }

    /** The same with another rule by which tokens are drawn. */
    public Request withSampling(Sampling rule) {
        Request copy = copy();
        copy.sampling = rule;
        return copy;
    }

    /**
     * By beam search instead of sampling; {@link Ticket#hypothesis} is the result. Its listener is told the tokens when the
     * search is over, since until then any of them may change.
     */
    public Request withBeam(Beam rule) {
        Request copy = copy();
        copy.beam = rule;
        return copy;
    }

    /** By which its draws are told from those of other requests with the same seed; not negative. */
    public Request withNumber(int n) {
        if (n < 0) {
            throw new LoraException("a request's number is " + n + ", expected 0 or a positive one");
        }
        Request copy = copy();
        copy.number = n;
        return copy;
    }

    /** How many texts, which share the prompt's keys and values and differ in their draws. */
    public Request withSamples(int count) {
        if (count < 1) {
            throw new LoraException("`samples` " + count + ": expected at least 1");
        }
        Request copy = copy();
        copy.samples = count;
        return copy;
    }

    /**
     * Tells the listener how likely each token was, and so many of the likeliest; 0 for none of these. Of beam search nothing is
     * told.
     */
    public Request withLikelihoods(int count) {
        if (count < 0) {
            throw new LoraException("`likelihoods` " + count + ": expected 0 or a positive number");
        }
        Request copy = copy();
        copy.likelihoods = count;
        return copy;
    }

    /** The same with somebody who hears each token. */
    public Request withListener(TokenListener heard) {
        Request copy = copy();
        copy.listener = heard;
        return copy;
    }

    /** The prompt's tokens. */
    public int[] prompt() {
        return prompt.clone();
    }

    int length() {
        return prompt.length;
    }

    /** The adapter's name; empty for the base. */
    public String adapter() {
        return adapter;
    }

    /** How many tokens it may get at most. */
    public int maxNewTokens() {
        return maxNewTokens;
    }

    /** How many tokens it gets at least: before that, none of its stop ids is drawn. */
    public int minNewTokens() {
        return minNewTokens;
    }

    /** The tokens that end it. */
    public Set<Integer> stopIds() {
        return stopIds;
    }

    /** How tokens are drawn. */
    public Sampling sampling() {
        return sampling;
    }

    /** Null where nothing is searched. */
    public @Nullable Beam beam() {
        return beam;
    }

    /** The number from which its draws are made, with the seed. */
    public int number() {
        return number;
    }

    /** How many texts are written for the prompt. */
    public int samples() {
        return samples;
    }

    /** How many of the likeliest tokens the listener is told of; negative where it is told of no likelihood at all. */
    int likelihoods() {
        return likelihoods;
    }

    /** Who hears each token. */
    public TokenListener listener() {
        return listener;
    }
}
