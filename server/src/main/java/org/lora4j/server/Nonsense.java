package org.lora4j.server;

import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.http.DirectHandlers;
import java.lang.System.Logger;

/**
 * What is told to whoever sends something that is no HTTP, before it comes to a route: 400, in OpenAI's form. Helidon takes some of
 * it, such as a method with a slash in it, for a failure of its own, answers 500 and logs a stack trace for each.
 */
final class Nonsense implements DirectHandler {

    private static final Nonsense ANSWER = new Nonsense();

    private Nonsense() {
    }

    static void addTo(DirectHandlers.Builder handlers) {
        handlers.addHandler(EventType.INTERNAL_ERROR, ANSWER);
        handlers.addHandler(EventType.BAD_REQUEST, ANSWER);
    }

    @Override
    public TransportResponse handle(
            TransportRequest request, EventType kind, Status status, ServerResponseHeaders headers, Throwable thrown, Logger log) {
        return handle(request, kind, status, headers, "");
    }

    /** The message is not told: it holds bytes of what was sent. */
    @Override
    public TransportResponse handle(
            TransportRequest request, EventType kind, Status status, ServerResponseHeaders headers, String message) {
        ApiException refusal = ApiException.invalid(null, "This is no HTTP request that can be read");
        return TransportResponse.builder().status(Status.BAD_REQUEST_400).headers(headers)
                .header(HeaderNames.CONTENT_TYPE, "application/json").keepAlive(false).entity(Json.bytes(refusal.json())).build();
    }
}
