package org.lora4j.chat;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.tokenizer.Tokenizer;

/**
 * Where in its text the assistant's turns of a chat lie, for templates that do not mark them. A turn is what has to be written
 * behind its prompt, with what ends it:
 *
 * <pre>
 *   begins   where the messages before it end, rendered with the prompt for the assistant
 *   ends     where the messages up to it end, rendered without
 * </pre>
 *
 * provided that both are beginnings of the whole text. Some templates write an earlier turn in another way once a later one
 * follows, or always begin the next turn; there the turn is found by another text in its place, and ends with what the template
 * puts behind such a text.
 */
final class ChatTurns {

    private static final String MARK = "Qvxz7Kjw";
    private static final String OTHER = "Wkqz9Xvj";

    private final ChatTemplate template;
    private final Tokenizer tokenizer;
    private @Nullable String tail;
    private boolean endsCleanly;

    ChatTurns(ChatTemplate template, Tokenizer tokenizer) {
        this.template = template;
        this.tokenizer = tokenizer;
    }

    /** What a template puts behind the text of a turn, as far as it belongs to it: {@code <|im_end|>⏎}. */
    String tail() {
        if (tail == null) {
            Chat asked = Chat.empty().with("user", MARK);
            String answered = template.render(asked.with("assistant", OTHER), false).text();
            int at = answered.indexOf(OTHER);
            String behind = at < 0 ? "" : answered.substring(at + OTHER.length());
            String more = behind;
            try {
                String longer = template.render(asked.with("assistant", OTHER).with("user", MARK), false).text();
                int again = longer.indexOf(OTHER);
                more = again < 0 ? behind : longer.substring(again + OTHER.length());
            } catch (LoraException refused) {
                // a template of two messages
            }
            endsCleanly = more.startsWith(behind);
            tail = endsCleanly ? behind : upToSpecial(behind);
        }
        return tail;
    }

    private String upToSpecial(String text) {
        StringBuilder taken = new StringBuilder();
        for (int id : tokenizer.encodeContinuation(text)) {
            taken.append(tokenizer.decode(id));
            if (tokenizer.isSpecial(id)) {
                return taken.toString();
            }
        }
        return "";
    }

    /** Whether a chat's text ends where its last message does; some templates begin the next turn whether asked or not. */
    boolean endsCleanly() {
        tail();
        return endsCleanly;
    }

    /**
     * From and to of each of these turns.
     *
     * @param text the whole chat's
     */
    List<int[]> of(Chat chat, String text, List<Integer> turns) {
        List<int[]> spans = new ArrayList<>();
        for (int turn : turns) {
            spans.add(of(chat, text, turn));
        }
        return spans;
    }

    private int[] of(Chat chat, String text, int turn) {
        String before = turn == 0 ? "" : template.render(chat.first(turn), true).text();
        String after = template.render(chat.first(turn + 1), false).text();
        if (endsCleanly() && text.startsWith(before) && text.startsWith(after) && before.length() <= after.length()) {
            return new int[] {before.length(), after.length()};
        }
        return byAnotherText(chat, text, turn, before);
    }

    private int[] byAnotherText(Chat chat, String text, int turn, String before) {
        String other = template.render(chat.withContent(turn, MARK), false).text();
        int at = other.indexOf(MARK);
        String behind = at < 0 ? "" : other.substring(at + MARK.length());
        int begins = text.startsWith(before) && turn > 0 ? before.length() : at;
        int ends = text.length() - behind.length();
        if (at < 0 || begins > ends || !text.startsWith(other.substring(0, at)) || !text.endsWith(behind)) {
            throw new LoraException("the model's chat template does not say where the assistant's turn lies that is message "
                    + (turn + 1) + " of " + chat.messages().size() + ". Learn the `lossOn` last turn, or all, or give a `template` "
                    + "that marks turns by {% generation %}");
        }
        return new int[] {begins, behind.startsWith(tail()) ? ends + tail().length() : ends};
    }
}
