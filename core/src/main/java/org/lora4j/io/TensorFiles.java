package org.lora4j.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.io.torch.TorchFile;

/**
 * Finds the tensors of a model or an adapter in its folder. With the stem {@code model} these are, in this order,
 *
 * <pre>
 *   model.safetensors               one file
 *   model.safetensors.index.json    several, see {@link ShardedTensors}
 *   pytorch_model.bin               what was written before safetensors, see {@link TorchFile}
 *   pytorch_model.bin.index.json    several of them
 *   NAME.gguf                       a model of llama.cpp's, if it is the only one there
 * </pre>
 *
 * and with {@code adapter_model} those of a PEFT adapter, which older versions of PEFT wrote as {@code adapter_model.bin}, see
 * {@link TorchFile}. A save of this folder that was interrupted is finished first,
 * see {@link AtomicFolder}.
 */
public final class TensorFiles {

    /** The stem of a model's tensors in Hugging Face layout. */
    public static final String MODEL = "model";
    /** The stem of an adapter's tensors in PEFT's layout. */
    public static final String ADAPTER = "adapter_model";

    /** An adapter's tensors as older versions of PEFT wrote them. */
    public static final String ADAPTER_BIN = "adapter_model.bin";

    /** A model's tensors as they were written before safetensors. */
    private static final String MODEL_BIN = "pytorch_model.bin";

    private TensorFiles() {
    }

    /** The tensors of a model's folder, or of one .safetensors file. */
    public static TensorSource open(Path folderOrFile) {
        return Files.isRegularFile(folderOrFile) ? Safetensors.open(folderOrFile) : open(folderOrFile, MODEL);
    }

    /**
     * Opens what a folder has of that stem: one safetensors file, shards with an index, or PyTorch's.
     *
     * @param stem {@link #MODEL}, {@link #ADAPTER} or whatever else comes before {@code .safetensors}
     * @throws LoraException if there is no such folder or it holds no such tensors; the message lists what it does hold
     */
    public static TensorSource open(Path folder, String stem) {
        if (!Files.isDirectory(folder)) {
            String link = FileErrors.brokenLink(folder);
            throw new LoraException(Names.oneLine((link == null ? "there is no folder " + folder : folder + " " + link)
                    + ", expected one with " + stem + ".safetensors in it"));
        }
        AtomicFolder.recover(folder);
        Path single = folder.resolve(stem + ".safetensors");
        Path index = folder.resolve(stem + ".safetensors.index.json");
        if (isThere(single)) {
            return Safetensors.open(single);
        }
        if (isThere(index)) {
            return ShardedTensors.open(index);
        }
        Path torch = folder.resolve(stem.equals(ADAPTER) ? ADAPTER_BIN : MODEL_BIN);
        boolean older = stem.equals(ADAPTER) || stem.equals(MODEL);
        if (older && isThere(torch)) {
            return TorchFile.open(torch);
        }
        Path torchIndex = folder.resolve(MODEL_BIN + ".index.json");
        if (stem.equals(MODEL) && isThere(torchIndex)) {
            return ShardedTensors.open(torchIndex);
        }
        Path gguf = stem.equals(MODEL) ? onlyGguf(folder) : null;
        if (gguf != null) {
            return GgufFile.open(gguf);
        }
        throw new LoraException(Names.oneLine("the folder " + folder + " has neither " + single.getFileName() + " nor "
                + index.getFileName() + "; " + contents(folder)));
    }

    /** Also where it is a link to something that is gone: opening it then says so. */
    private static boolean isThere(Path file) {
        return Files.exists(file) || Files.isSymbolicLink(file);
    }

    /** The folder's GGUF file, if there is just one. */
    private static @Nullable Path onlyGguf(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> all = files.filter(file -> file.toString().endsWith(".gguf")).toList();
            return all.size() == 1 ? all.getFirst() : null;
        } catch (IOException e) {
            throw FileErrors.reading(folder, e);
        }
    }

    private static String contents(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            List<String> names = files.map(file -> file.getFileName().toString()).sorted().toList();
            return names.isEmpty() ? "it is empty" : "it has " + Names.some(names, 8);
        } catch (IOException e) {
            throw FileErrors.reading(folder, e);
        }
    }
}
