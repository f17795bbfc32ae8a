package org.lora4j.toy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.family.ModelFamily;
import org.lora4j.family.ModelTensors;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.DType;
import org.lora4j.io.JsonFile;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.model.Model;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;
import org.lora4j.tokenizer.ByteLevelBpe;
import org.lora4j.tokenizer.Tokenizer;

/** Toys, and their files. */
public final class ToyFamily implements ModelFamily {

    static final ModelNames NAMES = new ToyNames();

    @Override
    public ModelNames names() {
        return NAMES;
    }

    @Override
    public String architecture() {
        return "ToyForCausalLM";
    }

    @Override
    public ModelConfig config(Path file) {
        ObjectNode json = JsonFile.read(file);
        return new ToyConfig(json.path("vocab_size").intValue(), json.path("longest").intValue(), json.path("width").intValue(),
                json.path("stages").intValue(), json.path("heads").intValue(), json.path("inner").intValue());
    }

    @Override
    public LanguageModel load(Path folder, Backend backend, double dropout, WeightType type, Consumer<String> remarks) {
        ToyConfig config = (ToyConfig) config(folder.resolve("config.json"));
        try (ModelTensors source = tensors(folder)) {
            return new Toy(config, backend, filled(config, backend, type, source::floats));
        }
    }

    @Override
    public void write(Model model, Path folder, Map<String, String> metadata) {
        Backend backend = model.backend();
        ToyConfig config = ((Toy) model).config();
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        metadata.forEach(writer::metadata);
        model.parameters().forEach(parameter -> writer.addLater(
                parameter.name(), DType.F32, parameter.shape(), () -> backend.readFloats(parameter.value())));
        writer.write(folder.resolve("model.safetensors"));
        byte[] json = """
                {"model_type": "toy", "vocab_size": %d, "longest": %d, "width": %d, "stages": %d, "heads": %d, "inner": %d}
                """.formatted(config.vocabulary(), config.longest(), config.width(), config.stages(), config.heads(),
                config.inner()).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(folder.resolve("config.json"), out -> out.write(json));
    }

    @Override
    public LanguageModel random(ModelConfig config, Backend backend, long seed, WeightType type) {
        ToyConfig sizes = (ToyConfig) config;
        return new Toy(sizes, backend, filled(sizes, backend, type, name -> {
            float[] values = new float[Math.toIntExact(sizes.shapeOf(name).size())];
            new Philox(seed).fillNormal(values, 0.3, 0, Philox.site(name));
            return values;
        }));
    }

    private static Function<String, Parameter> filled(
            ToyConfig config, Backend backend, WeightType type, Function<String, float[]> values) {
        return name -> {
            Tensor tensor = backend.allocateWeight(config.shapeOf(name), NAMES.isMatrix(name) ? type : WeightType.FLOAT32);
            backend.upload(values.apply(name), tensor);
            backend.freeze(tensor);
            return new Parameter(name, backend, tensor);
        };
    }

    @Override
    public LanguageModel empty(ModelConfig config, Backend backend) {
        ToyConfig sizes = (ToyConfig) config;
        return new Toy(sizes, backend, name -> new Parameter(name, backend, backend.allocate(sizes.shapeOf(name))));
    }

    @Override
    public Tokenizer tokenizer(Path folder) {
        return ByteLevelBpe.load(folder);
    }

    @Override
    public Map<String, ModelConfig> shapes() {
        return Map.of();
    }
}
