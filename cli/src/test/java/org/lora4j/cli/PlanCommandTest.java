package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanCommandTest {

    @TempDir
    private Path temp;

    private static JsonNode rows(String... args) throws Exception {
        Run run = Run.of(args);
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        return new ObjectMapper().readTree(run.out()).get("rows");
    }

    @Test
    void eachMethodAndRankHasARowAndTheTermsAddUp() throws Exception {
        JsonNode rows = rows("plan", "--model", "gpt2-medium", "--method", "lora,full,bitfit,top:2,lin:6,prefix-layer:8,infix=4",
                "--rank", "1,4", "--json");

        assertThat(rows.findValuesAsText("method")).containsExactly(
                "lora r 1", "lora r 4", "full", "bitfit", "top:2", "lin:6", "prefix-layer:8,infix=4");
        assertThat(rows.findValuesAsText("trainable")).startsWith("98304", "393216", "354823168").contains("25192448", "368784", "294912");
        assertThat(rows).allSatisfy(row -> assertThat(StreamSupport.stream(row.get("memory").spliterator(), false)
                .mapToLong(JsonNode::asLong).sum()).isEqualTo(row.get("memory_bytes").asLong()));
        assertThat(rows.get(1).get("saved_bytes").asLong()).isEqualTo(4 * 393_216);
        assertThat(rows.get(1).at("/memory/weights").asLong()).isEqualTo(4 * 354_823_168L);
        assertThat(rows.get(2).at("/memory/moments").asLong()).isEqualTo(8 * 354_823_168L);
        assertThat(rows.get(2).get("saved_bytes").asLong()).as("a whole model").isEqualTo(4 * 354_823_168L);
    }

    @Test
    void ofGpt3ItDerivesWhatThePaperReports() {
        Run run = Run.of("plan", "--model", "gpt3-175b", "--batch", "1", "--length", "128", "--base-dtype", "bf16");

        assertThat(run.out()).contains("174,604,259,328 parameters", "18,874,368",
                "The paper reports, memory, fine-tuning: 1.2TB. 6*parameters(gpt3-175b) = 1,047,625,555,968, formula differs",
                "The paper reports, memory, LoRA: 350GB. 2*parameters(gpt3-175b) = 349,208,518,656, rounding",
                "The paper reports, fewer trainable parameters, times: 10,000.", "The paper reports, checkpoint, LoRA: 35MB.");
    }

    @Test
    void aClassifiersHeadIsCountedApart() throws Exception {
        JsonNode row = rows("plan", "--model", "roberta-base", "--rank", "8", "--labels", "3", "--batch", "2", "--length", "16", "--json").get(0);

        assertThat(row.get("trainable").asLong()).isEqualTo(294_912);
        assertThat(row.get("trainable_head").asLong()).isEqualTo(592_899);
        assertThat(row.get("saved_bytes").asLong()).as("the authors' file has these tensors").isEqualTo(3_551_244);
    }

    @Test
    void fieldsOfAConfigurationMakeAModel() throws Exception {
        String sizes = "model_type=gpt2,vocab_size=50257,n_positions=1024,n_embd=768,n_layer=12,n_head=12";
        Run run = Run.of("plan", "--sizes", sizes, "--json");

        assertThat(new ObjectMapper().readTree(run.out()).get("parameters").asLong()).isEqualTo(124_439_808);
    }

    @Test
    void smallerTypesAndRecomputingTakeLess() throws Exception {
        JsonNode rows = rows("plan", "--model", "smollm2-135m", "--base-dtype", "float32,bf16,nf4", "--batch", "2", "--length", "64", "--json");
        JsonNode again = rows("plan", "--model", "smollm2-135m", "--batch", "2", "--length", "64", "--recompute", "--json");

        assertThat(rows.get(0).at("/memory/weights").asLong()).isGreaterThan(rows.get(1).at("/memory/weights").asLong())
                .isGreaterThan(rows.get(2).at("/memory/weights").asLong());
        assertThat(again.get(0).at("/memory/activations").asLong()).isLessThan(rows.get(0).at("/memory/activations").asLong() / 4);
        JsonNode others = rows("plan", "--model", "base-6m", "--method", "full", "--optimiser", "sgd", "--trained-dtype", "float16", "--json");
        assertThat(others.get(0).at("/memory/moments").asLong()).isZero();
        assertThat(others.get(0).at("/memory/gradients").asLong()).isEqualTo(2 * 5_853_184L);
        assertThat(others.get(0).at("/memory/java").asLong()).as("other software's").isZero();
    }

    @Test
    void aPageHasABarForEachRowAndNothingFromElsewhere() throws Exception {
        Path page = temp.resolve("plan.html");

        assertThat(Run.of("plan", "--model", "base-6m", "--method", "lora,full", "--html", page.toString()).out()).contains("Page ");
        assertThat(Files.readString(page)).contains("lora r 4", "full", "class=\"stack\"", "prefers-color-scheme: dark")
                .doesNotContain("<script", "http://", "https://");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--rank 2 | Missing required option: '--model=DIR'",
        "--model gpt2-medum | is no folder, and no size of that name is known (nearest: gpt2-medium",
        "--model gpt2 --length 2000 | at most 1024 tokens",
        "--model gpt2 --batch 0 | at least 1 each",
        "--model gpt2 --method lara | expected lora, full",
        "--model gpt2 --method top:13 | has 12 blocks",
        "--model gpt2 --rank 0 | r",
        "--model gpt2 --html plan.txt | must end in .html",
        "--model gpt2 --sizes n_embd=8 | has sizes of its own",
        "--sizes n_embd | expected fields of a config.json such as n_embd=1024",
        "--sizes n_embd=8 | model_type is missing",
        "--sizes model_type=gpt2,n_embd=12288000,n_head=8,n_layer=2,n_positions=100,vocab_size=100 | more numbers than a tensor can hold",
        "--model base-6m --batch 100000000 --length 256 | more numbers than a tensor can hold",
        "--model gpt2 --method lora+full | behind lora+ expected special tokens",
        "--model gpt2 --rank 1,2,3,4,5,6,7,8 --batch 1,2,4,8,16 --length 1,2 | more than 60 columns",
    })
    void whatMakesNoSenseIsWrongUseInOneLine(String options, String message) {
        Run run = Run.of(("plan " + options).split(" "));

        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err().lines()).singleElement().asString().contains(message);
    }

    @Test
    void theLedgerHasARowForEachNumberInJson() throws Exception {
        JsonNode rows = new ObjectMapper().readTree(Run.of("ledger", "--json").out());

        assertThat(rows).hasSizeGreaterThan(600).allSatisfy(row -> assertThat(row.get("verdict").asText()).isNotEmpty());
        Run table = Run.of("ledger", "--place", "table 15");
        assertThat(table.out()).contains("PrefixLayer l_p 8, l_i 8, trainable parameters", "20.2M | 18,874,368", "formula differs");
        assertThat(Run.of("ledger", "--place", "table 99").err()).contains("expected one of table 1, table 2");
    }
}
