package org.lora4j.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** JSON as it comes and goes. */
final class Json {

    private static final int DEEPEST = 64;
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    static {
        MAPPER.getFactory().setStreamReadConstraints(
                StreamReadConstraints.builder().maxNestingDepth(DEEPEST).maxNumberLength(100).build());
    }

    private Json() {
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    static byte[] bytes(JsonNode node) {
        try {
            return MAPPER.writeValueAsBytes(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // nothing but texts, numbers and lists are in it
        }
    }

    /** @throws ApiException if it is no object of JSON */
    static ObjectNode parse(byte[] body) {
        JsonNode node;
        try {
            node = MAPPER.readTree(new String(body, StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            throw ApiException.invalid(null, "The body is not JSON: " + e.getOriginalMessage().replaceAll("\\s*\\(start marker.*|\\s*\\[Source.*", "")
                    .replaceAll("\\s+", " "));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw ApiException.invalid(null, "The body is no object of JSON: expected {\"model\": …}");
    }
}
