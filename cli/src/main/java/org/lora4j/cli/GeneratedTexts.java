package org.lora4j.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.lora4j.LoraException;
import org.lora4j.chat.Chat;
import org.lora4j.chat.ChatEncoder;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.experiments.evaluate.TextDecoding;
import org.lora4j.generate.End;
import org.lora4j.generate.Engine;
import org.lora4j.generate.Request;
import org.lora4j.generate.TextStream;
import org.lora4j.generate.Ticket;
import org.lora4j.generate.TokenListener;
import org.lora4j.generate.Written;
import org.lora4j.model.ModelSizes;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.PromptFormat;

/**
 * What {@code generate} writes and prints. Texts are printed in the order of the prompts, the first unfinished one token by
 * token, those behind it when their turn comes.
 */
final class GeneratedTexts {

    private final Ui ui;
    private final boolean json;
    private final Engine engine;
    private final Tokenizer tokenizer;
    private final PromptTokens promptTokens;
    private final int positions;
    private final List<String> stops;
    private final Function<String, ChatEncoder> chats;
    private final List<Text> texts = new ArrayList<>();
    private final List<Ticket> tickets = new ArrayList<>();
    private int front;

    /**
     * A text to continue.
     *
     * @param adapter the name of the adapter that does, or {@link org.lora4j.tuning.lora.AdapterSet#BASE}
     * @param label   what to print before it, beside the prompt
     * @param form    how it becomes tokens
     * @param chat    the messages to answer, of which the text is the last; null where it is no chat
     * @param where   what to call it where it is refused
     */
    record Prompt(String adapter, String text, String label, PromptFormat form, Chat chat, String where) {

        boolean pair() {
            return form == PromptFormat.PAIR;
        }
    }

    /**
     * @param stops strings that end a text
     * @param chats how an adapter of this name takes chats
     */
    GeneratedTexts(
            Ui ui, boolean json, Engine engine, ModelSizes model, Tokenizer tokenizer, List<String> stops,
            Function<String, ChatEncoder> chats) {
        this.chats = chats;
        this.ui = ui;
        this.json = json;
        this.engine = engine;
        this.tokenizer = tokenizer;
        this.promptTokens = new PromptTokens(tokenizer, model.vocabulary());
        this.positions = model.positions();
        this.stops = stops;
    }

    /** One text of a prompt, as it is being written. */
    private final class Text implements TokenListener {

        private final Prompt prompt;
        private final TextStream stream;
        private final StringBuilder text = new StringBuilder();
        private final boolean searched;
        private final StringBuilder held = new StringBuilder();
        private int shown = -1;
        private boolean begun;
        private Written written;

        /** @param searched whether it comes of a beam search, as the authors' texts do */
        Text(Prompt prompt, List<String> stops, boolean searched) {
            this.prompt = prompt;
            this.searched = searched;
            this.stream = new TextStream(tokenizer, stops);
        }

        @Override
        public boolean token(int sample, int id) {
            begun = true;
            append(stream.add(id));
            return !stream.isStopped();
        }

        @Override
        public void ended(int sample, Written all) {
            begun |= all.end() != End.FAILED;
            append(stream.finish());
            text.append(searched ? held.toString().strip() : ExampleEncoder.completion(held.toString()));
            held.setLength(0);
            written = all; // not before the text is whole: its line ends with it
            showFront();
        }

        /**
         * A completion's text is known when its first characters are, see {@link ExampleEncoder#completion}; one that was
         * searched for when it has ended, since the authors' texts have no white space around them.
         */
        private void append(String piece) {
            if (!prompt.pair()) {
                text.append(piece);
            } else if (searched || text.isEmpty() && held.length() + piece.length() < 2) {
                held.append(piece);
            } else if (text.isEmpty()) {
                text.append(ExampleEncoder.completion(held + piece));
                held.setLength(0);
            } else {
                text.append(piece);
            }
            showFront();
        }

        private void show() {
            if (!begun) {
                return;
            }
            if (shown < 0) {
                String before = prompt.label + (prompt.form == PromptFormat.PLAIN ? prompt.text : "");
                ui.beginText(before.isEmpty() ? "" : ui.dim(before));
                shown = 0;
            }
            if (shown < text.length()) {
                ui.printPart(text.substring(shown));
                shown = text.length();
            }
        }
    }

    /** Prints what is new of the first text that is not printed to its end, and of those behind it while they have ended. */
    private void showFront() {
        while (!json && front < texts.size()) {
            Text text = texts.get(front);
            text.show();
            if (text.written == null) {
                return;
            }
            if (text.begun) {
                ui.print("");
            }
            front++;
        }
    }

