package org.lora4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** A request and the answer to it. */
final class Exchange {

    /** How long a body may take to come; whoever waits for it is interrupted then, which closes the connection. */
    private static final int LONGEST_SECONDS = 30;
    private static final ScheduledExecutorService CLOCK = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("lora4j-clock").daemon().factory());

    private final ServerRequest request;
    private final ServerResponse response;
    private final int maxBody;
    private boolean begun;

    Exchange(ServerRequest request, ServerResponse response, int maxBody) {
        this.request = request;
        this.response = response;
        this.maxBody = maxBody;
    }

    ServerRequest request() {
        return request;
    }

    ServerResponse response() {
        return response;
    }

    /** Whether something of an answer is sent, so that it can be no other one any more. */
    boolean isBegun() {
        return begun;
    }

    /** Sends as it is written. */
    OutputStream begin(String type) {
        response.header(HeaderNames.CONTENT_TYPE, type);
        begun = true;
        return response.outputStream();
    }

    private void send(String type, byte[] body) {
        response.header(HeaderNames.CONTENT_TYPE, type);
        begun = true;
        response.send(body);
    }

    /** @throws ApiException if it is too long or no object of JSON */
    ObjectNode json() {
        String type = request.headers().first(HeaderNames.CONTENT_TYPE).orElse("application/json");
        if (!type.toLowerCase(Locale.ROOT).startsWith("application/json")) {
            throw ApiException.withStatus(415, "unsupported_media_type", "The body is " + type.replaceAll("[^ -~]", "?")
                    + ": expected Content-Type: application/json");
        }
        return Json.parse(body());
    }

    private byte[] body() {
        OptionalLong length = request.headers().contentLength();
        if (length.isPresent() && length.getAsLong() > maxBody) {
            throw tooLong(maxBody);
        }
        ScheduledFuture<?> limit = CLOCK.schedule(Thread.currentThread()::interrupt, LONGEST_SECONDS, TimeUnit.SECONDS);
        try (InputStream in = request.content().inputStream()) {
            byte[] body = in.readNBytes(maxBody + 1);
            if (body.length > maxBody) {
                throw tooLong(maxBody);
            }
            return body;
        } catch (IOException | RuntimeException e) { // the client went away, or its chunks are none
            if (e instanceof ApiException refused) {
                throw refused;
            }
            throw ApiException.invalid(null, "The body did not come to its end");
        } finally {
            limit.cancel(false);
        }
    }

    static ApiException tooLong(long most) {
        return ApiException.withStatus(413, "request_too_large", "The body has more than " + most + " bytes");
    }

    void send(JsonNode answer) {
        send("application/json", Json.bytes(answer));
    }

    void sendText(String type, String text) {
        send(type, text.getBytes(StandardCharsets.UTF_8));
    }

    void send(ApiException refusal) {
        response.status(refusal.status());
        if (refusal.retryAfter() > 0) {
            response.header(HeaderNames.RETRY_AFTER, String.valueOf(refusal.retryAfter()));
        }
        if (refusal.status() == 401) {
            response.header(HeaderNames.WWW_AUTHENTICATE, "Bearer");
        }
        send(refusal.json());
    }
}
