package org.lora4j.gpt2;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
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
import org.lora4j.family.SequenceClassifier;
import org.lora4j.family.TuningDefaults;
import org.lora4j.model.Model;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.Parameter;
import org.lora4j.tokenizer.ByteLevelBpe;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Tokenizers;

/** GPT-2 (Radford et al. 2019). */
public final class Gpt2Family implements ModelFamily {

    static final ModelNames NAMES = new Gpt2Names();

    @Override
    public ModelNames names() {
        return NAMES;
    }

    @Override
    public ModelConfig config(Path file) {
        return Gpt2ConfigFile.read(file);
    }

    @Override
    public Optional<Map<String, Object>> configOf(GgufFields file) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("architectures", List.of(architecture()));
        json.put("model_type", "gpt2");
        json.put("vocab_size", file.rows("token_embd.weight"));
        json.put("n_positions", file.rows("position_embd.weight"));
        json.put("n_embd", file.whole("embedding_length"));
        json.put("n_inner", file.whole("feed_forward_length"));
        json.put("n_layer", file.whole("block_count"));
        json.put("n_head", file.whole("attention.head_count"));
        json.put("layer_norm_epsilon", file.number("attention.layer_norm_epsilon").orElse(1e-5));
        json.put("tie_word_embeddings", !file.hasTensor("output.weight"));
        return Optional.of(json);
    }

    @Override
    public LanguageModel load(Path folder, Backend backend, double dropout, WeightType type, Consumer<String> remarks) {
        return Gpt2Files.load(folder, backend, dropout, type, remarks);
    }

    @Override
    public String architecture() {
        return "GPT2LMHeadModel";
    }

    @Override
    public void write(Model model, Path folder, Map<String, String> metadata) {
        if (model instanceof BodyClassifier classifier) {
            Gpt2Writer.write(classifier, folder, metadata);
        } else {
            Gpt2Writer.write((Gpt2) model, folder, metadata);
        }
    }

    @Override
    public LanguageModel random(ModelConfig config, Backend backend, long seed, WeightType type) {
        return RandomGpt2.create((Gpt2Config) config, backend, seed, type);
    }

    @Override
    public LanguageModel empty(ModelConfig config, Backend backend) {
        Gpt2Config sizes = (Gpt2Config) config;
        return new Gpt2(sizes, backend, name -> new Parameter(name, backend, backend.allocate(sizes.shapeOf(name))), 0);
    }

    @Override
    public SequenceClassifier classifier(
            Path folder, Backend backend, ClassifierHead head, BaseDropout dropout, WeightType type, Consumer<String> remarks) {
        return Gpt2Classifiers.load(folder, backend, head, dropout, type, remarks);
    }

    @Override
    public SequenceClassifier randomClassifier(
            ModelConfig config, Labels labels, Backend backend, long seed, WeightType type, BaseDropout dropout) {
        return Gpt2Classifiers.random((Gpt2Config) config, labels, backend, seed, type, dropout);
    }

    @Override
    public SequenceClassifier emptyClassifier(ModelConfig config, Labels labels, Backend backend) {
        return Gpt2Classifiers.empty((Gpt2Config) config, labels, backend);
    }

    /** Those of the paper, whose experiments with this family they are. */
    @Override
    public TuningDefaults tuningDefaults() {
        return TuningDefaults.PAPER;
    }

    @Override
    public Tokenizer tokenizer(Path folder) {
        return Tokenizers.hasJson(folder) && !ByteLevelBpe.reads(folder) ? Tokenizers.json(folder) : ByteLevelBpe.load(folder);
    }

    @Override
    public Map<String, ModelConfig> shapes() {
        Map<String, ModelConfig> shapes = new LinkedHashMap<>();
        shapes.put("base-6m", Gpt2Config.of(4096, 256, 256, 6, 4));
        shapes.put("gpt2", Gpt2Config.small());
        shapes.put("gpt2-medium", Gpt2Config.medium());
        shapes.put("gpt2-large", Gpt2Config.large());
        shapes.put("gpt2-xl", Gpt2Config.xl());
        shapes.put("gpt3-175b", Gpt2Config.of(50257, 2048, 12288, 96, 96)); // to be counted; its attention is partly sparse
        return shapes;
    }
}
