package org.lora4j.data;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.chat.Chat;

/** What a language model can learn from: one line of a file, in one of the layouts that {@link ExampleFile} reads. */
public sealed interface Example permits TextPair, Example.Prompted, Example.Talk, Example.Text, Example.Fields {

    /** Where it was read, for messages; null if nowhere. */
    @Nullable Place place();

    /** How it begins, for messages. */
    String beginning();

    /** A prompt and what follows it at once, without a separator. */
    record Prompted(String prompt, String completion, @Nullable Place place) implements Example {

        @Override
        public String beginning() {
            return prompt.isEmpty() ? completion : prompt;
        }
    }

    /** A chat. */
    record Talk(Chat chat, @Nullable Place place) implements Example {

        @Override
        public String beginning() {
            return chat.messages().isEmpty() ? "" : chat.content(chat.messages().size() > 1 && chat.content(0).isEmpty() ? 1 : 0);
        }
    }

    /** A text and nothing else. */
    record Text(String text, @Nullable Place place) implements Example {

        @Override
        public String beginning() {
            return text;
        }
    }

    /** Fields by their names, for a template to write. */
    record Fields(Map<String, Object> values, @Nullable Place place) implements Example {

        @Override
        public String beginning() {
            return Names.shortened(values.toString());
        }
    }
}
