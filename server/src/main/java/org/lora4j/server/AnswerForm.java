package org.lora4j.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.generate.Likelihood;
import org.lora4j.tokenizer.Tokenizer;

/** How texts look in OpenAI's protocol: completions, or a chat's next message. */
enum AnswerForm {

    COMPLETION("cmpl-", "text_completion", "text_completion") {
        @Override
        ObjectNode choice(int index, String text, @Nullable ObjectNode likelihoods, @Nullable String reason, boolean piece) {
            ObjectNode choice = Json.object().put("index", index).put("text", text);
            choice.set("logprobs", likelihoods);
            return choice.put("finish_reason", reason);
        }

        @Override
        ObjectNode likelihoods(List<Writing.Token> tokens, Tokenizer tokenizer, int offset) {
            ObjectNode all = Json.object();
            ArrayNode texts = all.putArray("tokens");
            ArrayNode values = all.putArray("token_logprobs");
            ArrayNode tops = all.putArray("top_logprobs");
            ArrayNode offsets = all.putArray("text_offset");
            int at = offset;
            for (Writing.Token token : tokens) {
                String text = tokenizer.decode(token.id());
                texts.add(text);
                values.add(token.likelihood().logProbability());
                ObjectNode top = tops.addObject();
                for (int i = 0; i < token.likelihood().ids().length; i++) {
                    top.put(tokenizer.decode(token.likelihood().ids()[i]), token.likelihood().values()[i]);
                }
                offsets.add(at);
                at += text.length();
            }
            return all;
        }
    },

    CHAT("chatcmpl-", "chat.completion", "chat.completion.chunk") {
        @Override
        ObjectNode choice(int index, String text, @Nullable ObjectNode likelihoods, @Nullable String reason, boolean piece) {
            ObjectNode choice = Json.object().put("index", index);
            ObjectNode message = choice.putObject(piece ? "delta" : "message");
            if (!piece) {
                message.put("role", "assistant").put("content", text).putNull("refusal");
            } else if (!text.isEmpty()) {
                message.put("content", text);
            }
            choice.set("logprobs", likelihoods);
            return choice.put("finish_reason", reason);
        }

        @Override
        ObjectNode begin(int index) {
            ObjectNode choice = choice(index, "", null, null, true);
            ((ObjectNode) choice.get("delta")).put("role", "assistant").put("content", "");
            return choice;
        }

        @Override
        ObjectNode likelihoods(List<Writing.Token> tokens, Tokenizer tokenizer, int offset) {
            ObjectNode all = Json.object();
            ArrayNode content = all.putArray("content");
            for (Writing.Token token : tokens) {
                Likelihood likelihood = token.likelihood();
                ObjectNode one = content.addObject();
                put(one, tokenizer, token.id(), likelihood.logProbability());
                ArrayNode tops = one.putArray("top_logprobs");
                for (int i = 0; i < likelihood.ids().length; i++) {
                    put(tops.addObject(), tokenizer, likelihood.ids()[i], likelihood.values()[i]);
                }
            }
            return all;
        }

        private void put(ObjectNode one, Tokenizer tokenizer, int id, double value) {
            one.put("token", tokenizer.decode(id)).put("logprob", value);
            ArrayNode bytes = one.putArray("bytes");
            for (byte b : tokenizer.decodeBytes(id)) {
                bytes.add(b & 0xFF);
            }
        }
    };

    private final String prefix;
    private final String whole;
    private final String piece;

    AnswerForm(String prefix, String whole, String piece) {
        this.prefix = prefix;
        this.whole = whole;
        this.piece = piece;
    }

    String id(String unique) {
        return prefix + unique;
    }

    String object(boolean streamed) {
        return streamed ? piece : whole;
    }

    /**
     * @param reason why it ends; null while it does not
     * @param piece  whether the text is a part of it
     */
    abstract ObjectNode choice(int index, String text, @Nullable ObjectNode likelihoods, @Nullable String reason, boolean piece);

    /** What a stream says before the first piece of a text; null for nothing. */
    @Nullable ObjectNode begin(int index) {
        return null;
    }

    /** @param offset of the first token's text in the text, where that is said */
    abstract ObjectNode likelihoods(List<Writing.Token> tokens, Tokenizer tokenizer, int offset);
}
