package org.lora4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.lora4j.LoraException;
import org.lora4j.data.EncodedText;
import org.lora4j.data.LabelledText;
import org.lora4j.family.Labels;
import org.lora4j.task.Predictions;

/** What can be asked of a model that classifies. */
final class LabelRoutes {

    private static final int MOST_TEXTS = 1_024;
    private static final int AT_A_TIME = 32;

    private final LabelWork work;
    private final int queue;

    LabelRoutes(LabelWork work, int queue) {
        this.work = work;
        this.queue = queue;
    }

    /** {@code POST /v1/classify}: a text, a pair of texts, or a list of these. */
    void classify(Exchange exchange) {
        Fields fields = new Fields(exchange.json());
        ServedAdapter adapter = work.named(fields.text("model"));
        List<EncodedText> texts;
        try {
            texts = work.encoder(adapter).encode(texts(fields.get("input"))).examples();
        } catch (LoraException e) {
            throw ApiException.invalid("input", e.getMessage());
        }
        if (!work.reserve(queue)) {
            throw ApiException.busy(1);
        }
        ObjectNode answer = Json.object().put("id", "classify-" + UUID.randomUUID().toString().replace("-", "")).put("object", "list")
                .put("created", System.currentTimeMillis() / 1000).put("model", adapter.name);
        ArrayNode data = answer.putArray("data");
        try {
            for (int from = 0; from < texts.size(); from += AT_A_TIME) { // others' in between
                List<EncodedText> some = texts.subList(from, Math.min(from + AT_A_TIME, texts.size()));
                Predictions said = work.judge(adapter, some);
                for (int i = 0; i < some.size(); i++) {
                    put(data.addObject().put("index", from + i), work.labels(adapter), said, i);
                }
            }
        } finally {
            work.leave();
        }
        int tokens = texts.stream().mapToInt(EncodedText::length).sum();
        answer.set("usage", Json.object().put("prompt_tokens", tokens).put("total_tokens", tokens));
        exchange.send(answer);
    }

    private static void put(ObjectNode one, Labels labels, Predictions said, int text) {
        if (labels.regression()) {
            one.put("value", said.predicted(text));
            return;
        }
        one.put("label", labels.names().get((int) said.predicted(text))).put("num_classes", labels.count());
        ArrayNode probabilities = one.putArray("probs");
        for (double p : said.probabilities(text)) {
            probabilities.add(p);
        }
    }

    private static List<LabelledText> texts(JsonNode input) {
        List<LabelledText> texts = new ArrayList<>();
        if (input.isTextual()) {
            texts.add(new LabelledText(input.textValue(), null, null));
        } else if (input.isArray() && input.size() <= MOST_TEXTS) {
            for (JsonNode each : input) {
                boolean pair = each.isArray() && each.size() == 2 && each.get(0).isTextual() && each.get(1).isTextual();
                if (!pair && !each.isTextual()) {
                    texts.clear();
                    break;
                }
                texts.add(pair ? new LabelledText(each.get(0).textValue(), each.get(1).textValue(), null)
                        : new LabelledText(each.textValue(), null, null));
            }
        }
        if (texts.isEmpty()) {
            throw ApiException.invalid("input", "'input': expected a text, or a list of at most " + MOST_TEXTS + " texts or pairs of them");
        }
        return texts;
    }
}
