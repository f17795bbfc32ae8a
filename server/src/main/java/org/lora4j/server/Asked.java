package org.lora4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.chat.Chat;
import org.lora4j.generate.Request;
import org.lora4j.generate.Sampling;
import org.lora4j.train.PromptFormat;

/**
 * A client's request for texts, understood and found to be possible.
 *
 * @param model       the name that was asked for
 * @param writings    one for each prompt
 * @param events      of all of them
 * @param n           texts for each prompt
 * @param stream      whether pieces are sent as they are written
 * @param usage       whether a stream ends with the number of tokens
 * @param likelihoods whether those of the tokens are told
 * @param beginnings  of each prompt's texts: the prompt where it is to be repeated, else nothing
 * @param tokens      of all prompts
 */
record Asked(
        AnswerForm form, String model, List<Writing> writings, LinkedBlockingQueue<Writing.Event> events, int n, boolean stream,
        boolean usage, boolean likelihoods, List<String> beginnings, int tokens) {

    private static final int MOST_PROMPTS = 64;
    private static final int MOST_SAMPLES = 32;
    private static final int MOST_LIKELIHOODS = 20;
    private static final int COMPLETION_TOKENS = 16;

    int choices() {
        return writings.size() * n;
    }

    /** {@code POST /v1/completions}. */
    static Asked completions(ObjectNode body, TextModel model, long seconds, Writing.Source source) {
        Fields fields = new Fields(body);
        ServedAdapter adapter = model.named(fields.text("model"));
        PromptFormat form = form(fields, adapter);
        fields.refuse("suffix", "");
        fields.refuse("best_of", fields.integer("n", 1, 1, MOST_SAMPLES));
        int likelihoods = fields.get("logprobs").isBoolean() ? (fields.flag("logprobs", false) ? 0 : -1)
                : fields.integer("logprobs", -1, 0, MOST_LIKELIHOODS);
        boolean echo = fields.flag("echo", false);
        if (echo && likelihoods >= 0) {
            throw ApiException.invalid("echo", "unsupported_value", "'echo' with 'logprobs' is not supported here: the prompt's are not computed");
        }
        List<int[]> prompts = new ArrayList<>();
        List<String> beginnings = new ArrayList<>();
        for (JsonNode prompt : prompts(fields)) {
            int[] ids = prompt.isTextual() ? model.tokens(prompt.textValue(), form, adapter)
                    : model.checked(Fields.ids(prompt, "prompt"));
            prompts.add(ids);
            beginnings.add(!echo ? "" : prompt.isTextual() ? prompt.textValue() : model.tokenizer().decodeText(ids));
        }
        return of(AnswerForm.COMPLETION, fields, model, adapter, form, prompts, beginnings, likelihoods, COMPLETION_TOKENS, seconds, source);
    }

    /** A text, a list of texts, ids, or a list of lists of ids. */
    private static List<JsonNode> prompts(Fields fields) {
        JsonNode prompt = fields.get("prompt");
        List<JsonNode> prompts = new ArrayList<>();
        boolean several = prompt.isArray() && !prompt.isEmpty() && !prompt.get(0).isNumber();
        if (several) {
            prompt.forEach(prompts::add);
        } else if (prompt.isTextual() || prompt.isArray() && !prompt.isEmpty()) {
            prompts.add(prompt);
        }
        if (prompts.isEmpty() || prompts.size() > MOST_PROMPTS
                || prompts.stream().anyMatch(each -> !each.isTextual() && !(each.isArray() && !each.isEmpty()))) {
            throw ApiException.invalid("prompt", "'prompt': expected a text, ids of tokens, or a list of at most " + MOST_PROMPTS + " of these");
        }
        return prompts;
    }

    /** How the adapter was trained to be asked, unless the client says otherwise. */
    private static PromptFormat form(Fields fields, ServedAdapter adapter) {
        String said = fields.text("prompt_format");
        if (said == null) {
            return adapter.format;
        }
        for (PromptFormat form : PromptFormat.values()) {
            if (form.name().equalsIgnoreCase(said)) {
                return form;
            }
        }
        throw ApiException.invalid("prompt_format", "'prompt_format' is " + Names.quoted(said) + ": expected plain, pair or chat");
    }

    /** {@code POST /v1/chat/completions}. */
    static Asked chat(ObjectNode body, TextModel model, long seconds, Writing.Source source) {
        Fields fields = new Fields(body);
        ServedAdapter adapter = model.named(fields.text("model"));
        for (String field : List.of("tools", "functions", "tool_choice", "function_call", "audio", "prediction", "web_search_options")) {
            fields.refuse(field, "none");
        }
        if (fields.has("response_format") && !fields.get("response_format").path("type").asText().equals("text")) {
            throw ApiException.invalid("response_format", "unsupported_value", "'response_format': only text is supported here");
        }
        int likelihoods = !fields.flag("logprobs", false) ? -1 : fields.integer("top_logprobs", 0, 0, MOST_LIKELIHOODS);
        int[] prompt;
        try {
            prompt = model.chat(chat(fields), adapter);
        } catch (LoraException e) { // its template refuses it
            throw ApiException.invalid("messages", e.getMessage());
        }
        return of(AnswerForm.CHAT, fields, model, adapter, PromptFormat.CHAT, List.of(prompt), List.of(""), likelihoods,
                Integer.MAX_VALUE, seconds, source);
    }

    static Chat chat(Fields fields) {
        JsonNode messages = fields.get("messages");
        if (!messages.isArray() || messages.isEmpty()) {
            throw ApiException.invalid("messages", "'messages': expected a list of at least one {\"role\": …, \"content\": …}");
        }
        Chat chat = Chat.empty();
        for (JsonNode message : messages) {
            if (!message.path("role").isTextual()) {
                throw ApiException.invalid("messages", "'messages': one has no role");
            }
            String role = message.get("role").textValue();
            chat = chat.with(role.equals("developer") ? "system" : role, content(message.path("content")));
        }
        return chat;
    }

    /** A text, or parts of which each is one. */
    private static String content(JsonNode content) {
        if (content.isTextual()) {
            return content.textValue();
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode part : content) {
            if (!part.path("type").asText().equals("text") || !part.path("text").isTextual()) {
                throw ApiException.invalid("messages", "unsupported_value", "'messages': only texts are supported here");
            }
            text.append(part.get("text").textValue());
        }
        if (!content.isArray() && !content.isNull() && !content.isMissingNode()) {
            throw ApiException.invalid("messages", "'messages': expected a text as content");
        }
        return text.toString();
    }

    private static Asked of(
            AnswerForm answer, Fields fields, TextModel model, ServedAdapter adapter, PromptFormat form, List<int[]> prompts,
            List<String> beginnings, int likelihoods, int usual, long seconds, Writing.Source source) {
        for (String field : List.of("presence_penalty", "frequency_penalty", "logit_bias")) {
            fields.refuse(field, 0);
        }
        int n = fields.integer("n", 1, 1, MOST_SAMPLES);
        boolean stream = fields.flag("stream", false);
        List<String> stops = fields.texts("stop");
        Sampling sampling = sampling(fields);
        Set<Integer> stopIds = fields.flag("ignore_eos", false) ? Set.of() : new LinkedHashSet<>(model.stopIds(form, adapter));
        String limit = fields.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
        int asked = fields.integer(limit, -1, 0, Integer.MAX_VALUE);
        int least = fields.integer("min_tokens", 0, 0, Integer.MAX_VALUE);
        LinkedBlockingQueue<Writing.Event> events = new LinkedBlockingQueue<>();
        List<Writing> writings = new ArrayList<>();
        int tokens = 0;
        for (int[] prompt : prompts) {
            int room = model.positions() - prompt.length;
            int most = asked >= 0 ? asked : Math.min(usual, room);
            if (most > room || room < 1) {
                throw ApiException.invalid(limit, "context_length_exceeded", "This model has " + model.positions()
                        + " positions; the prompt has " + prompt.length + " tokens" + (asked >= 0 ? ", and " + asked + " new ones were asked for" : ""));
            }
            Request request = Request.of(prompt).withAdapter(adapter.inside).withMaxNewTokens(most).withMinNewTokens(least)
                    .withStopIds(stopIds).withSampling(sampling).withSamples(n).withNumber(writings.size());
            if (likelihoods >= 0) {
                request = request.withLikelihoods(likelihoods);
            }
            writings.add(new Writing(adapter, request, new Writing.Place(events, writings.size() * n), stops, form == PromptFormat.PAIR,
                    seconds, source));
            tokens += prompt.length;
        }
        String name = fields.text("model");
        return new Asked(answer, name == null ? model.id() : name, writings, events, n, stream,
                fields.get("stream_options").path("include_usage").asBoolean(), likelihoods >= 0, beginnings, tokens);
    }

    private static Sampling sampling(Fields fields) {
        Long seed = fields.seed("seed");
        double temperature = fields.number("temperature", 1, 0, 2);
        double topP = fields.number("top_p", 1, 0, 1);
        int topK = fields.integer("top_k", 0, -1, Integer.MAX_VALUE);
        double penalty = fields.number("repetition_penalty", 1, 0.01, 100);
        // as little as nothing keeps the likeliest token alone
        return new Sampling(topP == 0 ? 0 : temperature, Math.max(0, topK), topP == 0 ? 1 : topP, fields.number("min_p", 0, 0, 1), penalty,
                seed == null ? ThreadLocalRandom.current().nextLong() : seed);
    }

    /** How many tokens came in and went out. */
    ObjectNode counted(int written) {
        return Json.object().put("prompt_tokens", tokens).put("completion_tokens", written).put("total_tokens", tokens + written);
    }
}
