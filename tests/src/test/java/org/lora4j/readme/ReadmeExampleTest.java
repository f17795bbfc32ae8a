package org.lora4j.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.DataSets;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.Split;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.data.E2e;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Sampling;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.FineTuning;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.lora.LoraConfig;

/** The README's example of Java code, run on a few pairs. What is between the two marks stands in the README. */
class ReadmeExampleTest {

    @TempDir
    private Path work;

    @Test
    void theReadmesExampleTrainsAndWrites() throws IOException {
        Path folder = EmbeddedBase.folder();
        Path data = work.resolve("pairs.txt");
        Files.writeString(data, E2e.embedded(Split.DEV).stream().limit(64)
                .map(pair -> pair.context() + "||" + pair.completion()).collect(Collectors.joining("\n")));
        Path out = work.resolve("my-adapter");

        // README: begin
        try (Backend backend = Backends.create("cpu")) {
            LanguageModel model = Families.load(folder, backend);
            Tokenizer tokenizer = Families.tokenizer(folder);

            // LoRA on q and v of every attention: W0 stays frozen, A and B train
            FineTuning job = FineTuning.of(model, tokenizer)
                    .method(new LowRankAdaptation(LoraConfig.of(4, 32).withParts("q", "v")))
                    .train(DataSets.open(data, Split.TRAIN)).batchSize(8).seed(110).build();
            TrainingPlan plan = TrainingPlan.of(job.steps(1, 1), 1e-2, 110);
            Trainer.Outcome outcome = job.run(plan, out, "base-6m", TrainingListener.NONE); // saves as PEFT does

            int[] prompt = new ExampleEncoder(tokenizer, model.sizes().positions())
                    .encodePrompt("name : Blue Spice | Type : pub | area : riverside");
            int[] written = new Generator(model).generate(prompt, 64, tokenizer.stopIdsOfPairs(), Sampling.GREEDY);
            System.out.println(tokenizer.decodeText(written));
            // README: end

            assertThat(outcome.bestStep()).isEqualTo(8);
            assertThat(out.resolve("adapter_model.safetensors")).exists();
        }
    }

    @Test
    void theReadmeShowsThisVeryCode() throws IOException {
        String source = Files.readString(Path.of("src/test/java/org/lora4j/readme/ReadmeExampleTest.java"));
        String example = source.substring(source.indexOf("// README: begin\n") + "// README: begin\n".length(),
                source.indexOf("            // README: end"));
        String unindented = example.lines().map(line -> line.isEmpty() ? line : line.substring(8))
                .collect(Collectors.joining("\n"));
        assertThat(Files.readString(Path.of("../README.md"))).contains(unindented);
    }
}
