package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.io.DType;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.tensor.Shape;

/** What is wrong is said in one line, with the right exit code, and nothing is left behind. */
class BadInputTest {

    private static final String PAIRS =
            "{\"context\": \"name : Aromi | Type : pub\", \"completion\": \"Aromi is a pub.\"}\n".repeat(4);

    @TempDir
    private static Path folder;

    /**
     * @param exitCode of the command
     * @param says     what its line holds
     * @param line     the command; words that name a file of {@link #files} become its path
     */
    private record Case(int exitCode, String says, String line) {

        @Override
        public String toString() {
            return line;
        }
    }

    @BeforeAll
    static void files() throws IOException {
        TinyModel.write(at("tiny"));
        at("empty").toFile().mkdir();
        Files.writeString(at("file"), "x");
        for (String broken : List.of("cut", "lying", "longer")) {
            TinyModel.write(at("model-" + broken));
        }
        TinyModel.truncate(at("model-cut/model.safetensors"));
        TinyModel.claimHeader(at("model-lying/model.safetensors"), 1L << 60);
        TinyModel.replace(at("model-longer/model.safetensors"), "[8,24]", "[8,25]");
        config("model-bert", "gpt2", "bert");
        config("model-mamba", "gpt2", "mamba");
        config("model-nameless", "model_type", "type");
        config("model-heads", "\"n_head\": 2", "\"n_head\": 3");
        config("model-deeper", "\"n_layer\": 2", "\"n_layer\": 3");
        config("model-shallower", "\"n_layer\": 2", "\"n_layer\": 1");
        config("model-garbage", "{", "");
        Files.delete(TinyModel.write(at("model-unconfigured")).resolve("config.json"));
        Files.delete(TinyModel.write(at("model-wordless")).resolve("vocab.json"));
        Files.delete(TinyModel.write(at("model-mergeless")).resolve("merges.txt"));
        Files.delete(TinyModel.write(at("model-weightless")).resolve("model.safetensors"));
        TinyModel.write(at("model-fewer-words"), 300);
        notANumber(TinyModel.write(at("model-nan")).resolve("model.safetensors"));

        Files.writeString(at("pairs.jsonl"), PAIRS);
        Files.writeString(at("empty.csv"), "");
        Files.writeString(at("header.csv"), "mr,ref\n");
        Files.writeString(at("columns.csv"), "a,b\n1,2\n");
        Files.writeString(at("quote.csv"), "mr,ref\n\"name[X],X is\n");
        Files.writeString(at("field.csv"), "mr,ref\nname[X]\n");
        Files.writeString(at("inputs.csv"), "mr\nname[X]\n");
        Files.writeString(at("keys.jsonl"), "{\"context\": \"a\"}\n");
        Files.writeString(at("broken.jsonl"), "{\"context\": \n");
        Files.writeString(at("bars.txt"), "no bars\n");
        Files.writeString(at("latin.csv"), "mr,ref\n\u00fc,\u00fc\n", StandardCharsets.ISO_8859_1);
        Files.writeString(at("fake.zip"), "PK\u0003\u0004");
        Files.writeString(at("long.jsonl"), PAIRS.replace("pub\"", "x ".repeat(80) + "\""));

        TinyModel.batch(at("good.safetensors"), 1, 2, 3);
        TinyModel.batch(at("unknown.safetensors"), 1, 2, TinyModel.VOCABULARY);
        TinyModel.batch(at("negative.safetensors"), 1, -2, 3);
        TinyModel.batch(at("label.safetensors"), new long[] {1, 2, 3}, new long[] {1, 2, 9999});
        TinyModel.batch(at("long.safetensors"), new long[TinyModel.POSITIONS + 1]);
        TinyModel.truncate(TinyModel.batch(at("cut.safetensors"), 1, 2, 3));
        TinyModel.claimHeader(TinyModel.batch(at("lying.safetensors"), 1, 2, 3), 1L << 40);
        new SafetensorsWriter().add("input_ids", DType.I64, Shape.of(1, 2), new long[] {1, 2})
                .write(at("unlabelled.safetensors"));
        new SafetensorsWriter().add("input_ids", DType.I64, Shape.of(600_000, 1), new long[600_000])
                .write(at("many.safetensors"));
        new SafetensorsWriter().add("ids", DType.I64, Shape.of(1, 2), new long[] {1, 2}).write(at("other.safetensors"));
        new SafetensorsWriter().add("input_ids", DType.F32, Shape.of(1, 2), new double[] {1, 2})
                .write(at("floats.safetensors"));

        for (String adapter : List.of("adapter", "adapter-cut", "adapter-lying", "adapter-rank")) {
            assertThat(run("train --model tiny --data pairs.jsonl --steps 1 --targets c_attn --out " + adapter).exitCode())
                    .isEqualTo(ExitCode.OK);
        }
        TinyModel.truncate(at("adapter-cut/adapter_model.safetensors"));
        TinyModel.claimHeader(at("adapter-lying/adapter_model.safetensors"), Long.MAX_VALUE);
        TinyModel.replace(at("adapter-rank/adapter_config.json"), "\"r\": 4", "\"r\": 2");
        assertThat(run("train --model base-6m --data pairs.jsonl --steps 1 --targets c_attn --layers 0 --out wider").exitCode())
                .isEqualTo(ExitCode.OK);
    }

