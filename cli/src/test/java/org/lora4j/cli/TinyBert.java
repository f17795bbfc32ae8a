package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.io.DType;
import org.lora4j.io.SafetensorsWriter;

/** A random BERT of 2 blocks, 16 wide, with the words of a small language; without a head, as pretraining leaves it. */
final class TinyBert {

    static final int POSITIONS = 24;

    private static final List<String> WORDS = List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "the", "film", "book",
            "good", "bad", "great", "poor", "fine", "dull", "is", "was", "and", "not", ".", ",", "\"", "?", "cat", "dog", "sleeps",
            "runs", "it", "very", "so");

    private TinyBert() {
    }

    static Path write(Path folder) throws IOException {
        return write(folder, name -> true);
    }

    /** As pretraining by masked words leaves it: without the pooler too. */
    static Path withoutPooler(Path folder) throws IOException {
        return write(folder, name -> !name.contains("pooler"));
    }

    private static Path write(Path folder, Predicate<String> there) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("vocab.txt"), String.join("\n", WORDS) + "\n");
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"do_lower_case\": true, \"tokenizer_class\": \"BertTokenizer\"}");
        Files.writeString(folder.resolve("config.json"), """
                {"model_type": "bert", "vocab_size": %d, "max_position_embeddings": %d, "hidden_size": 16, "num_hidden_layers": 2,
                 "num_attention_heads": 2, "intermediate_size": 32, "type_vocab_size": 2, "hidden_act": "gelu", "pad_token_id": 0,
                 "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "initializer_range": 0.2}
                """.formatted(WORDS.size(), POSITIONS));
        try (Backend backend = Backends.create("reference")) {
            SequenceClassifier model = Families.randomClassifier(
                    Families.config(folder), Labels.NUMBER, backend, 1, WeightType.FLOAT32);
            SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
            model.parameters().stream().filter(parameter -> !model.names().isOfClassifier(parameter.name()))
                    .filter(parameter -> there.test(parameter.name())).forEach(parameter ->
                    writer.add(parameter.name(), DType.F32, parameter.shape(), backend.readDoubles(parameter.value())));
            writer.write(folder.resolve("model.safetensors"));
        }
        return folder;
    }
}
