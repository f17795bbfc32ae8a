package org.lora4j.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.lora4j.tokenizer.Tokenizer;

/**
 * Sends a client the texts that it asked for, at once or piece by piece.
 *
 * <p><b>A client that has gone</b> is noticed when something is written to it. While there is nothing to say, something that means
 * nothing is said every few seconds: a comment in a stream, white space before an object of JSON.
 */
final class Answers {

    private static final long SILENCE_MILLIS = 5_000;
    private static final byte[] COMMENT = ": \n\n".getBytes(StandardCharsets.UTF_8);
    private static final byte[] SPACE = {' '};

    private final Asked asked;
    private final Tokenizer tokenizer;
    private final Exchange exchange;
    private final String id;
    private final long created = System.currentTimeMillis() / 1000;
    private final int[] written;
    private @Nullable OutputStream out;

    Answers(Asked asked, Tokenizer tokenizer, Exchange exchange) {
        this.asked = asked;
        this.tokenizer = tokenizer;
        this.exchange = exchange;
        id = asked.form().id(UUID.randomUUID().toString().replace("-", ""));
        written = new int[asked.choices()];
    }

    /**
     * Returns when everything is sent.
     *
     * @throws IOException      if the client has gone
     * @throws ApiException     if the answer failed before anything of it was sent
     */
    void send() throws IOException {
        if (asked.stream()) {
            stream();
        } else {
            whole();
        }
    }

    // ------------------------------------------------------------------------------------------------ at once

    private void whole() throws IOException {
        StringBuilder[] texts = new StringBuilder[asked.choices()];
        Arrays.setAll(texts, choice -> new StringBuilder(asked.beginnings().get(choice / asked.n())));
        List<List<Writing.Token>> tokens = new ArrayList<>();
        for (int i = 0; i < texts.length; i++) {
            tokens.add(new ArrayList<>());
        }
        String[] reasons = new String[texts.length];
        int open = asked.writings().size();
        while (open > 0) {
            switch (next()) {
                case null -> say(SPACE);
                case Writing.Piece piece -> {
                    texts[piece.choice()].append(piece.text());
                    tokens.get(piece.choice()).addAll(piece.tokens());
                }
                case Writing.Ended ended -> {
                    reasons[ended.choice()] = ended.reason();
                    written[ended.choice()] = ended.tokens();
                }
                case Writing.Done done -> open--;
                case Writing.Failed failed -> {
                    if (out != null) {
                        throw new IOException("the answer failed when its beginning was sent: " + failed.why().getMessage());
                    }
                    throw failed.why();
                }
            }
        }
        ObjectNode answer = head(false);
        ArrayNode choices = answer.putArray("choices");
        for (int i = 0; i < texts.length; i++) {
            ObjectNode likelihoods = asked.likelihoods()
                    ? asked.form().likelihoods(tokens.get(i), tokenizer, asked.beginnings().get(i / asked.n()).length()) : null;
            choices.add(asked.form().choice(i, texts[i].toString(), likelihoods, reasons[i], false));
        }
        answer.set("usage", asked.counted(Arrays.stream(written).sum()));
        if (out == null) {
            exchange.send(answer);
        } else {
            out.write(Json.bytes(answer));
            out.close();
        }
    }

    private void say(byte[] nothing) throws IOException {
        if (out == null) {
            out = exchange.begin("application/json");
        }
        out.write(nothing);
        out.flush();
    }

    // ------------------------------------------------------------------------------------------------ piece by piece

    private void stream() throws IOException {
        Writing.Event event = next();
        if (event instanceof Writing.Failed failed) {
            throw failed.why();
        }
        exchange.response().header(HeaderNames.CACHE_CONTROL, "no-cache");
        exchange.response().header("X-Accel-Buffering", "no");
        out = exchange.begin("text/event-stream; charset=utf-8");
        int[] offsets = new int[asked.choices()];
        for (int i = 0; i < offsets.length; i++) {
            String beginning = asked.beginnings().get(i / asked.n());
            offsets[i] = beginning.length();
            tell(asked.form().begin(i));
            if (!beginning.isEmpty()) {
                tell(asked.form().choice(i, beginning, null, null, true));
            }
        }
        int open = asked.writings().size();
        while (open > 0) {
            switch (event) {
                case null -> {
                    out.write(COMMENT);
                    out.flush();
                }
                case Writing.Piece piece -> {
                    ObjectNode likelihoods = asked.likelihoods() && !piece.tokens().isEmpty()
                            ? asked.form().likelihoods(piece.tokens(), tokenizer, offsets[piece.choice()]) : null;
                    tell(asked.form().choice(piece.choice(), piece.text(), likelihoods, null, true));
                    offsets[piece.choice()] += piece.text().length();
                }
                case Writing.Ended ended -> {
                    written[ended.choice()] = ended.tokens();
                    tell(asked.form().choice(ended.choice(), "", null, ended.reason(), true));
                }
                case Writing.Done done -> open--;
                case Writing.Failed failed -> {
                    event(Json.bytes(failed.why().json()));
                    out.close();
                    return;
                }
            }
            event = open == 0 ? null : next();
        }
        if (asked.usage()) {
            ObjectNode last = head(true);
            last.putArray("choices");
            last.set("usage", asked.counted(Arrays.stream(written).sum()));
            event(Json.bytes(last));
        }
        event("[DONE]".getBytes(StandardCharsets.UTF_8));
        out.close();
    }

    private void tell(@Nullable ObjectNode choice) throws IOException {
        if (choice != null) {
            ObjectNode chunk = head(true);
            chunk.putArray("choices").add(choice);
            if (asked.usage()) {
                chunk.putNull("usage");
            }
            event(Json.bytes(chunk));
        }
    }

    private void event(byte[] data) throws IOException {
        byte[] all = new byte[data.length + 8];
        System.arraycopy("data: ".getBytes(StandardCharsets.US_ASCII), 0, all, 0, 6);
        System.arraycopy(data, 0, all, 6, data.length);
        all[all.length - 2] = '\n';
        all[all.length - 1] = '\n';
        out.write(all);
        out.flush();
    }

    private ObjectNode head(boolean streamed) {
        return Json.object().put("id", id).put("object", asked.form().object(streamed)).put("created", created)
                .put("model", asked.model());
    }

    /** Null where nothing happens for a while. */
    private Writing.@Nullable Event next() throws IOException {
        try {
            return asked.events().poll(SILENCE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new IOException("the server ends", e);
        }
    }
}