    private static void config(String model, String found, String by) throws IOException {
        TinyModel.replace(TinyModel.write(at(model)).resolve("config.json"), found, by);
    }

    private static void notANumber(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        Arrays.fill(bytes, bytes.length - 4, bytes.length, (byte) 0xff);
        Files.write(file, bytes);
    }

    private static Path at(String name) {
        return folder.resolve(name);
    }

    private static Run run(String line) {
        String[] words = line.split(" ");
        for (int i = 1; i < words.length; i++) {
            boolean named = List.of("--model", "--data", "--adapter", "--batch", "--out", "--prompts").contains(words[i - 1]);
            if (named && !words[i].startsWith("/") && !words[i].equals("base-6m") && !words[i].matches("-?\\d+")) {
                words[i] = at(words[i]).toString();
            }
        }
        return Run.of(words);
    }

    static Stream<Case> failures() {
        return Stream.of(
                // models
                failure("there is no such folder", "generate --model nowhere --prompt x"),
                failure("is a file", "generate --model file --prompt x"),
                failure("the file has only", "generate --model model-cut --prompt x"),
                failure("the header length at offset 0 is", "generate --model model-lying --prompt x"),
                failure("shape [8, 25] of F32 needs", "generate --model model-longer --prompt x"),
                failure("a BERT reads texts and does not write them", "generate --model model-bert --prompt x"),
                failure("model_type is 'mamba', expected one of '", "generate --model model-mamba --prompt x"),
                failure("model_type is missing", "generate --model model-nameless --prompt x"),
                failure("config.json: n_head 3 does not divide n_embd 8", "generate --model model-heads --prompt x"),
                failure("has no tensor 'transformer.h.2.", "generate --model model-deeper --prompt x"),
                failure("Does config.json belong to it?", "generate --model model-shallower --prompt x"),
                failure("config.json: line 1", "generate --model model-garbage --prompt x"),
                failure("config.json: there is no such file", "generate --model model-unconfigured --prompt x"),
                failure("no vocab.json there", "generate --model model-wordless --prompt x"),
                failure("neither merges.txt nor vocab.bpe", "generate --model model-mergeless --prompt x"),
                failure("has neither model.safetensors", "generate --model model-weightless --prompt x"),
                failure("logits are NaN", "generate --model model-nan --prompt x --max-new-tokens 2"),
                failure("the loss is NaN", "evaluate --model model-nan --data pairs.jsonl"),
                failure("before anything was learned", "train --model model-nan --data pairs.jsonl --out new"),
                failure("the model has 300 tokens", "train --model model-fewer-words --data pairs.jsonl --out new"),
                failure("and the model has 300 tokens (0 to 299)", "generate --model model-fewer-words --prompt restaurant --max-new-tokens 2"),
                // adapters
                failure("adapter '", "generate --model tiny --prompt x --adapter nowhere"),
                failure("is a file", "generate --model tiny --prompt x --adapter file"),
                failure("adapter_config.json: there is no such file", "generate --model tiny --prompt x --adapter empty"),
                failure("it is cut off", "generate --model tiny --prompt x --adapter adapter-cut"),
                failure("the header length", "generate --model tiny --prompt x --adapter adapter-lying"),
                failure("expected 2 rows", "generate --model tiny --prompt x --adapter adapter-rank"),
                failure("base of another size", "generate --model tiny --prompt x --adapter wider"),
                // batches
                failure("there is no such file", "trace --model tiny --batch nowhere --out o"),
                failure("it is cut off", "trace --model tiny --batch cut.safetensors --out o"),
                failure("the header length", "trace --model tiny --batch lying.safetensors --out o"),
                failure("unknown.safetensors: token 4096 is outside", "trace --model tiny --batch unknown.safetensors --out o"),
                failure("token -2 is outside", "trace --model tiny --batch negative.safetensors --out o"),
                failure("token 9999 is outside", "trace --model tiny --batch label.safetensors --out o"),
                failure("position table of 64", "trace --model tiny --batch long.safetensors --out o"),
                failure("has no tensor 'input_ids'", "trace --model tiny --batch other.safetensors --out o"),
                failure("has type F32", "trace --model tiny --batch floats.safetensors --out o"),
                // prompts and lengths
                failure("the model's 64 positions", "generate --model tiny --prompt x --max-new-tokens 64"),
                failure("the model's 64 positions", "generate --model tiny --prompt x --max-new-tokens 2147483647"),
                failure("the model's 64 positions", "generate --model tiny --prompt x --max-new-tokens 2147483647 --beam 2"),
                failure("input_ids has shape (600000, 1), 600000 positions", "trace --model tiny --batch many.safetensors --out o"),
                failure("there is no such file", "generate --model tiny --prompts nowhere"),
                failure("has no prompt in it", "generate --model tiny --prompts empty.csv"),
                failure("it is not UTF-8", "generate --model tiny --prompts latin.csv"),
                failure("the model has 64 positions", "train --model tiny --data long.jsonl --out new"),
                failure("none of the 4 examples fits", "train --model tiny --data long.jsonl --too-long drop --out new"),
                failure("none of the 4 examples fits", "evaluate --model tiny --data long.jsonl --too-long drop"),
                // data
                failure("no such file or folder", "train --model tiny --data nowhere --out new"),
                failure("found an empty file", "train --model tiny --data empty.csv --out new"),
                failure("no pairs in it", "train --model tiny --data header.csv --out new"),
                failure("found a,b", "train --model tiny --data columns.csv --out new"),
                failure("malformed CSV", "train --model tiny --data quote.csv --out new"),
                failure("field.csv, line 2", "train --model tiny --data field.csv --out new"),
                failure("Is this a file of inputs only?", "train --model tiny --data inputs.csv --out new"),
                failure("found no completion", "train --model tiny --data keys.jsonl --out new"),
                failure("no JSON object", "train --model tiny --data broken.jsonl --out new"),
                failure("context||completion", "train --model tiny --data bars.txt --out new"),
                failure("not UTF-8", "train --model tiny --data latin.csv --out new"),
                failure("cannot be read", "train --model tiny --data fake.zip --out new"),
                failure("no train part", "train --model tiny --data empty --out new"),
                // what is written
                failure("there is a file of that name", "train --model tiny --data pairs.jsonl --out file"),
                failure("cannot write", "train --model tiny --data pairs.jsonl --out file/new"),
                failure("holds an adapter already", "train --model tiny --data pairs.jsonl --out adapter"),
                failure("cannot write", "trace --model tiny --batch good.safetensors --out file/o"),
                failure("it is a folder", "trace --model tiny --batch good.safetensors --out empty"),
                failure("training has diverged", "train --model base-6m --data pairs.jsonl --lr 1e30 --steps 5 --out diverging"));
    }

