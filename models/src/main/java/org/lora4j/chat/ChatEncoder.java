package org.lora4j.chat;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.lora4j.LoraException;
import org.lora4j.chat.jinja.JinjaTemplate;
import org.lora4j.tokenizer.Tokenizer;

/**
 * Chats to tokens: rendered by the template and encoded as one text, to which nothing is put that the template does not say, as
 * {@code apply_chat_template} does it.
 *
 * <p>What is learnt are the tokens of the assistant's turns: those that the template marks by {@code {% generation %}}, else those
 * that {@link ChatTurns} finds. A token that goes over a turn's border is learnt, as in Transformers'
 * {@code return_assistant_tokens_mask}.
 */
public final class ChatEncoder {

    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final ChatTurns turns;

    /** Encodes by this tokenizer and template. */
    public ChatEncoder(Tokenizer tokenizer, ChatTemplate template) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.turns = new ChatTurns(template, tokenizer);
    }

    /**
     * A chat, or another text, and what of it is learnt.
     *
     * @param ids     not copied; treat as constant
     * @param learned as many
     */
    public record Encoded(int[] ids, boolean[] learned) {
    }

    /** What a model is given to write the assistant's next turn. */
    public int[] prompt(Chat chat) {
        return tokenizer.encodeContinuation(template.render(chat, true).text());
    }

    /**
     * The chat's tokens, and which of them count for the loss.
     *
     * @throws LoraException if the template refuses the chat, or its turns cannot be told from the rest
     */
    public Encoded encode(Chat chat, LossOn lossOn) {
        JinjaTemplate.Rendering rendered = template.render(chat, false);
        if (lossOn == LossOn.ALL) {
            return encodeAll(rendered.text());
        }
        if (template.marks(chat)) {
            List<int[]> marked = rendered.marked();
            int given = lossOn != LossOn.COMPLETION || chat.completionFrom() == 0 ? 0
                    : template.render(chat.first(chat.completionFrom()), false).marked().size();
            return encode(rendered.text(), lossOn == LossOn.LAST && !marked.isEmpty()
                    ? List.of(marked.getLast()) : marked.subList(Math.min(given, marked.size()), marked.size()));
        }
        List<Integer> learned = chat.turns();
        if (lossOn == LossOn.COMPLETION) {
            learned = learned.stream().filter(turn -> turn >= chat.completionFrom()).toList();
        } else if (lossOn == LossOn.LAST && !learned.isEmpty()) {
            learned = List.of(learned.getLast());
        }
        List<int[]> spans = turns.of(chat, rendered.text(), learned);
        boolean endsInTurn = !learned.isEmpty() && learned.getLast() == chat.messages().size() - 1;
        // the beginning of a next turn that nobody writes is no part of the chat
        String text = endsInTurn && !turns.endsCleanly() ? rendered.text().substring(0, spans.getLast()[1]) : rendered.text();
        return encode(text, spans);
    }

    /** A line of a file by a template of its own: learnt is what it marks, or all where it marks nothing. */
    public Encoded encode(JinjaTemplate.Rendering rendered, LossOn lossOn) {
        String text = rendered.text().endsWith(tokenizer.endOfTextToken()) ? rendered.text()
                : rendered.text() + tokenizer.endOfTextToken();
        List<int[]> marked = rendered.marked();
        if (lossOn == LossOn.ALL || marked.isEmpty()) {
            return encodeAll(text);
        }
        int[] last = marked.getLast();
        boolean ends = last[1] == rendered.text().length(); // then the end is learnt too
        List<int[]> spans = marked.stream().map(span -> span == last && ends ? new int[] {span[0], text.length()} : span).toList();
        return encode(text, lossOn == LossOn.LAST ? List.of(spans.getLast()) : spans);
    }

    private Encoded encodeAll(String text) {
        int[] ids = tokenizer.encodeContinuation(text);
        boolean[] learned = new boolean[ids.length];
        Arrays.fill(learned, Math.min(1, ids.length), ids.length, true);
        return new Encoded(ids, learned);
    }

    /** @param spans from and to in chars of what is learnt */
    private Encoded encode(String text, List<int[]> spans) {
        int[] ids = tokenizer.encodeContinuation(text);
        boolean[] learned = new boolean[ids.length];
        if (!spans.isEmpty()) {
            TokenSpans tokens = TokenSpans.of(tokenizer, text, ids).orElseThrow(() -> new LoraException(
                    "the tokenizer changes this text, so the tokens of the assistant's turns cannot be told. Learn `lossOn` all"));
            spans.forEach(span -> tokens.mark(span[0], span[1], learned));
        }
        return new Encoded(ids, learned);
    }

    /** The tokens at which a turn ends: the model's, and the first special token that the template puts behind an answer. */
    public Set<Integer> stopIds() {
        Set<Integer> ids = new LinkedHashSet<>(tokenizer.stopIds());
        ids.add(tokenizer.endOfText());
        for (int id : tokenizer.encodeContinuation(turns.tail())) {
            if (tokenizer.isSpecial(id)) {
                ids.add(id);
                break;
            }
        }
        return ids;
    }
}
