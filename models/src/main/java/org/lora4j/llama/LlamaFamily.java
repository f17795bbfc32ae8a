package org.lora4j.llama;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.BodyClassifier;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Labels;
import org.lora4j.family.GgufFields;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.family.ModelFamily;
import org.lora4j.family.ModelTensors;
import org.lora4j.family.NewParameters;
import org.lora4j.family.ParameterReader;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.model.Model;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Shape;
import org.lora4j.tokenizer.ByteLevelBpe;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Tokenizers;

/**
 * Llama (Touvron et al. 2023) and the models that differ from it in a place or two: Mistral, Qwen2, Qwen3, Gemma, Gemma 2, Gemma 3's
 * texts, Phi-3. One class for all of them, each by its {@code model_type}.
 */
public final class LlamaFamily implements ModelFamily {

    static final double STANDARD_DEVIATION = 0.02;

    private final Variant variant;

    /** That of Llama itself, which lists the others. */
    public LlamaFamily() {
        this(Variant.LLAMA);
    }

    private LlamaFamily(Variant variant) {
        this.variant = variant;
    }

    @Override
    public List<ModelFamily> variants() {
        return Variant.all().stream().map(each -> (ModelFamily) new LlamaFamily(each)).toList();
    }

    @Override
    public ModelNames names() {
        return variant.names;
    }

    @Override
    public ModelConfig config(Path file) {
        return LlamaConfigFile.read(file, variant);
    }

    @Override
    public Optional<Map<String, Object>> configOf(GgufFields file) {
        return Optional.of(LlamaGguf.config(variant, file));
    }

    @Override
    public LanguageModel load(Path folder, Backend backend, double dropout, WeightType type, Consumer<String> remarks) {
        LlamaConfig written = LlamaConfigFile.read(folder.resolve("config.json"), variant);
        try (ModelTensors source = ModelTensors.open(folder, variant.names, written.isTied())) {
            source.remark().ifPresent(remarks);
            LlamaConfig config = written.withTied(source.tied());
            ParameterReader reader = new ParameterReader(source, variant.names, config::shapeOf, backend, type);
            Llama model = new Llama(config, backend, reader::parameter, dropout);
            reader.requireAllRead("a " + variant.title + " of this configuration");
            return model;
        }
    }

    @Override
    public String architecture() {
        return variant.architecture;
    }

    @Override
    public void write(Model model, Path folder, Map<String, String> metadata) {
        if (model instanceof BodyClassifier classifier) {
            LlamaWriter.write(classifier, folder, metadata);
        } else {
            LlamaWriter.write((Llama) model, folder, metadata);
        }
    }

    @Override
    public LanguageModel random(ModelConfig config, Backend backend, long seed, WeightType type) {
        LlamaConfig sizes = (LlamaConfig) config;
        return new Llama(sizes, backend, made(sizes, backend, seed, type), 0);
    }

    /** Parameters as training begins with them, by their names. */
    static Function<String, Parameter> made(LlamaConfig config, Backend backend, long seed, WeightType type) {
        NewParameters made = new NewParameters(backend, seed, STANDARD_DEVIATION);
        return name -> {
            Shape shape = config.shapeOf(name);
            if (shape.rank() == 1) {
                return made.constant(name, shape, name.endsWith(".bias") || config.variant().isGemma() ? 0 : 1);
            }
            return made.normal(name, shape, config.names().typeOf(name, type));
        };
    }

    @Override
    public LanguageModel empty(ModelConfig config, Backend backend) {
        LlamaConfig sizes = (LlamaConfig) config;
        return new Llama(sizes, backend, name -> new Parameter(name, backend, backend.allocate(sizes.shapeOf(name))), 0);
    }

    @Override
    public SequenceClassifier classifier(
            Path folder, Backend backend, ClassifierHead head, BaseDropout dropout, WeightType type, Consumer<String> remarks) {
        return LlamaClassifiers.load(folder, variant, backend, head, dropout, type, remarks);
    }

    @Override
    public SequenceClassifier randomClassifier(
            ModelConfig config, Labels labels, Backend backend, long seed, WeightType type) {
        return LlamaClassifiers.random((LlamaConfig) config, labels, backend, seed, type);
    }

    @Override
    public SequenceClassifier emptyClassifier(ModelConfig config, Labels labels, Backend backend) {
        return LlamaClassifiers.empty((LlamaConfig) config, labels, backend);
    }

    @Override
    public Tokenizer tokenizer(Path folder) {
        return Tokenizers.hasJson(folder) || Tokenizers.hasSentencePiece(folder) ? Tokenizers.sentencePiece(folder)
                : ByteLevelBpe.load(folder);
    }

    @Override
    public Map<String, ModelConfig> shapes() {
        Map<String, ModelConfig> shapes = new LinkedHashMap<>();
        switch (variant) {
            case LLAMA -> {
                shapes.put("smollm2-135m", shape(new LlamaConfig.Sizes(49152, 8192, 576, 1536, 30), heads(9, 3, 64), 1e5, true));
                shapes.put("smollm2-360m", shape(new LlamaConfig.Sizes(49152, 8192, 960, 2560, 32), heads(15, 5, 64), 1e5, true));
                shapes.put("tinyllama-1.1b", shape(new LlamaConfig.Sizes(32000, 2048, 2048, 5632, 22), heads(32, 4, 64), 1e4, false));
                shapes.put("llama-3.2-1b", shape(new LlamaConfig.Sizes(128256, 131072, 2048, 8192, 16), heads(32, 8, 64), 5e5, true));
            }
            case QWEN2 -> {
                shapes.put("qwen2.5-0.5b", shape(new LlamaConfig.Sizes(151936, 32768, 896, 4864, 24), heads(14, 2, 64), 1e6, true));
                shapes.put("qwen2.5-1.5b", shape(new LlamaConfig.Sizes(151936, 32768, 1536, 8960, 28), heads(12, 2, 128), 1e6, true));
            }
            case QWEN3 -> shapes.put("qwen3-0.6b",
                    shape(new LlamaConfig.Sizes(151936, 40960, 1024, 3072, 28), heads(16, 8, 128), 1e6, true));
            case MISTRAL, GEMMA, GEMMA2, GEMMA3, PHI3 -> {
            }
        }
        return shapes;
    }

    private static AttentionHeads heads(int count, int keyHeads, int size) {
        return new AttentionHeads(count, keyHeads, size, 1 / Math.sqrt(size));
    }

    private LlamaConfig shape(LlamaConfig.Sizes sizes, AttentionHeads heads, double theta, boolean tied) {
        return new LlamaConfig(variant, sizes, heads, new LlamaConfig.Choices(
                variant.defaults.activation(), variant.defaults.epsilon(), tied, variant == Variant.QWEN2, false, false, 0),
                LlamaConfig.Windows.none(sizes.blocks()), Rope.plain(theta, heads.size(), sizes.positions()), null);
    }
}
