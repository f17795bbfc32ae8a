package org.lora4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.OptionalLong;

/** A request and the answer to it. */
record Exchange(ServerRequest request, ServerResponse response, int maxBody) {

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
        try (InputStream in = request.content().inputStream()) {
            byte[] body = in.readNBytes(maxBody + 1);
            if (body.length > maxBody) {
                throw tooLong(maxBody);
            }
            return body;
        } catch (IOException e) {
            throw ApiException.invalid(null, "The body did not come to its end");
        }
    }

    static ApiException tooLong(long most) {
        return ApiException.withStatus(413, "request_too_large", "The body has more than " + most + " bytes");
    }

    void send(JsonNode answer) {
        response.header(HeaderNames.CONTENT_TYPE, "application/json");
        response.send(Json.bytes(answer));
    }

    void sendText(String type, String text) {
        response.header(HeaderNames.CONTENT_TYPE, type);
        response.send(text.getBytes(StandardCharsets.UTF_8));
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
