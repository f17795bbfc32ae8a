package org.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;
import org.lora4j.chat.Chat;
import org.lora4j.chat.ChatTemplate;
import org.lora4j.chat.LossOn;
import org.lora4j.tokenizer.TestTokenizers;
import org.lora4j.tokenizer.Tokenizer;

class ExampleFileTest {

    private static final Tokenizer GPT2 = TestTokenizers.GPT2;
    private static final Chat ASKED = Chat.empty().with("user", "Hi").with("assistant", "Hello");

    private static List<Example> read(String name, String text) {
        return read(name, text, ExampleFile.usual());
    }

    private static List<Example> read(String name, String text, ExampleFile reader) {
        return DataSets.read(name, new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), reader);
    }

    private static Chat chat(Example example) {
        return ((Example.Talk) example).chat();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '#', value = {
        "{'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello'}]}",
        "{'conversations': [{'from': 'human', 'value': 'Hi'}, {'from': 'gpt', 'value': 'Hello'}]}",
        "{'prompt': [{'role': 'user', 'content': 'Hi'}], 'completion': [{'role': 'assistant', 'content': 'Hello'}]}",
        "{'instruction': 'Hi', 'input': '', 'output': 'Hello'}",
        "{'instruction': 'Hi', 'output': 'Hello', 'id': 7}",
        "{'question': 'Hi', 'answer': 'Hello'}",
        "{'prompt': 'Hi', 'response': 'Hello'}",
        "{'input': 'Hi', 'output': 'Hello'}",
    })
    void layoutsOfChatsAreToldByTheirKeys(String line) {
        String json = line.replace('\'', '"');
        for (String text : List.of(json, "\uFEFF" + json, json + "\r\n\r\n" + json + "\r\n", "[" + json + ",\n" + json + "]")) {
            assertThat(read("a.jsonl", text)).isNotEmpty().allSatisfy(one ->
                    assertThat(chat(one).messages()).isEqualTo(ASKED.messages()));
        }
    }

    @Test
    void theOtherLayouts() {
        assertThat(read("a.jsonl", "{\"context\": \" a\", \"completion\": \"b \"}")).containsExactly(new TextPair(" a", "b "));
        assertThat(read("a.jsonl", "{\"prompt\": \"a\", \"completion\": \" b\"}").getFirst())
                .isEqualTo(new Example.Prompted("a", " b", new Place("a.jsonl", 1)));
        assertThat(read("a.json", "[{\"text\": \"a 😀\"}]").getFirst()).isEqualTo(new Example.Text("a 😀", new Place("a.json", 1)));
        assertThat(chat(read("a.jsonl", "{\"instruction\": \"Add\", \"input\": \"1 2\", \"output\": \"3\", \"system\": \"Count.\"}").getFirst())
                .messages()).isEqualTo(Chat.empty().with("system", "Count.").with("user", "Add\n\n1 2").with("assistant", "3").messages());
        assertThat(chat(read("a.jsonl", "{\"prompt\": [{\"role\": \"user\", \"content\": \"a\"}], \"completion\": "
                + "[{\"role\": \"assistant\", \"content\": \"b\"}]}").getFirst()).completionFrom()).isEqualTo(1);
        Chat withTools = chat(read("a.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", "
                + "\"content\": null, \"tool_calls\": [{\"id\": 1}]}], \"tools\": [{\"name\": \"f\"}]}").getFirst());
        assertThat(withTools.tools()).isEqualTo(List.of(Map.of("name", "f")));
        assertThat(withTools.messages().getLast()).containsEntry("tool_calls", List.of(Map.of("id", 1L)));
    }

    @Test
    void tablesToo() {
        assertThat(read("a.csv", "id,prompt,completion\n1,\" a, b \",c\n")).containsExactly(
                new Example.Prompted("a, b", "c", new Place("a.csv", 2)));
        assertThat(read("a.tsv", "question\tanswer\nHi\tHello\n").getFirst()).extracting(one -> chat(one).messages())
                .isEqualTo(ASKED.messages());
        assertThat(chat(read("a.csv", "messages\n\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"Hi\"\"}]\"\n").getFirst()).messages())
                .isEqualTo(Chat.empty().with("user", "Hi").messages());
        assertThat(read("a.csv", "mr,ref\nname[Aromi],Aromi is a pub.\n")).containsExactly(
                new TextPair("name : Aromi", "Aromi is a pub."));
        assertThat(read("a.txt", "a||b\n")).containsExactly(new TextPair("a", "b"));
        assertThat(read("a.csv", "context;completion\na;b\n")).containsExactly(new TextPair("a", "b"));
    }

    @Test
    void columnsOfOtherNames() {
        ExampleFile german = ExampleFile.withColumns(Map.of("question", "frage", "answer", "antwort"));
        assertThat(read("a.csv", "frage,antwort,text\nHi,Hello,x\n", german).getFirst()).extracting(one -> chat(one).messages())
                .isEqualTo(ASKED.messages());
        assertThatThrownBy(() -> read("a.csv", "frage,antwrot\nHi,Hello\n", german)).isInstanceOf(LoraException.class)
                .hasMessageContaining("a.csv, line 1: `columns` answer=antwort: there is no such column (nearest: antwrot)");
        assertThatThrownBy(() -> ExampleFile.withColumns(Map.of("promt", "x"))).hasMessageContaining("nearest: prompt");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '#', value = {
        "{'messages': [{'role': 'user', 'content': 'a'}]}|{'messages': 'b'} # line 2: expected a list of messages as messages, found the text \"b\"",
        "{'messages': []} # line 1: expected a list of messages as messages, found a list of 0",
        "{'messages': [{'role': 'user'}]} # line 1: messages, message 1: expected a text as content, found the keys role",
        "{'messages': [{'content': 'a'}]} # line 1: messages, message 1: expected a role, found the keys content",
        "{'messages': [{'role': 'user', 'content': 3}]} # line 1: messages, message 1: expected a text as content, found 3",
        "{'messages': [3]} # line 1: messages, message 1: expected an object, found 3",
        "{'conversations': [{'from': 'alien', 'value': 'x'}]} # line 1: conversations, message 1: expected human, gpt, system or tool as from, found the text \"alien\"",
        "{'question': 'a', 'answer': 'b'}|{'question': 'a'} # line 2: expected a text as answer, found no answer among the keys question",
        "{'question': 'a', 'answer': ' '} # line 1: the answer is empty, so there is nothing to learn from it",
        "{'prompt': 'a', 'chosen': 'b', 'rejected': 'c'} # line 1: found prompt,chosen,rejected: preferences are not learnt here.",
        "{'question': 'a'} # line 1: expected question and answer, found no answer among the keys question",
        "{'x': 1} # line 1: expected the keys messages; conversations;",
        "{'text': 'a # line 1: no JSON object",
    })
    void aLineThatDoesNotFitSaysFileLineAndWhatWasFound(String lines, String message) {
        assertThatThrownBy(() -> read("set/a.jsonl", lines.replace('\'', '"').replace("|", "\n"))).isInstanceOf(LoraException.class)
                .hasMessageStartingWith("set/a.jsonl, " + message);
    }

    @Test
    void namesInCapitalsAreGivenAsColumns() {
        assertThatThrownBy(() -> read("a.jsonl", "{\"Question\": \"a\", \"ANSWER\": \"b\"}"))
                .hasMessageEndingWith("Name the columns that you mean by `columns` question=Question,answer=ANSWER, or give a `template`");
        assertThatThrownBy(() -> read("a.jsonl", "{\"Question\": \"a\"}")).hasMessageContaining("`columns` prompt=…,completion=…");
    }

    @Test
    void aLineOfTenMillionCharactersIsALine() {
        String text = "a😀 ".repeat(2_500_000);
        assertThat(((Example.Text) read("a.jsonl", "{\"text\": \"" + text + "\"}\n{\"text\": \"b\"}").getFirst()).text()).isEqualTo(text);
    }

    // ------------------------------------------------------------------------------------------------ tokens

    private static String learned(EncodedExample example) {
        int[] ids = new int[example.length()];
        int count = 0;
        for (int i = 0; i < ids.length; i++) {
            if (example.learned()[i]) {
                ids[count++] = example.tokens()[i];
            }
        }
        return GPT2.decode(Arrays.copyOf(ids, count));
    }

    private static EncodedExample encode(Example example, LossOn lossOn) {
        return new ExampleEncoder(GPT2, 1024).withTemplate(ChatTemplate.of("a test", ChatTemplate.STANDARD, null, GPT2)).withLossOn(lossOn)
                .encode(List.of(example)).examples().getFirst();
    }

    @Test
    void whatIsLearnedIsTheCompletionOrAllButTheFirstToken() {
        Example prompted = new Example.Prompted("One two", " three", null);
        assertThat(learned(encode(prompted, LossOn.COMPLETION))).isEqualTo(" three<|endoftext|>");
        assertThat(learned(encode(prompted, LossOn.ALL))).isEqualTo(" two three<|endoftext|>");
        assertThat(learned(encode(new TextPair("a b", "c"), LossOn.ALL))).isEqualTo(" b<|endoftext|> c<|endoftext|>");
        assertThat(learned(encode(new Example.Text("One two", null), LossOn.COMPLETION))).isEqualTo(" two<|endoftext|>");
        assertThat(learned(encode(new Example.Talk(ASKED, null), LossOn.LAST))).isEqualTo("Hello<|endoftext|>");
    }

    /** As TRL counts: the prompt alone has 2 tokens, "Hello" and " wor"; with the completion the second one is " world". */
    @Test
    void aTokenOverTheBorderOfPromptAndCompletionCountsAsThePrompts() {
        EncodedExample over = encode(new Example.Prompted("Hello wor", "ld is", null), LossOn.COMPLETION);
        assertThat(GPT2.decode(over.tokens()[1])).isEqualTo(" world");
        assertThat(learned(over)).isEqualTo(" is<|endoftext|>");
    }

    @Test
    void aTemplateOfTheUsersWritesALinesColumns() {
        ChatTemplate own = ChatTemplate.of("--template", "Q: {{ q }}\nA:{% generation %} {{ a }}{% endgeneration %}", null, GPT2);
        List<Example> rows = read("a.csv", "q,a\nWho?,Me\n", ExampleFile.ofFields());
        EncodedExample encoded = new ExampleEncoder(GPT2, 1024).withTemplate(own).encode(rows).examples().getFirst();
        assertThat(GPT2.decode(encoded.tokens())).isEqualTo("Q: Who?\nA: Me<|endoftext|>");
        assertThat(learned(encoded)).isEqualTo(" Me<|endoftext|>");
    }

    @Test
    void labelsOfABatchAreTheTokensThatAreLearned() {
        boolean[] some = {false, true, false, true};
        Batch batch = Batch.of(List.of(new EncodedExample(new int[] {5, 6, 7, 8}, some), new EncodedExample(new int[] {1, 2}, 1)));
        assertThat(batch.labels()).containsExactly(-100, 6, -100, 8, -100, 2, -100, -100);
        assertThat(batch.targets()).isEqualTo(3);
        assertThat(NextTokens.of(batch)).satisfies(next -> {
            assertThat(next.rows()).containsExactly(0, 2, 4);
            assertThat(next.ids()).containsExactly(6, 8, 2);
        });
    }

    @Test
    void aChatThatIsTooLongLosesItsBeginningButNothingThatIsLearned() {
        Chat longAsked = Chat.empty().with("user", "one two three four five six seven").with("assistant", "Hello");
        Example example = new Example.Talk(longAsked, new Place("a.jsonl", 4));
        ExampleEncoder encoder = new ExampleEncoder(GPT2, 14, TooLong.TRUNCATE_CONTEXT)
                .withTemplate(ChatTemplate.of("a test", ChatTemplate.STANDARD, null, GPT2));
        ExampleEncoder.Result cut = encoder.encode(List.of(example));
        assertThat(cut.truncatedAt()).containsExactly(new Place("a.jsonl", 4));
        assertThat(cut.examples().getFirst().length()).isEqualTo(14);
        assertThat(learned(cut.examples().getFirst())).isEqualTo("Hello<|endoftext|>");
    }
}