    /**
     * Writes behind the prompts.
     *
     * @param asked how: everything of a request but its prompt, adapter, stop tokens and number
     * @throws LoraException if a prompt cannot be continued, before anything is written; or if writing failed, when what is
     *                       finished is printed
     */
    void write(List<Prompt> prompts, Request asked) {
        boolean search = asked.beam() != null;
        try (Progress progress = search && prompts.size() > 1 ? ui.progress("generate") : Progress.SILENT) {
            progress.start(prompts.size());
            int[] done = new int[1];
            List<int[]> ids = prompts.stream().map(this::tokens).toList();
            PromptTokens.requireRoom(ids, prompts.stream().map(Prompt::where).toList(), asked.maxNewTokens(), positions);
            for (int number = 0; number < prompts.size(); number++) {
                submit(prompts.get(number), ids.get(number), number, asked, () -> progress.update(++done[0], ""));
            }
            long start = System.nanoTime();
            while (engine.step()) {
                // texts print themselves
            }
            double seconds = (System.nanoTime() - start) * 1e-9;
            long tokens = texts.stream().filter(text -> text.written != null)
                    .mapToLong(text -> text.written.tokens().length).sum();
            ui.detail("%d tokens in %.2f s, %.0f tokens/s".formatted(tokens, seconds, tokens / seconds));
        }
        List<Map<String, Object>> results = json ? results() : List.of();
        if (!results.isEmpty()) {
            ui.printJson(results);
        }
        for (Ticket ticket : tickets) {
            if (ticket.failure() != null) {
                throw ticket.failure();
            }
        }
    }

    private int[] tokens(Prompt prompt) {
        try {
            return prompt.chat == null ? promptTokens.of(prompt.text, prompt.pair())
                    : promptTokens.known(chats.apply(prompt.adapter).prompt(prompt.chat));
        } catch (LoraException refused) {
            throw new LoraException(prompt.where + ": " + refused.getMessage(), refused);
        }
    }

    private void submit(Prompt prompt, int[] ids, int number, Request asked, Runnable ended) {
        // the authors' search is over at a blank line too where the texts are completions
        boolean blankLineEnds = asked.beam() != null && prompt.pair();
        List<Text> samples = new ArrayList<>();
        for (int sample = 0; sample < asked.samples(); sample++) {
            samples.add(new Text(prompt, blankLineEnds ? List.of(TextDecoding.BLANK_LINE) : stops, blankLineEnds));
        }
        Request request = asked.withPrompt(ids).withAdapter(prompt.adapter).withNumber(number)
                .withStopIds(blankLineEnds ? TextDecoding.stopIds(tokenizer)
                        : prompt.pair() ? tokenizer.stopIdsOfPairs()
                        : prompt.chat != null ? chats.apply(prompt.adapter).stopIds() : tokenizer.stopIds())
                .withListener(new TokenListener() {
                    @Override
                    public boolean token(int sample, int id) {
                        return samples.get(sample).token(sample, id);
                    }

                    @Override
                    public void ended(int sample, Written written) {
                        samples.get(sample).ended(sample, written);
                        ended.run();
                    }
                });
        try {
            tickets.add(engine.submit(request));
        } catch (LoraException refused) {
            throw new LoraException(prompt.where + ": " + refused.getMessage(), refused);
        }
        texts.addAll(samples);
    }

    /** For programs; a text that failed is missing. */
    private List<Map<String, Object>> results() {
        List<Map<String, Object>> results = new ArrayList<>();
        int number = 0;
        for (Ticket ticket : tickets) {
            int samples = ticket.request().samples();
            for (int sample = 0; sample < samples; sample++) {
                Text text = texts.get(number++);
                if (ticket.failure() == null) {
                    Map<String, Object> result = new LinkedHashMap<>();
                    if (!text.prompt.label.isEmpty()) {
                        result.put("adapter", text.prompt.adapter);
                    }
                    result.put("prompt", text.prompt.text);
                    if (samples > 1) {
                        result.put("sample", sample);
                    }
                    result.put("text", text.text.toString());
                    result.put("tokens", text.written.tokens());
                    result.put("end", text.written.end() == End.LISTENER ? "stop_string"
                            : text.written.end().name().toLowerCase(Locale.ROOT));
                    if (ticket.hypothesis() != null) {
                        result.put("score", ticket.hypothesis().score());
                    }
                    results.add(result);
                }
            }
        }
        return results;
    }
}