    static Stream<Case> wrongUses() {
        String train = "train --model tiny --data pairs.jsonl --out new ";
        String generate = "generate --model tiny --prompt x ";
        return Stream.of(
                wrongUse("nothing in this model is called c_porj (nearest: c_proj, in attn and mlp)",
                        train + "--targets c_attn,c_porj"),
                wrongUse("nothing in this GPT-2 is 'x'; there are q, k, v, o, up, down, head", train + "--targets q,x"),
                wrongUse("names nothing", train + "--targets ,"),
                wrongUse("both as a whole and by its parts", train + "--targets q,c_attn"),
                wrongUse("not a regular expression", train + "--targets regex:h.["),
                wrongUse("matches none", train + "--targets regex:nothing"),
                wrongUse("--rank 9 is larger than the matrix", train + "--rank 9"),
                wrongUse("--rank 1000000000 is larger", train + "--rank 1000000000 --targets c_fc"),
                wrongUse("--rank 0", train + "--rank 0"),
                wrongUse("--rank -1", train + "--rank -1"),
                wrongUse("--rank four: expected a whole number", train + "--rank four"),
                wrongUse("--alpha NaN", train + "--alpha NaN"),
                wrongUse("--layers 99", train + "--layers 99"),
                wrongUse("--layers -1", train + "--layers -1 --targets c_fc"),
                wrongUse("--layers can only", train + "--layers 1 --targets all-linear"),
                wrongUse("--lr -1.0", train + "--lr -1"),
                wrongUse("--dropout 1.0", train + "--dropout 1"),
                wrongUse("--steps 0", train + "--steps 0"),
                wrongUse("--steps -5", train + "--steps -5"),
                wrongUse("--epochs 0.0", train + "--epochs 0"),
                wrongUse("expected one of the two", train + "--epochs 1 --steps 1"),
                wrongUse("--batch 0", train + "--batch 0"),
                wrongUse("--accumulate 0", train + "--accumulate 0"),
                wrongUse("--label-smoothing 2.0", train + "--label-smoothing 2"),
                wrongUse("--warmup -7", train + "--warmup -7"),
                wrongUse("--weight-decay -1.0", train + "--weight-decay -1"),
                wrongUse("--adam-epsilon 0.0", train + "--adam-epsilon 0"),
                wrongUse("--examples -1", train + "--examples -1"),
                wrongUse("--log-every 0", train + "--log-every 0"),
                wrongUse("--method ia3: expected lora", train + "--method ia3"),
                wrongUse("--method houlsby: needs a size", train + "--method houlsby"),
                wrongUse("--method prefix-embedding: needs a length", train + "--method prefix-embedding"),
                wrongUse("--prefix-length 2: --method prefix-embedding:4 says it too", train + "--method prefix-embedding:4 --prefix-length 2"),
                wrongUse("--prefix-length: --method lora has no special tokens", train + "--prefix-length 2"),
                wrongUse("--infix-length -1: expected 0 or a positive number", train + "--method prefix-layer:4 --infix-length -1"),
                wrongUse("--rank: --method prompt-tuning:4 has no such option", train + "--method prompt-tuning:4 --rank 2"),
                wrongUse("--method lora+houlsby:4: expected lora+ and special tokens", train + "--method lora+houlsby:4"),
                wrongUse("--bias some: expected none, all or lora_only", train + "--bias some"),
                wrongUse("--backend tornedo", train + "--backend tornedo"),
                wrongUse("--threads -1", train + "--threads -1"),
                wrongUse("--temperature -1.0", generate + "--temperature -1"),
                wrongUse("--top-p 2.0", generate + "--top-p 2"),
                wrongUse("--max-new-tokens 0", generate + "--max-new-tokens 0"),
                wrongUse("--prompt", "generate --model tiny"),
                wrongUse("--beam 100000: expected 1 to 1000", generate + "--beam 100000"),
                wrongUse("--beam 2147483647: expected 1 to 1000", generate + "--beam 2147483647"),
                wrongUse("'devv'", "evaluate --model tiny --data pairs.jsonl --split devv"),
                wrongUse("--batch 0", "evaluate --model tiny --data pairs.jsonl --batch 0"),
                wrongUse("--gradients without --adapter", "trace --model tiny --batch good.safetensors --out o --gradients"),
                wrongUse("has no labels",
                        "trace --model tiny --adapter adapter --batch unlabelled.safetensors --out o --gradients"));
    }

