package org.lora4j.cli;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.lora4j.LoraException;
import org.lora4j.chat.Chat;
import org.lora4j.chat.ChatEncoder;
import org.lora4j.chat.ChatTemplate;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.End;
import org.lora4j.generate.Engine;
import org.lora4j.generate.EngineLimits;
import org.lora4j.generate.Request;
import org.lora4j.generate.Sampling;
import org.lora4j.generate.TextStream;
import org.lora4j.generate.Ticket;
import org.lora4j.generate.TokenListener;
import org.lora4j.generate.Written;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tuning.lora.AdapterSet;

/** What was said, who answers, and how. */
final class ChatSession {

    /**
     * How answers are written.
     *
     * @param stops texts that end one
     */
    record Style(Sampling sampling, List<String> stops, int maxNewTokens) {
    }

    private final LanguageModel model;
    private final Engine engine;
    private final Tokenizer tokenizer;
    private final Style style;
    private final Function<String, ChatTemplate> templates;
    private final Map<String, ChatEncoder> encoders = new HashMap<>();
    private Chat chat = Chat.empty();
    private String system;
    private String adapter = AdapterSet.BASE;
    private int answers;

    /** @param templates how an adapter of this name takes chats */
    ChatSession(LanguageModel model, AdapterSet set, Tokenizer tokenizer, Style style, Function<String, ChatTemplate> templates) {
        this.model = model;
        this.engine = new Engine(set, limits(model));
        this.tokenizer = tokenizer;
        this.style = style;
        this.templates = templates;
    }

    /** One text at a time, and room for two chats as long as they may be: one that is read, one that is kept. */
    private static EngineLimits limits(LanguageModel model) {
        long two = 2L * model.maxLength() * model.bytesPerPosition();
        return new EngineLimits(1, Math.min(two, EngineLimits.DEFAULT.bytes()), true);
    }

    /** Positions of prompts that were computed so far: of a chat that goes on, only what is new. */
    long positionsRead() {
        return engine.positionsRead();
    }

    /** Instructions that stand before everything; null for none. */
    void instruct(String text) {
        system = text;
    }

    void use(String name) {
        adapter = name;
    }

    String adapter() {
        return adapter;
    }

    void forget() {
        chat = Chat.empty();
    }

    /**
     * Answers, and remembers what was said and answered; where it cannot be answered, neither.
     *
     * @param pieces  is told the answer as it is written
     * @param remarks is told that an answer is not whole
     */
    void answer(String said, Consumer<String> pieces, Consumer<String> remarks) {
        ChatEncoder encoder = encoders.computeIfAbsent(adapter, name -> new ChatEncoder(tokenizer, templates.apply(name)));
        Chat asked = chat.with("user", said);
        int[] prompt = encoder.prompt(system == null ? asked : asked.withSystem(system));
        tokenizer.requireRows(model.sizes().vocabulary(), prompt);
        int room = model.maxLength() - prompt.length;
        if (room < 1) {
            throw new LoraException("the chat has " + prompt.length + " tokens, the model has " + model.maxLength()
                    + " positions: say /reset to begin anew");
        }
        Answer answer = new Answer(pieces);
        Ticket ticket = engine.submit(Request.of(prompt).withAdapter(adapter).withMaxNewTokens(Math.min(room, style.maxNewTokens))
                .withStopIds(encoder.stopIds()).withSampling(style.sampling).withNumber(answers++).withListener(answer));
        while (engine.step()) {
            // the answer prints itself
        }
        if (ticket.failure() != null) {
            throw ticket.failure();
        }
        if (ticket.texts().getFirst().end() == End.LENGTH) {
            remarks.accept("the answer stops after " + ticket.texts().getFirst().tokens().length + " tokens"
                    + (room < style.maxNewTokens ? ": the model has no more positions; say /reset" : ""));
        }
        chat = asked.with("assistant", answer.text.toString());
    }

    /** An answer as it is written. */
    private final class Answer implements TokenListener {

        private final TextStream stream = new TextStream(tokenizer, style.stops);
        private final StringBuilder text = new StringBuilder();
        private final Consumer<String> pieces;

        Answer(Consumer<String> pieces) {
            this.pieces = pieces;
        }

        @Override
        public boolean token(int sample, int id) {
            take(stream.add(id));
            return !stream.isStopped();
        }

        @Override
        public void ended(int sample, Written written) {
            take(stream.finish());
        }

        private void take(String piece) {
            if (!piece.isEmpty()) {
                text.append(piece);
                pieces.accept(piece);
            }
        }
    }
}
