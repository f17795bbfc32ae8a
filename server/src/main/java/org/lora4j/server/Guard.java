package org.lora4j.server;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who may ask. With a token, whoever has it. And a page in somebody's browser that comes from elsewhere may not, even where this
 * machine is trusted: it would be another one's hand.
 *
 * @param token    null for none
 * @param loopback whether only this machine can reach the server
 */
record Guard(@Nullable String token, boolean loopback) {

    private static final Set<String> HERE = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final String BEARER = "bearer ";

    /** @throws ApiException if this request may not be answered */
    void check(ServerRequest request) {
        checkOrigin(request);
        if (token != null && !isToken(request.headers().first(HeaderNames.AUTHORIZATION).orElse(""))) {
            throw ApiException.unauthorised();
        }
    }

    /** Also for what is public: the page, and whether the server is well. */
    void checkOrigin(ServerRequest request) {
        String host = request.headers().first(HeaderNames.HOST).orElse("").toLowerCase(Locale.ROOT);
        String origin = request.headers().first(HeaderNames.ORIGIN).orElse("");
        if (!origin.isEmpty() && !origin.toLowerCase(Locale.ROOT).replaceFirst("^https?://", "").equals(host)) {
            throw ApiException.withStatus(403, "foreign_origin", "A page of another origin asks");
        }
        if (loopback && token == null && !HERE.contains(host.replaceFirst(":\\d+$", ""))) {
            throw ApiException.withStatus(403, "foreign_host", "This server is called localhost, and a name that leads here is not trusted");
        }
    }

    private boolean isToken(String header) {
        return header.regionMatches(true, 0, BEARER, 0, BEARER.length()) && MessageDigest.isEqual(
                header.substring(BEARER.length()).strip().getBytes(StandardCharsets.UTF_8), token.getBytes(StandardCharsets.UTF_8));
    }
}
