package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.io.DType;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;

/** {@code analyse} on adapters that differ in what adapters differ in. */
class AnalyseCommandTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int WIDTH = TinyModel.WIDTH;

    @TempDir
    private Path folder;
    private String model;
    private String page;

    @BeforeEach
    void model() throws IOException {
        model = TinyModel.write(folder.resolve("model")).toString();
        page = folder.resolve("page.html").toString();
    }

    /** @param modules their shapes, out × in */
    private String adapter(String name, Map<String, int[]> modules, int rank, double sizeOfB) throws IOException {
        Path written = Files.createDirectories(folder.resolve(name));
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        modules.forEach((module, shape) -> {
            double[] a = new double[rank * shape[1]];
            double[] b = new double[shape[0] * rank];
            new Philox(name.hashCode()).fillNormal(a, 1, 0, Philox.site(module + "A"));
            new Philox(name.hashCode()).fillNormal(b, sizeOfB, 0, Philox.site(module + "B"));
            writer.add("base_model.model." + module + ".lora_A.weight", DType.F32, Shape.of(rank, shape[1]), a);
            writer.add("base_model.model." + module + ".lora_B.weight", DType.F32, Shape.of(shape[0], rank), b);
        });
        writer.write(written.resolve("adapter_model.safetensors"));
        Files.writeString(written.resolve("adapter_config.json"), """
                {"peft_type": "LORA", "r": %d, "lora_alpha": %d, "target_modules": ["c_attn", "c_fc", "wte"], "bias": "none", "fan_in_fan_out": true}
                """.formatted(rank, 2 * rank));
        return written.toString();
    }

    private static Map<String, int[]> layers(int count) {
        Map<String, int[]> modules = new TreeMap<>();
        for (int layer = 0; layer < count; layer++) {
            modules.put("transformer.h." + layer + ".attn.c_attn", new int[] {3 * WIDTH, WIDTH});
            modules.put("transformer.h." + layer + ".mlp.c_fc", new int[] {4 * WIDTH, WIDTH});
        }
        return modules;
    }

    private JsonNode json(String... args) throws IOException {
        return JSON.readTree(good(args).out());
    }

    private Run good(String... args) {
        Run run = Run.of(args);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return run;
    }

    @Test
    void writesAPageAndAllNumbersBesideIt() throws IOException {
        String one = adapter("one", layers(2), 3, 1);
        Run run = good("analyse", one, "--model", model, "--out", page);
        assertThat(run.out()).contains("transformer.h.1.attn.c_attn v", "factor", "page      " + page);
        String html = Files.readString(Path.of(page));
        assertThat(html).contains("How many directions an update uses", "What ΔW does to W", "Do layers share directions?", "<svg", "prefers-color-scheme: dark")
                .doesNotContain("<script", "http://", "https://");
        JsonNode numbers = JSON.readTree(folder.resolve("page.json").toFile());
        assertThat(numbers.path("maps")).hasSize(2 * (1 + 3 + 1));
        assertThat(numbers.at("/maps/0/updates/0/similarity_with_base/right").isMissingNode()).isTrue(); // of the fused whole
        assertThat(numbers.at("/maps/1/updates/0/similarity_with_base/right")).hasSize(3);
        assertThat(Files.readAllLines(folder.resolve("page.csv"))).first().isEqualTo("module,part,layer,adapter,quantity,i,j,value");
        assertThat(json("analyse", one, "--model", model, "--out", page, "--json")).isEqualTo(numbers);
    }

    @Test
    void anAdapterIsWhollyInItself() throws IOException {
        String one = adapter("one", layers(1), 3, 1);
        for (JsonNode line : json("analyse", one, one, "--out", page, "--json").path("maps")) {
            for (String side : List.of("A_right", "B_left", "delta_right", "delta_left")) {
                assertThat(line.at("/similarity/" + side + "/2/2").doubleValue()).isGreaterThan(1 - 1e-9);
                assertThat(line.at("/similarity/" + side + "/0/0").doubleValue()).isGreaterThan(1 - 1e-9);
            }
        }
    }

    @Test
    void whatOnlyOneOfTwoAdaptsIsNamed() throws IOException {
        String one = adapter("one", layers(2), 2, 1);
        String other = adapter("other", Map.of("transformer.h.1.attn.c_attn", new int[] {3 * WIDTH, WIDTH}), 5, 1);
        JsonNode json = json("analyse", one, other, "--out", page, "--json");
        assertThat(json.path("maps")).hasSize(4);
        assertThat(json.at("/maps/0/similarity/A_right")).hasSize(2);
        assertThat(json.at("/maps/0/similarity/A_right/0")).hasSize(5);
        assertThat(json.at("/gaussian/0/similarity")).hasSize(2);
        assertThat(json.path("left_out").findValuesAsText("reason")).isNotEmpty().allMatch(reason -> reason.contains("only " + one));
        assertThat(Files.readString(Path.of(page))).contains("Left out", "mlp.c_fc");
    }

    @Test
    void twoWithoutAWeightInCommonAreRefused() throws IOException {
        String one = adapter("one", layers(1), 2, 1);
        String other = adapter("other", Map.of("transformer.h.0.attn.c_attn", new int[] {12, 4}), 2, 1);
        Run run = Run.of("analyse", one, other, "--out", page);
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains("adapt no weight in common", "24 × 8").hasLineCount(1);
    }

    @Test
    void anUpdateOfZeroHasNoDirectionsAndIsNoError() throws IOException {
        String zero = adapter("zero", layers(1), 3, 0);
        JsonNode json = json("analyse", zero, adapter("one", layers(1), 3, 1), "--model", model, "--out", page, "--json");
        JsonNode update = json.at("/maps/0/updates/0");
        assertThat(update.path("directions_A").intValue()).isEqualTo(3);
        assertThat(update.path("directions_delta").intValue()).isZero();
        assertThat(update.path("effective_rank").doubleValue()).isZero();
        assertThat(update.path("amplification").isNull()).isTrue();
        assertThat(json.at("/maps/0/similarity/delta_right")).isEmpty();
        assertThat(json.at("/maps/0/similarity/A_right")).hasSize(3);
        good("analyse", zero, "--model", model, "--out", page);
    }

    @Test
    void aRankOfOneAndEmbeddingsHaveTheirNumbers() throws IOException {
        String one = adapter("one", Map.of("transformer.h.0.mlp.c_fc", new int[] {4 * WIDTH, WIDTH}), 1, 1);
        assertThat(json("analyse", one, "--model", model, "--out", page, "--json").at("/maps/0/updates/0/effective_rank").doubleValue())
                .isBetween(1 - 1e-9, 1 + 1e-9);
    }

    @Test
    void aLayerHasItsPlaceByItsNumber() throws IOException {
        String many = adapter("many", layers(12), 2, 1);
        JsonNode json = json("analyse", many, "--out", page, "--json");
        assertThat(json.at("/between_layers/0/layers").toString()).isEqualTo("[0,1,2,3,4,5,6,7,8,9,10,11]");
        assertThat(json.path("detailed_layers").toString()).isEqualTo("[0,3,7,11]");
        assertThat(json("analyse", many, "--layers", "2,5", "--out", page, "--json").path("detailed_layers").toString()).isEqualTo("[2,5]");
    }

    @Test
    void aBaseOfAnotherSizeIsRefused() throws IOException {
        String wrong = adapter("wrong", Map.of("transformer.h.0.mlp.c_fc", new int[] {16, 4}), 2, 1);
        assertThat(Run.of("analyse", wrong, "--model", model, "--out", page).err()).contains("Was it made for another base?").hasLineCount(1);
        String elsewhere = adapter("elsewhere", Map.of("transformer.h.7.mlp.c_fc", new int[] {4 * WIDTH, WIDTH}), 2, 1);
        assertThat(Run.of("analyse", elsewhere, "--model", model, "--out", page).err()).contains("--model " + model, "none of the weights");
    }

    @Test
    void numbersThatAreNoneAreRefused() throws IOException {
        String broken = adapter("broken", layers(1), 2, Double.NaN);
        Run run = Run.of("analyse", broken, "--out", page);
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains("B holds NaN at element 0").hasLineCount(1);
        assertThat(Path.of(page)).doesNotExist();
    }

    @Test
    void whatMakesNoSenseIsWrongUse() throws IOException {
        String one = adapter("one", layers(1), 2, 1);
        for (List<String> options : List.of(List.of("--out", "page.txt"), List.of("--directions", "-1"), List.of("--layers", "-2"),
                List.of("--alpha", "1,2"), List.of("--parts", "x"))) {
            List<String> all = new ArrayList<>(List.of("analyse", one));
            all.addAll(options);
            Run run = Run.of(all.toArray(String[]::new));
            assertThat(run.exitCode()).as(options.toString()).isEqualTo(ExitCode.WRONG_USE);
            assertThat(run.err()).contains(options.getFirst()).hasLineCount(1);
        }
    }
}
