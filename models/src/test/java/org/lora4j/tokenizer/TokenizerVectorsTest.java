package org.lora4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The texts and ids that llama.cpp keeps for GPT-2 and RoBERTa, 47 of each. */
class TokenizerVectorsTest {

    static Stream<Arguments> vectors() {
        return Stream.of(
                Arguments.of("ggml-vocab-gpt-2.gguf", TestTokenizers.GPT2),
                Arguments.of("ggml-vocab-roberta-bpe.gguf", TestTokenizers.ROBERTA));
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void everyTextGivesTheExpectedIdsAndTheIdsGiveTheTextBack(String name, Tokenizer tokenizer) {
        List<String> texts = TestTokenizers.texts(name);
        List<int[]> ids = TestTokenizers.ids(name);
        assertThat(texts).hasSize(47);
        // the last text and its ids are empty: nothing follows the last line break
        assertThat(ids).hasSize(46);
        assertThat(tokenizer.encode(texts.getLast())).isEmpty();

        IntStream.range(0, 46).forEach(i -> {
            assertThat(tokenizer.encode(texts.get(i))).as(texts.get(i)).isEqualTo(ids.get(i));
            assertThat(tokenizer.decode(ids.get(i))).isEqualTo(texts.get(i));
        });
    }

    @Test
    void robertaCountsFromItsFourSpecialTokensAndEndsWithTheMask() {
        RobertaTokenizer roberta = TestTokenizers.ROBERTA;
        assertThat(roberta.fromGpt2(13)).isEqualTo(4); // the full stop, first line of dict.txt
        assertThat(roberta.vocabSize()).isEqualTo(50265);
        assertThat(roberta.mask()).isEqualTo(50264);
        assertThat(roberta.decode(0, 4, 2, 1, 50264)).isEqualTo("<s>.</s><pad><mask>");
        assertThat(roberta.encode(".</s>.")).containsExactly(4, RobertaTokenizer.END, 4);
    }
}
