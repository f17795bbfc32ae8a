package org.lora4j.server;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;

/** Makes requests that are wrong in one way or several: bodies, headers, paths, and bytes of them. */
record Fuzzer(Random random) {

    private static final List<String> PATHS = List.of("/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize", "/v1/adapters",
            "/v1/load_lora_adapter", "/v1/adapters/a", "/v1/models/%2e%2e", "/..%2f..%2fetc", "/v1/models", "/", "//", "/v1/classify", "*");
    private static final List<String> METHODS = List.of("POST", "POST", "POST", "POST", "GET", "DELETE", "PUT", "OPTIONS", "BREW");
    private static final List<String> FIELDS = List.of("model", "prompt", "messages", "max_tokens", "temperature", "top_p", "n", "stop",
            "seed", "stream", "logprobs", "top_logprobs", "echo", "stream_options", "tokens", "name", "path", "lora_name", "top_k", "tools",
            "min_tokens", "repetition_penalty", "max_completion_tokens", "prompt_format", "logit_bias", "best_of");
    private static final List<String> VALUES = List.of("null", "true", "-1", "0", "1", "3", "1e309", "1e400", "99999999999999999999",
            "0.5", "\"\"", "\"a\"", "\"base-6m\"", "\"../..\"", "\"\\u0000\"", "\"\\ud800\"", "[]", "[[]]", "[1, 2]", "[-1]", "[1e9]", "[\"a\", 1]",
            "{}", "{\"a\": {\"b\": [1]}}", "[{\"role\": \"user\", \"content\": \"a\"}]", "[{\"role\": \"x\"}]", "[{\"role\": 1, \"content\": null}]",
            "\"{{ 7*7 }}{% for %}\"", "NaN", "-0.0", "[[[[[[[[1]]]]]]]]", "\"\uD83D\uDE00\"", "{\"type\": \"text\"}");

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    byte[] request(int port) {
        byte[] body = body().getBytes(StandardCharsets.UTF_8);
        String length = switch (random.nextInt(20)) {
            case 0 -> "Content-Length: " + (body.length + 1 + random.nextInt(50));
            case 1 -> "Content-Length: " + Math.max(0, body.length - 1 - random.nextInt(10));
            case 2 -> "Content-Length: -5";
            case 3 -> "Content-Length: 99999999999999";
            case 4 -> "Transfer-Encoding: chunked";
            case 5 -> "X: " + "y".repeat(random.nextInt(20_000));
            default -> "Content-Length: " + body.length;
        };
        String type = random.nextInt(10) == 0 ? one(List.of("text/plain", "application/zip", "", "\u0001", "application/json; charset=utf-16"))
                : "application/json";
        String head = one(METHODS) + " " + one(PATHS) + (random.nextInt(8) == 0 ? "?name=" + one(VALUES).replace(' ', '+') : "") + " HTTP/1."
                + (random.nextInt(30) == 0 ? "9" : "1") + "\r\nHost: localhost:" + port + "\r\nContent-Type: " + type + "\r\n" + length + "\r\n\r\n";
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(head.getBytes(StandardCharsets.ISO_8859_1));
        bytes.writeBytes(body);
        byte[] all = bytes.toByteArray();
        for (int spoiled = random.nextInt(6) == 0 ? 1 + random.nextInt(8) : 0; spoiled > 0; spoiled--) {
            all[random.nextInt(all.length)] = (byte) random.nextInt(256);
        }
        return all;
    }

    private String body() {
        StringBuilder body = new StringBuilder("{");
        int count = random.nextInt(7);
        for (int i = 0; i < count; i++) {
            body.append(i == 0 ? "" : ", ").append('"').append(one(FIELDS)).append("\": ").append(one(VALUES));
        }
        if (random.nextInt(3) > 0) { // so that some get far
            body.append(count == 0 ? "" : ", ").append("\"max_tokens\": ").append(random.nextInt(4));
            body.append(", \"prompt\": \"a\", \"messages\": [{\"role\": \"user\", \"content\": \"a\"}]");
        }
        body.append('}');
        return switch (random.nextInt(12)) {
            case 0 -> body.substring(0, random.nextInt(body.length()));
            case 1 -> "[".repeat(random.nextInt(3_000)) + body;
            case 2 -> "";
            default -> body.toString();
        };
    }
}
