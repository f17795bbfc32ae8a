package org.lora4j.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.gpt2.Gpt2Names;
import org.lora4j.io.DType;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.tensor.Shape;

/** A random GPT-2 of 2 layers, 8 wide, with the tokenizer of base-6m and 64 positions; and ways to spoil its files. */
final class TinyModel {

    static final int POSITIONS = 64;
    static final int VOCABULARY = 4096;
    static final int WIDTH = 8;

    private TinyModel() {
    }

    static Path write(Path folder) throws IOException {
        return write(folder, VOCABULARY);
    }

    /** @param vocabulary fewer than the tokenizer has makes a model that does not belong to it */
    static Path write(Path folder, int vocabulary) throws IOException {
        return write(folder, vocabulary, (name, values) -> { });
    }

    /** One that always prefers the same tokens, the first of them most, whatever it has read. */
    static Path preferring(Path folder, int... tokens) throws IOException {
        return write(folder, VOCABULARY, (name, values) -> {
            if (name.startsWith("transformer.ln_f")) { // what comes out is (1, 0, 0, …)
                Arrays.fill(values, 0);
                values[0] = name.endsWith("bias") ? 1 : 0;
            } else if (name.equals("transformer.wte.weight")) {
                for (int i = 0; i < tokens.length; i++) {
                    values[tokens[i] * WIDTH] = 20 - 0.1 * i;
                }
            }
        });
    }

    private static Path write(Path folder, int vocabulary, BiConsumer<String, double[]> change) throws IOException {
        Files.createDirectories(folder);
        for (String file : List.of("vocab.json", "merges.txt")) {
            Files.copy(EmbeddedBase.folder().resolve(file), folder.resolve(file));
        }
        Files.writeString(folder.resolve("config.json"), """
                {"model_type": "gpt2", "vocab_size": %d, "n_positions": %d, "n_embd": %d, "n_layer": 2, "n_head": 2}
                """.formatted(vocabulary, POSITIONS, WIDTH));
        Gpt2Config config = Gpt2Config.of(vocabulary, POSITIONS, WIDTH, 2, 2);
        Random random = new Random(1);
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        for (String name : names()) {
            Shape shape = config.shapeOf(name);
            Shape stored = new Gpt2Names().isInByOut(name) ? Shape.of(shape.dim(1), shape.dim(0)) : shape;
            double[] values = random.doubles(shape.size(), -0.3, 0.3).toArray();
            change.accept(name, values);
            writer.add(name, DType.F32, stored, values);
        }
        writer.write(folder.resolve("model.safetensors"));
        return folder;
    }

    private static List<String> names() {
        List<String> names = new ArrayList<>(List.of("transformer.wte.weight", "transformer.wpe.weight"));
        for (int layer = 0; layer < 2; layer++) {
            for (String module : List.of("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")) {
                names.add("transformer.h." + layer + "." + module + ".weight");
                names.add("transformer.h." + layer + "." + module + ".bias");
            }
        }
        names.addAll(List.of("transformer.ln_f.weight", "transformer.ln_f.bias"));
        return names;
    }

    /** A batch as trace reads it, one row. */
    static Path batch(Path file, long... ids) {
        return batch(file, ids, ids);
    }

    static Path batch(Path file, long[] ids, long[] labels) {
        new SafetensorsWriter()
                .add("input_ids", DType.I64, Shape.of(1, ids.length), ids)
                .add("labels", DType.I64, Shape.of(1, labels.length), labels)
                .write(file);
        return file;
    }

    /** Cuts the last bytes off. */
    static void truncate(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 5));
    }

    /** Lets the header claim to be as long as this. */
    static void claimHeader(Path file, long length) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
        Files.write(file, bytes);
    }

    static void replace(Path file, String found, String by) throws IOException {
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        if (!text.contains(found)) {
            throw new IllegalArgumentException(file + " has no " + found);
        }
        Files.writeString(file, text.replace(found, by), StandardCharsets.ISO_8859_1);
    }
}
