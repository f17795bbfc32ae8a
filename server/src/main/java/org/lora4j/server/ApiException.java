package org.lora4j.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/** What a client is told instead of an answer, in OpenAI's form. */
final class ApiException extends RuntimeException {

    private static final String INVALID = "invalid_request_error";
    private static final int LONGEST = 1_000;

    private final int status;
    private final String type;
    private final @Nullable String code;
    private final @Nullable String parameter;
    private final int retryAfter;

    private ApiException(int status, String type, @Nullable String code, @Nullable String parameter, String message, int retryAfter) {
        super(message, null, false, false);
        this.status = status;
        this.type = type;
        this.code = code;
        this.parameter = parameter;
        this.retryAfter = retryAfter;
    }

    /** @param parameter the field that is wrong; null where it is none in particular */
    static ApiException invalid(@Nullable String parameter, String message) {
        return new ApiException(400, INVALID, null, parameter, message, 0);
    }

    static ApiException invalid(String parameter, String code, String message) {
        return new ApiException(400, INVALID, code, parameter, message, 0);
    }

    /** What the library refuses. */
    static ApiException refused(LoraException refusal) {
        return invalid(null, refusal.getMessage());
    }

    static ApiException notFound(String message) {
        return new ApiException(404, INVALID, "not_found", null, message, 0);
    }

    static ApiException noModel(String name, String known) {
        return new ApiException(404, INVALID, "model_not_found", "model",
                "The model " + Names.quoted(name) + " does not exist; there are " + known, 0);
    }

    static ApiException conflict(String message) {
        return new ApiException(409, INVALID, "conflict", null, message, 0);
    }

    static ApiException withStatus(int status, String code, String message) {
        return new ApiException(status, status < 500 ? INVALID : "server_error", code, null, message, 0);
    }

    static ApiException unauthorised() {
        return new ApiException(401, INVALID, "invalid_api_key", null, "This server wants a token: Authorization: Bearer TOKEN", 0);
    }

    /** @param seconds when there may be room */
    static ApiException busy(int seconds) {
        return new ApiException(429, "rate_limit_error", "rate_limit_exceeded", null,
                "As many requests wait as may wait. Come again in " + seconds + " s", seconds);
    }

    static ApiException ending() {
        return new ApiException(503, "server_error", "shutting_down", null, "The server is about to end and takes no more requests", 5);
    }

    static ApiException late(long seconds) {
        return new ApiException(504, "server_error", "timeout", null, "The answer was not ready within " + seconds + " s", 0);
    }

    static ApiException failed(String message) {
        return new ApiException(500, "server_error", null, null, message, 0);
    }

    int status() {
        return status;
    }

    /** Seconds; 0 where it is not said. */
    int retryAfter() {
        return retryAfter;
    }

    ObjectNode json() {
        ObjectNode error = Json.object();
        String message = getMessage().length() <= LONGEST ? getMessage() : getMessage().substring(0, LONGEST) + "…";
        error.put("message", message).put("type", type).put("param", parameter).put("code", code);
        ObjectNode all = Json.object();
        all.set("error", error);
        return all;
    }
}