    private static Case failure(String says, String line) {
        return new Case(ExitCode.FAILURE, says, line);
    }

    private static Case wrongUse(String says, String line) {
        return new Case(ExitCode.WRONG_USE, says, line);
    }

    @ParameterizedTest
    @MethodSource({"failures", "wrongUses"})
    void isOneLineThatSaysWhatIsWrong(Case bad) {
        Run run = run(bad.line + " --quiet");

        assertThat(run.err()).contains(bad.says).doesNotContain("\tat ", "Exception", "`");
        assertThat(run.err().lines()).hasSize(1).allMatch(line -> line.startsWith("lora4j: "));
        assertThat(run.out()).isEmpty();
        assertThat(run.exitCode()).isEqualTo(bad.exitCode);
        assertThat(at("o")).doesNotExist();
        assertThat(at("new").resolve("adapter_model.safetensors")).doesNotExist();
    }

    @Test
    void verboseShowsWhereItHappened() {
        assertThat(run("generate --model nowhere --prompt x --verbose").err()).contains("\tat org.lora4j.");
    }

    static boolean hasFullDevice() {
        return Files.isWritable(Path.of("/dev/full"));
    }

    @Test
    @EnabledIf("hasFullDevice")
    void aFullDiskIsOneLineAndTheDeviceStaysADevice() {
        Run run = run("trace --model tiny --batch good.safetensors --out /dev/full");

        assertThat(run).isEqualTo(new Run(
                ExitCode.FAILURE, "", "lora4j: cannot write /dev/full: No space left on device" + System.lineSeparator()));
        assertThat(Files.isRegularFile(Path.of("/dev/full"))).isFalse();
    }

    /** So that no test here can pass because everything fails. */
    @Test
    void theSameFilesUnspoiltWork() {
        PrintStream nowhere = new PrintStream(PrintStream.nullOutputStream());
        assertThat(Main.run(nowhere, nowhere, "generate", "--model", at("tiny").toString(), "--adapter",
                at("adapter").toString(), "--prompt", "x", "--max-new-tokens", "2")).isEqualTo(ExitCode.OK);
    }
}
