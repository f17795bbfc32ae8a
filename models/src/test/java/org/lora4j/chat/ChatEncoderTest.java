package org.lora4j.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lora4j.LoraException;
import org.lora4j.chat.jinja.None;
import org.lora4j.chat.jinja.Values;
import org.lora4j.tokenizer.TestTokenizers;
import org.lora4j.tokenizer.Tokenizer;

class ChatEncoderTest {

    private static final Tokenizer GPT2 = TestTokenizers.GPT2;
    private static final Chat TWO_TURNS = Chat.empty().with("system", "Be kind.").with("user", "Hi").with("assistant", "Hello 😀")
            .with("user", "Bye").with("assistant", "So long");

    /** Begins the assistant's turn whether asked or not, as some do. */
    private static final String EAGER = """
            {% for m in messages %}<{{ m.role }}>{{ m.content }}<|endoftext|>{% endfor %}<assistant>""";
    private static final String PLAIN = """
            {% for m in messages %}<{{ m.role }}>{{ m.content }}<|endoftext|>
            {% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}""";

    private static ChatTemplate template(String source) {
        return ChatTemplate.of("a test", source, null, GPT2);
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = ChatEncoderTest.class.getResourceAsStream("/chats/" + name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The stretches of tokens that are learned, each as text. */
    private static List<String> learned(ChatEncoder.Encoded encoded) {
        List<String> stretches = new ArrayList<>();
        List<Integer> run = new ArrayList<>();
        for (int i = 0; i <= encoded.ids().length; i++) {
            if (i < encoded.ids().length && encoded.learned()[i]) {
                run.add(encoded.ids()[i]);
            } else if (!run.isEmpty()) {
                stretches.add(GPT2.decode(run.stream().mapToInt(Integer::intValue).toArray()));
                run.clear();
            }
        }
        return stretches;
    }

    @Test
    void idsAndMasksAreThoseOfTransformers() throws IOException {
        int compared = 0;
        for (JsonNode one : new ObjectMapper().readTree(resource("chats.json"))) {
            if (one.has("ids")) {
                List<Map<String, Object>> messages = new ArrayList<>();
                one.get("given").get("messages").forEach(message -> messages.add(asMap(message)));
                Object tools = one.get("given").get("tools").isNull() ? null : Values.of(one.get("given").get("tools"));
                ChatEncoder encoder = new ChatEncoder(GPT2, template(resource(one.get("template").textValue())));
                ChatEncoder.Encoded encoded = encoder.encode(new Chat(messages, tools, Map.of(), 0), LossOn.ASSISTANT);
                StringBuilder mask = new StringBuilder();
                for (boolean learned : encoded.learned()) {
                    mask.append(learned ? 1 : 0);
                }
                assertThat(encoded.ids()).as(one.toString()).isEqualTo(ids(one.get("ids")));
                assertThat(mask).as(one.toString()).hasToString(one.get("mask").textValue());
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(10);
    }

    @SuppressWarnings("unchecked") // an object of JSON is one
    private static Map<String, Object> asMap(JsonNode json) {
        return (Map<String, Object>) Values.of(json);
    }

    private static int[] ids(JsonNode json) {
        int[] ids = new int[json.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = json.get(i).intValue();
        }
        return ids;
    }

    @Test
    void withoutMarksATurnIsWhatComesBehindItsPrompt() {
        ChatEncoder encoder = new ChatEncoder(GPT2, template(PLAIN));
        assertThat(learned(encoder.encode(TWO_TURNS, LossOn.COMPLETION)))
                .containsExactly("Hello 😀<|endoftext|>\n", "So long<|endoftext|>\n");
        assertThat(learned(encoder.encode(TWO_TURNS, LossOn.LAST))).containsExactly("So long<|endoftext|>\n");
        assertThat(GPT2.decode(encoder.prompt(TWO_TURNS.beforeLastTurn()))).endsWith("<user>Bye<|endoftext|>\n<assistant>");
    }

    @Test
    void theBeginningOfATurnThatNobodyWritesIsLeftOut() {
        ChatEncoder encoder = new ChatEncoder(GPT2, template(EAGER));
        ChatEncoder.Encoded encoded = encoder.encode(TWO_TURNS, LossOn.COMPLETION);
        assertThat(learned(encoded)).containsExactly("Hello 😀<|endoftext|>", "So long<|endoftext|>");
        assertThat(GPT2.decode(encoded.ids())).endsWith("So long<|endoftext|>");
    }

    /** A template that writes earlier turns in another way once a later one follows, as those do that leave out thoughts. */
    @Test
    void aTurnIsFoundWhereLaterTurnsChangeIt() throws IOException {
        ChatEncoder encoder = new ChatEncoder(GPT2, template(resource("thinking.jinja")));
        assertThat(learned(encoder.encode(TWO_TURNS, LossOn.COMPLETION)))
                .containsExactly("Hello 😀<end>\n", "<t>\n\n</t>\n\nSo long<end>\n");
        Chat thought = Chat.empty().with("user", "Hi").with("assistant", "<t>\nhm\n</t>\n\nHello").with("user", "Bye")
                .with("assistant", "<t>\nso\n</t>\n\nSo long");
        assertThat(learned(encoder.encode(thought, LossOn.COMPLETION)))
                .containsExactly("Hello<end>\n", "<t>\nso\n</t>\n\nSo long<end>\n");
    }

    @Test
    void aFileThatSaysWhereTheCompletionBeginsIsHeeded() throws IOException {
        Chat divided = new Chat(TWO_TURNS.messages(), null, Map.of(), 3);
        for (String source : List.of(PLAIN, resource("marked.jinja"))) {
            ChatEncoder encoder = new ChatEncoder(GPT2, template(source));
            assertThat(learned(encoder.encode(divided, LossOn.COMPLETION))).hasSize(1).first().asString().startsWith("So long");
            assertThat(learned(encoder.encode(divided, LossOn.ASSISTANT))).hasSize(2);
        }
    }

    @ParameterizedTest
    @EnumSource(LossOn.class)
    void theStandardFormEndsEachTurnAndMarksTheAssistants(LossOn lossOn) {
        ChatEncoder encoder = new ChatEncoder(GPT2, template(ChatTemplate.STANDARD));
        List<String> learned = learned(encoder.encode(TWO_TURNS, lossOn));
        String first = "Hello 😀<|endoftext|>";
        String last = "So long<|endoftext|>";
        switch (lossOn) {
            case ALL -> assertThat(learned).containsExactly("|system|>\nBe kind.<|endoftext|>\n<|user|>\nHi<|endoftext|>\n"
                    + "<|assistant|>\n" + first + "\n<|user|>\nBye<|endoftext|>\n<|assistant|>\n" + last + "\n");
            case LAST -> assertThat(learned).containsExactly(last);
            default -> assertThat(learned).containsExactly(first, last);
        }
        assertThat(encoder.stopIds()).containsExactly(50256);
    }

    @Test
    void theStandardFormTakesMessagesWithoutTextAndTextsInParts() {
        Map<String, Object> call = Map.of("role", "assistant", "content", None.NONE, "tool_calls", List.of());
        Map<String, Object> parts = Map.of("role", "user", "content", List.of(
                Map.of("type", "text", "text", "a"), Map.of("type", "image"), Map.of("type", "text", "text", "b")));
        Chat chat = new Chat(List.of(parts, call), null, Map.of(), 0);
        assertThat(template(ChatTemplate.STANDARD).render(chat, false).text())
                .isEqualTo("<|user|>\nab<|endoftext|>\n<|assistant|>\n<|endoftext|>\n");
    }

    @Test
    void aTemplateThatWritesNoTextGivesNothingToLearn() {
        ChatEncoder.Encoded encoded = new ChatEncoder(GPT2, template("{{ messages | length }} messages")).encode(TWO_TURNS, LossOn.ALL);
        assertThat(GPT2.decode(encoded.ids())).isEqualTo("5 messages");
        assertThat(new ChatEncoder(GPT2, template("-")).encode(TWO_TURNS, LossOn.COMPLETION).learned()).containsOnly(false);
        assertThat(new ChatEncoder(GPT2, template("")).stopIds()).containsExactly(50256);
    }

    @Test
    void aTokenOverTheBorderIsLearnedAsInTransformers() {
        String close = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% else %}{% generation %}{{ m.content }}"
                + "{% endgeneration %}{% endif %}{% endfor %}";
        ChatEncoder.Encoded encoded = new ChatEncoder(GPT2, template(close))
                .encode(Chat.empty().with("user", "Hello wor").with("assistant", "ld!"), LossOn.COMPLETION);
        assertThat(encoded.ids()).as("Hello, world, !").hasSize(3);
        assertThat(encoded.learned()).containsExactly(false, true, true);
    }

    // ------------------------------------------------------------------------------------------------ files

    @TempDir
    private Path folder;

    @Test
    void aFolderSaysItsTemplateInOneOfThreeWays() throws IOException {
        assertThat(ChatTemplate.in(folder, GPT2)).isEmpty();
        Files.writeString(folder.resolve("tokenizer_config.json"), """
                {"bos_token": {"content": "<s>"}, "eos_token": "</s>", "chat_template": [
                  {"name": "default", "template": "{{ bos_token }}default"},
                  {"name": "tool_use", "template": "{{ tools | length }} tools{{ eos_token }}"}]}""");
        ChatTemplate listed = ChatTemplate.in(folder, GPT2).orElseThrow();
        assertThat(listed.render(TWO_TURNS, false).text()).isEqualTo("<s>default");
        assertThat(listed.render(new Chat(TWO_TURNS.messages(), List.of("a", "b"), Map.of(), 0), false).text()).isEqualTo("2 tools</s>");
        Files.writeString(folder.resolve("chat_template.jinja"), "{{ messages[0].content }}");
        assertThat(ChatTemplate.in(folder, GPT2).orElseThrow().render(TWO_TURNS, false).text())
                .as("the file goes before the configuration").isEqualTo("Be kind.");
    }

    @Test
    void aTemplateThatRefusesOrIsNoneSaysSo() throws IOException {
        assertThatThrownBy(() -> template("{{ raise_exception('roles must alternate') }}").render(TWO_TURNS, false))
                .isInstanceOf(LoraException.class).hasMessage("the model's chat template refuses these messages: roles must alternate");
        Files.writeString(folder.resolve("chat_template.jinja"), "a\n{% for %}");
        assertThatThrownBy(() -> ChatTemplate.in(folder, GPT2)).isInstanceOf(LoraException.class)
                .hasMessage(folder.resolve("chat_template.jinja") + ": the chat template, line 2: expected a name, found the end of the tag");
    }
}
