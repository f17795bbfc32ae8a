package org.lora4j.server;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.chat.Chat;
import org.lora4j.chat.ChatEncoder;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.family.LanguageModel;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.AdapterSet;

/**
 * What texts are asked of: the base with its tokenizer and adapters, and what a prompt becomes.
 *
 * @param id what requests call the base
 */
record TextModel(String id, LanguageModel model, Tokenizer tokenizer, ExampleEncoder pairs, AdapterShelf shelf) {

    /** @throws ApiException if there is no model of that name */
    ServedAdapter named(@Nullable String name) {
        ServedAdapter found = shelf.find(name == null || name.equals(AdapterSet.BASE) ? id : name);
        if (found == null) {
            throw ApiException.noModel(name, shelf.names());
        }
        return found;
    }

    int positions() {
        return model.maxLength();
    }

    /** A prompt's tokens in a form; behind nothing a text begins as after end-of-text. */
    int[] tokens(String text, PromptFormat form, ServedAdapter adapter) {
        return checked(switch (form) {
            case PLAIN -> text.isEmpty() ? new int[] {tokenizer.endOfText()} : tokenizer.encode(text);
            case PAIR -> pairs.encodePrompt(text);
            case CHAT -> chat(Chat.empty().with("user", text), adapter);
        });
    }

    int[] chat(Chat chat, ServedAdapter adapter) {
        ChatEncoder encoder = adapter.chats;
        synchronized (encoder) {
            return checked(encoder.prompt(chat));
        }
    }

    /** @throws ApiException if the model has no row for one of them */
    int[] checked(int[] ids) {
        try {
            tokenizer.requireRows(model.sizes().vocabulary(), ids);
        } catch (LoraException e) {
            throw ApiException.refused(e);
        }
        return ids;
    }

    /** The tokens that end a text. */
    Set<Integer> stopIds(PromptFormat form, ServedAdapter adapter) {
        return switch (form) {
            case PLAIN -> tokenizer.stopIds();
            case PAIR -> tokenizer.stopIdsOfPairs();
            case CHAT -> {
                synchronized (adapter.chats) {
                    yield adapter.chats.stopIds();
                }
            }
        };
    }
}
