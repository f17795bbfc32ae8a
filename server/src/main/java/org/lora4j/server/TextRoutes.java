package org.lora4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.chat.Chat;

/** What can be asked of a model that writes: texts, tokens. */
final class TextRoutes implements AdapterHost {

    private final TextModel model;
    private final TextWork work;
    private final WorkThread thread;
    private final ServerSettings settings;
    private final Metrics metrics;
    private final Writing.Source source;

    TextRoutes(TextModel model, TextWork work, WorkThread thread, ServerSettings settings, Metrics metrics) {
        this.model = model;
        this.work = work;
        this.thread = thread;
        this.settings = settings;
        this.metrics = metrics;
        source = new Writing.Source(model.tokenizer(), metrics);
    }

    void completions(Exchange exchange) throws IOException {
        answer(Asked.completions(exchange.json(), model, settings.timeout().toSeconds(), source), exchange);
    }

    void chat(Exchange exchange) throws IOException {
        answer(Asked.chat(exchange.json(), model, settings.timeout().toSeconds(), source), exchange);
    }

    private void answer(Asked asked, Exchange exchange) throws IOException {
        for (Writing writing : asked.writings()) {
            if (!work.isPossible(writing.request)) {
                throw ApiException.invalid("max_tokens", "context_length_exceeded", "This server has memory for the keys and values of "
                        + work.positions() + " positions and writes " + settings.limits().texts() + " texts at a time, and more were asked for");
            }
        }
        int count = asked.writings().size();
        if (!work.reserve(count, settings.queue())) {
            throw ApiException.busy(work.retryAfter());
        }
        metrics.promptTokens.add(asked.tokens());
        thread.tell(() -> asked.writings().forEach(work::add));
        boolean sent = false;
        try {
            new Answers(asked, model.tokenizer(), exchange).send();
            sent = true;
        } finally {
            if (!sent) { // gone, or one of several prompts failed
                thread.tell(() -> asked.writings().forEach(work::cancel));
            }
        }
    }

    /** {@code POST /tokenize}: of a prompt or of messages. */
    void tokenize(Exchange exchange) {
        Fields fields = new Fields(exchange.json());
        ServedAdapter adapter = model.named(fields.text("model"));
        int[] ids;
        if (fields.has("messages")) {
            try {
                Chat chat = Asked.chat(fields);
                ids = model.chat(chat, adapter);
            } catch (LoraException e) {
                throw ApiException.invalid("messages", e.getMessage());
            }
        } else {
            String prompt = fields.requiredText("prompt");
            ids = fields.flag("add_special_tokens", true) ? model.tokenizer().encode(prompt) : model.tokenizer().encodeContinuation(prompt);
        }
        ObjectNode answer = Json.object().put("count", ids.length).put("max_model_len", model.positions());
        ArrayNode tokens = answer.putArray("tokens");
        Arrays.stream(ids).forEach(tokens::add);
        if (fields.flag("return_token_strs", false)) {
            ArrayNode texts = answer.putArray("token_strs");
            Arrays.stream(ids).forEach(id -> texts.add(model.tokenizer().decode(id)));
        }
        exchange.send(answer);
    }

    /** {@code POST /detokenize}. */
    void detokenize(Exchange exchange) {
        Fields fields = new Fields(exchange.json());
        model.named(fields.text("model"));
        JsonNode tokens = fields.get("tokens");
        if (!tokens.isArray()) {
            throw ApiException.invalid("tokens", "'tokens': expected a list of ids");
        }
        exchange.send(Json.object().put("prompt", model.tokenizer().decode(Fields.ids(tokens, "tokens"))));
    }

    @Override
    public @Nullable ServedAdapter find(String name) {
        return model.shelf().find(name);
    }

    @Override
    public ServedAdapter load(String name, Path folder) {
        return model.shelf().load(name, folder);
    }

    @Override
    public void unload(String name) {
        model.shelf().unload(name);
    }

    @Override
    public ObjectNode described(ServedAdapter adapter) {
        ObjectNode one = Json.object().put("id", adapter.name).put("object", "model").put("created", adapter.since)
                .put("owned_by", "lora4j").put("max_model_len", model.positions());
        one.put("root", model.id()).put("parent", adapter.isBase() ? null : model.id());
        one.put("in_memory", adapter.inMemory).put("prompt_format", adapter.format.name().toLowerCase(Locale.ROOT));
        if (!adapter.isBase()) {
            one.put("rank", adapter.facts.rank()).put("parameters", adapter.facts.parameters());
        }
        return one;
    }

    @Override
    public ObjectNode models() {
        ObjectNode all = Json.object().put("object", "list");
        ArrayNode data = all.putArray("data");
        model.shelf().known().forEach(adapter -> data.add(described(adapter)));
        return all;
    }

    TextModel model() {
        return model;
    }
}
