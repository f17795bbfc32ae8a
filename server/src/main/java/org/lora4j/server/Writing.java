package org.lora4j.server;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.generate.End;
import org.lora4j.generate.Likelihood;
import org.lora4j.generate.Request;
import org.lora4j.generate.TextStream;
import org.lora4j.generate.Ticket;
import org.lora4j.generate.TokenListener;
import org.lora4j.generate.Written;
import org.lora4j.tokenizer.Tokenizer;

/**
 * One prompt's texts on their way from the engine's thread to that of the connection. The engine never waits for a client:
 * what is written lies here until it is fetched, and is bounded by the tokens that were asked for.
 */
final class Writing implements TokenListener {

    /** What a connection is told, in this order for each text: pieces, then its end. */
    sealed interface Event {
    }

    /**
     * @param choice which of all texts that the client asked for
     * @param text   perhaps empty, where something is held back that a stop string may begin with
     * @param tokens that were chosen for it, where likelihoods were asked for
     */
    record Piece(int choice, String text, List<Token> tokens) implements Event {
    }

    /** @param reason {@code stop} or {@code length}, as OpenAI says it */
    record Ended(int choice, String reason, int tokens) implements Event {
    }

    /** All texts of this prompt are at their end. */
    record Done() implements Event {
    }

    record Failed(ApiException why) implements Event {
    }

    record Token(int id, Likelihood likelihood) {
    }

    /** A text as it is written. */
    private final class Text {

        private final TextStream stream;
        private final StringBuilder held = new StringBuilder();
        private final List<Token> tokens = new ArrayList<>();
        private boolean begun;
        private @Nullable Likelihood likelihood;

        Text(Tokenizer tokenizer, List<String> stops) {
            stream = new TextStream(tokenizer, stops);
        }

        /** A completion's text is known when its first characters are, see {@link ExampleEncoder#completion}. */
        private String begin(String piece, boolean end) {
            if (begun || !completion) {
                return piece;
            }
            held.append(piece);
            if (held.length() < 2 && !end) {
                return "";
            }
            begun = true;
            return ExampleEncoder.completion(held.toString());
        }
    }

    final ServedAdapter adapter;
    final Request request;
    private final boolean completion;
    private final Metrics metrics;
    private final List<Text> texts = new ArrayList<>();
    private final int firstChoice;
    private final Queue<Event> events;
    private final long asked = System.nanoTime();
    private final long deadline;
    private boolean first = true;

    /** The engine's thread's. */
    @Nullable Ticket ticket;
    private long tag;
    private long arrival;
    private boolean closed;

    /**
     * @param place      where its texts' events go, among those of other prompts
     * @param completion whether it is a completion in the sense of training on pairs, whose white space at the beginning is dropped
     * @param seconds    after which it is given up
     */
    Writing(ServedAdapter adapter, Request request, Place place, List<String> stops, boolean completion, long seconds, Source source) {
        this.adapter = adapter;
        this.completion = completion;
        this.firstChoice = place.firstChoice;
        this.events = place.events;
        this.metrics = source.metrics;
        this.request = request.withListener(this);
        deadline = asked + TimeUnit.SECONDS.toNanos(seconds);
        for (int sample = 0; sample < request.samples(); sample++) {
            texts.add(new Text(source.tokenizer, stops));
        }
    }

    /** @param events of all prompts that a client asked for together; for two threads */
    record Place(Queue<Event> events, int firstChoice) {
    }

    /** What all of them share. */
    record Source(Tokenizer tokenizer, Metrics metrics) {
    }

    // ------------------------------------------------------------------------------------------------ the engine's thread

    @Override
    public void likelihood(int sample, Likelihood likelihood) {
        texts.get(sample).likelihood = likelihood;
    }

    @Override
    public boolean token(int sample, int id) {
        if (first) {
            first = false;
            metrics.firstToken.add(System.nanoTime() - asked);
        }
        metrics.wrote();
        Text text = texts.get(sample);
        if (text.likelihood != null) {
            text.tokens.add(new Token(id, text.likelihood));
        }
        tell(sample, text.begin(text.stream.add(id), false));
        return !text.stream.isStopped();
    }

    @Override
    public void ended(int sample, Written written) {
        Text text = texts.get(sample);
        tell(sample, text.begin(text.stream.finish(), true));
        if (written.end() != End.FAILED && written.end() != End.CANCELLED) {
            events.add(new Ended(firstChoice + sample, written.end() == End.LENGTH ? "length" : "stop", written.tokens().length));
        }
    }

    private void tell(int sample, String piece) {
        Text text = texts.get(sample);
        if (!piece.isEmpty() || !text.tokens.isEmpty()) {
            events.add(new Piece(firstChoice + sample, piece, List.copyOf(text.tokens)));
            text.tokens.clear();
        }
    }

    /** @return the end of what is asked, which begins here */
    long tagged(long begin, long number) {
        tag = begin;
        arrival = number;
        return begin + Math.max(1, (long) request.maxNewTokens() * request.samples());
    }

    long tag() {
        return tag;
    }

    boolean isBefore(Writing other) {
        return tag < other.tag || tag == other.tag && arrival < other.arrival;
    }

    /** It is at work from now on. */
    void begin(Ticket taken) {
        ticket = taken;
        metrics.waiting.add(System.nanoTime() - asked);
    }

    void done() {
        close(new Done());
        metrics.wholeAnswer.add(System.nanoTime() - asked);
    }

    void fail(ApiException why) {
        close(new Failed(why));
    }

    private void close(Event last) {
        if (!closed) {
            closed = true;
            events.add(last);
        }
    }

    /** Whether its client was told its end. */
    boolean isClosed() {
        return closed;
    }

    boolean isLate() {
        return System.nanoTime() - deadline > 0;
    }

    long age() {
        return System.nanoTime() - asked;
    }
}
