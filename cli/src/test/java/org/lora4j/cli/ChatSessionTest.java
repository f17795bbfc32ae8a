package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.chat.Chat;
import org.lora4j.chat.ChatEncoder;
import org.lora4j.chat.ChatTemplate;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Sampling;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tuning.lora.AdapterSet;

class ChatSessionTest {

    private static final String FIRST = "Where can I eat well near the river, with children, for little money?";
    private static final String SECOND = "And where is that?";

    @Test
    void aChatThatGoesOnComputesOnlyWhatIsNewAndSaysWhatItWouldHaveSaidAnyway() {
        Tokenizer tokenizer = Families.tokenizer(EmbeddedBase.folder());
        ChatTemplate template = ChatTemplate.forModel(EmbeddedBase.folder(), tokenizer);
        ChatEncoder encoder = new ChatEncoder(tokenizer, template);
        try (Backend backend = Backends.create("cpu")) {
            LanguageModel model = Families.load(EmbeddedBase.folder(), backend);
            ChatSession session = new ChatSession(model, new AdapterSet(model), tokenizer,
                    new ChatSession.Style(Sampling.GREEDY, List.of(), 12), name -> template);
            String first = said(session, FIRST);
            long afterOne = session.positionsRead();
            assertThat(afterOne).isEqualTo(encoder.prompt(Chat.empty().with("user", FIRST)).length);
            String second = said(session, SECOND);

            Chat whole = Chat.empty().with("user", FIRST).with("assistant", first).with("user", SECOND);
            int[] prompt = encoder.prompt(whole);
            assertThat(session.positionsRead()).as("each position of the chat once").isEqualTo(prompt.length);
            int[] anew = new Generator(model).generate(prompt, 12, encoder.stopIds(), Sampling.GREEDY);
            assertThat(second).isEqualTo(tokenizer.decode(anew));
        }
    }

    private static String said(ChatSession session, String text) {
        List<String> pieces = new ArrayList<>();
        session.answer(text, pieces::add, remark -> { });
        return String.join("", pieces);
    }
}
