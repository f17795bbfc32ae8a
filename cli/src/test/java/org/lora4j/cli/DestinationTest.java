package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A command never writes over what it reads, by whatever name, and says of a link that leads nowhere that it does. */
class DestinationTest {

    @TempDir
    Path temp;

    @BeforeEach
    void files() throws IOException {
        TinyModel.write(at("model"));
        TinyModel.batch(at("batch.safetensors"), 3, 1, 4, 1, 5);
        Files.writeString(at("pairs.jsonl"), "{\"context\": \"a b\", \"completion\": \"c d\"}\n");
        assertThat(run("train --model model --data pairs.jsonl --steps 1 --targets c_attn --rank 2 --out adapter").exitCode())
                .isZero();
        assertThat(run("convert adapter --to peft-bin --out bin").exitCode()).isZero();
        assertThat(run("convert adapter --to gguf --out adapter.gguf").exitCode()).isZero();
        Files.copy(at("pairs.jsonl"), at("decoded.jsonl"));
        Files.createSymbolicLink(at("link.safetensors"), Path.of("batch.safetensors"));
        Files.createSymbolicLink(at("link"), Path.of("model"));
        Files.createSymbolicLink(at("chain"), Path.of("link"));
        Files.createLink(at("hard.safetensors"), at("batch.safetensors"));
        Files.createLink(at("hard.gguf"), at("adapter.gguf"));
        Files.createSymbolicLink(at("broken"), Path.of("gone"));
        Files.createSymbolicLink(at("circle"), Path.of("circle"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "trace --model model --batch batch.safetensors --out batch.safetensors | is what --batch",
        "trace --model model --batch batch.safetensors --out model/../batch.safetensors | is what --batch",
        "trace --model model --batch batch.safetensors --out link.safetensors | is what --batch",
        "trace --model model --batch link.safetensors --out batch.safetensors | is what --batch",
        "trace --model model --batch batch.safetensors --out hard.safetensors | is what --batch",
        "trace --model model --batch batch.safetensors --out model/model.safetensors | is a file of --model",
        "trace --model chain --batch batch.safetensors --out model/config.json | is a file of --model",
        "trace --model model --adapter adapter --batch batch.safetensors --out adapter/adapter_config.json | is a file of --adapter",
        "compare --model model --steps 1 --random 1x4 --out model/config.html | is a file of --model",
        "compare --model model --adapter adapter --steps 1 --random 1x4 --out adapter/adapter_config.html | is a file of --adapter",
        "convert adapter --to peft --out adapter --overwrite | is what the adapter",
        "convert adapter --to gguf --out adapter/adapter_config.json --overwrite | is a file of the adapter",
        "convert bin --to loralib --out bin/adapter_model.bin --overwrite | is a file of the adapter",
        "convert adapter.gguf --to loralib --out hard.gguf --overwrite | is what the adapter",
        "convert adapter.gguf --to peft --out . --overwrite | which the adapter names",
        "convert adapter --model model --to peft --out link --overwrite | is what --model",
        "convert adapter --model model --to gguf --out model/vocab.json --overwrite | is a file of --model",
        "evaluate --task e2e --model model --data decoded.jsonl --out . --overwrite | which --data names",
        "reproduce e2e --model model --out model | is what --model",
        "merge --model model --adapter adapter --out model --overwrite | is what --model",
        "merge --model model --adapter adapter --out chain --overwrite | is what --model",
        "merge --model model --adapter adapter --out adapter --overwrite | is what --adapter",
    })
    void whatIsReadIsNeverWrittenOver(String line, String says) throws IOException {
        Map<String, Integer> before = contents();
        Run run = run(line);
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains(says, "--out", "and would be overwritten. Choose another").hasLineCount(1);
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void aNewFileBesideWhatIsReadIsFine() {
        assertThat(run("trace --model model --batch batch.safetensors --out model/logits.safetensors").exitCode()).isZero();
        assertThat(run("convert adapter --to gguf --out adapter/mine.gguf").exitCode()).isZero();
        assertThat(run("merge --model model --adapter adapter --out model/merged").exitCode()).isZero();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "generate --model broken --prompt x | is a link to gone, which is not there",
        "generate --model circle --prompt x | is a link to circle, which is not there",
        "trace --model model --batch broken --out o | it is a link to gone, which is not there",
        "trace --model model --batch broken/b.safetensors --out o | broken is a link to gone, which is not there",
        "trace --model model --adapter broken --batch batch.safetensors --out o | is a link to gone, which is not there",
        "trace --model model --batch batch.safetensors --out broken | is a link to gone, which is not there",
        "trace --model model --batch batch.safetensors --out broken/o | broken is a link to gone, which is not there",
        "convert broken --to gguf --out o | is a link to gone, which is not there",
        "convert adapter --to gguf --out broken | is a link to gone, which is not there",
        "convert adapter --to peft --out broken --overwrite | is a link to gone, which is not there",
        "merge --model model --adapter adapter --out broken | is a link to gone, which is not there",
        "train --model model --data pairs.jsonl --steps 1 --out broken | is a link to gone, which is not there",
    })
    void aLinkThatLeadsNowhereIsCalledThat(String line, String says) {
        Run run = run(line);
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains(says).hasLineCount(1);
        assertThat(at("gone")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({"model, config.json", "model, model.safetensors", "adapter, adapter_config.json",
        "adapter, adapter_model.safetensors"})
    void soIsOneAmongTheFilesOfAFolder(String folder, String file) throws IOException {
        Files.delete(at(folder).resolve(file));
        Files.createSymbolicLink(at(folder).resolve(file), Path.of("../../blobs/gone"));
        Run run = run("trace --model model --adapter adapter --batch batch.safetensors --out o");
        assertThat(run.err()).contains(file + ": it is a link to ../../blobs/gone, which is not there").hasLineCount(1);
    }

    private Map<String, Integer> contents() throws IOException {
        Map<String, Integer> contents = new TreeMap<>();
        try (var files = Files.walk(temp)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                contents.put(file.toString(), Arrays.hashCode(Files.readAllBytes(file)));
            }
        }
        return contents;
    }

    private Path at(String name) {
        return temp.resolve(name);
    }

    private Run run(String line) {
        String[] words = line.split(" ");
        for (int i = 1; i < words.length; i++) {
            boolean path = words[i - 1].matches("--(model|data|adapter|batch|out)") || words[i - 1].equals("convert");
            words[i] = path ? at(words[i]).toString() : words[i];
        }
        return Run.of(words);
    }
}
