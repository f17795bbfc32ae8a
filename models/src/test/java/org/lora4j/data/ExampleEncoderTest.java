package org.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lora4j.LoraException;
import org.lora4j.tokenizer.TestTokenizers;
import org.lora4j.tokenizer.Tokenizer;

class ExampleEncoderTest {

    private static final Tokenizer GPT2 = TestTokenizers.GPT2;
    private static final TextPair PAIR = new TextPair("name : Aromi | Type : pub", "Aromi is a pub.");
    private static final TextPair LONG = new TextPair("one two three four five six seven eight", "nine ten");

    @Test
    void anExampleIsContextSeparatorSpaceCompletionEnd() {
        EncodedExample example = new ExampleEncoder(GPT2, 1024).encode(List.of(PAIR)).examples().getFirst();

        assertThat(GPT2.decode(example.tokens()))
                .isEqualTo("name : Aromi | Type : pub<|endoftext|> Aromi is a pub.<|endoftext|>");
        assertThat(example.tokens()[example.completionStart() - 1]).isEqualTo(50256);
        int[] targets = Arrays.copyOfRange(example.tokens(), example.completionStart(), example.length());
        assertThat(GPT2.decode(targets)).isEqualTo(" Aromi is a pub.<|endoftext|>");
        assertThat(targets).hasSize(example.targets());
    }

    @Test
    void aPromptIsTheExampleUpToItsCompletion() {
        ExampleEncoder encoder = new ExampleEncoder(GPT2, 1024);
        EncodedExample example = encoder.encode(List.of(PAIR)).examples().getFirst();
        assertThat(encoder.encodePrompt(PAIR.context()))
                .isEqualTo(Arrays.copyOf(example.tokens(), example.completionStart()));
    }

    /** As in Transformers: what a data file writes out is the token itself, in the context and in the completion. */
    @Test
    void anEndOfTextWrittenInTheDataIsTheToken() {
        TextPair pair = new TextPair("a <|endoftext|> b", "c<|endoftext|>d");
        EncodedExample example = new ExampleEncoder(GPT2, 1024).encode(List.of(pair)).examples().getFirst();
        assertThat(example.tokens()).containsExactly(64, 220, 50256, 275, 50256, 269, 50256, 67, 50256);
        assertThat(example.targets()).isEqualTo(4);
    }

    @Test
    void tooLongIsAnErrorByDefaultAndNamesTheExample() {
        assertThatThrownBy(() -> new ExampleEncoder(GPT2, 11).encode(List.of(new TextPair("a", "b"), LONG)))
                .isInstanceOf(LoraException.class)
                .hasMessageStartingWith("example 2 (\"one two three four five six seven eight\") has 12 tokens, the model has 11 positions.");
    }

    @Test
    void tooLongNamesFileLineAndPart() {
        TextPair pair = new TextPair(LONG.context() + "\u001b[1m", LONG.completion(), new Place("set/dev.jsonl", 3));
        assertThatThrownBy(() -> new ExampleEncoder(GPT2, 11).encode(List.of(pair), "dev"))
                .hasMessageStartingWith("set/dev.jsonl, line 3 (dev, \"one two three four five six seven eight\\x1b[1m\") has ");
    }

    @Test
    void whiteSpaceOfATextIsPartOfIt() {
        TextPair code = new TextPair("if x:\n", "        return x\n");
        EncodedExample example = new ExampleEncoder(GPT2, 1024).encode(List.of(code)).examples().getFirst();
        assertThat(GPT2.decode(example.tokens())).isEqualTo("if x:\n<|endoftext|>        return x\n<|endoftext|>");
        EncodedExample spaced = new ExampleEncoder(GPT2, 1024).encode(List.of(new TextPair("a", " b"))).examples().getFirst();
        assertThat(GPT2.decode(spaced.tokens())).isEqualTo("a<|endoftext|> b<|endoftext|>");
        for (String completion : List.of("Aromi is a pub.", "        return x\n", "\nx", "\tx", "b \n", "\u00a0c")) {
            EncodedExample encoded = new ExampleEncoder(GPT2, 1024).encode(List.of(new TextPair("a", completion))).examples().getFirst();
            String written = GPT2.decode(Arrays.copyOfRange(encoded.tokens(), encoded.completionStart(), encoded.length() - 1));
            assertThat(ExampleEncoder.completion(written)).isEqualTo(completion);
        }
    }

    @Test
    void tooLongCanLoseTheBeginningOfItsContextOrBeDroppedAndIsCounted() {
        ExampleEncoder.Result cut = new ExampleEncoder(GPT2, 6, TooLong.TRUNCATE_CONTEXT).encode(List.of(new TextPair("a", "b"), LONG));
        assertThat(cut.truncated()).isEqualTo(1);
        assertThat(cut.examples()).hasSize(2);
        EncodedExample example = cut.examples().get(1);
        assertThat(GPT2.decode(example.tokens())).isEqualTo(" seven eight<|endoftext|> nine ten<|endoftext|>");
        assertThat(example.targets()).isEqualTo(3);
        assertThat(cut.targets()).isEqualTo(5);

        ExampleEncoder.Result dropped = new ExampleEncoder(GPT2, 6, TooLong.DROP).encode(List.of(new TextPair("a", "b"), LONG));
        assertThat(dropped.dropped()).isEqualTo(1);
        assertThat(dropped.examples()).hasSize(1);
        assertThat(dropped.remarks("train")).containsExactly(
                "1 of 2 train examples has more tokens than the model's 6 positions and was dropped: example 2");
        assertThat(cut.remarks("dev")).containsExactly(
                "1 of 2 dev examples has more tokens than the model's 6 positions and lost the beginning of its context: example 2");
        TextPair placed = new TextPair(LONG.context(), LONG.completion(), new Place("a.jsonl", 7));
        assertThat(new ExampleEncoder(GPT2, 6, TooLong.DROP).encode(List.of(placed, placed, PAIR), "train").remarks("train"))
                .containsExactly("3 of 3 train examples have more tokens than the model's 6 positions and were dropped: "
                        + "a.jsonl, lines 7, 7; example 3");
        assertThat(new ExampleEncoder(GPT2, 1024).encode(List.of(placed)).remarks("train")).isEmpty();

        assertThatThrownBy(() -> new ExampleEncoder(GPT2, 3, TooLong.TRUNCATE_CONTEXT).encode(List.of(LONG)))
                .hasMessageContaining("Its completion alone has 3");
    }

    @Test
    void aPairWithoutCompletionCannotBeLearntFrom() {
        assertThatThrownBy(() -> new ExampleEncoder(GPT2, 1024).encode(List.of(new TextPair("a", " "))))
                .isInstanceOf(LoraException.class).hasMessageStartingWith("example 1 (\"a\") has no completion");
    }
}
