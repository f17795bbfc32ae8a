package org.lora4j.adapters;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.AtomicFolder;
import org.lora4j.io.DownloadErrors;
import org.lora4j.io.FileErrors;
import org.lora4j.io.FormatException;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.io.TensorFiles;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.io.torch.TorchFile;
import org.lora4j.io.torch.TorchWriter;

/** Opens an adapter of any format, and writes it in any. */
public final class AdapterFiles {

    private static final String SAFETENSORS = TensorFiles.ADAPTER + ".safetensors";

    private AdapterFiles() {
    }

    /**
     * Which format it is, by what it holds and not by its name.
     *
     * @throws LoraException if there is nothing, or nothing that is an adapter
     */
    public static AdapterFormat formatOf(Path path) {
        if (Files.isDirectory(path)) {
            AtomicFolder.recover(path);
            boolean onlyBin = Files.exists(path.resolve(TensorFiles.ADAPTER_BIN)) && !Files.exists(path.resolve(SAFETENSORS));
            return onlyBin ? AdapterFormat.PEFT_BIN : AdapterFormat.PEFT;
        }
        byte[] beginning = beginning(path);
        if (GgufFile.looksLikeOne(beginning)) {
            return AdapterFormat.GGUF;
        }
        if (TorchFile.looksLikeOne(beginning)) {
            return AdapterFormat.LORALIB;
        }
        DownloadErrors.refuse(path, beginning);
        throw new FormatException(path, path.getFileName().toString().startsWith("adapter_")
                ? "is a part of a PEFT adapter; name its folder"
                : "is neither a PyTorch file nor GGUF, and a PEFT adapter is a folder; it is no adapter that lora4j reads");
    }

    private static byte[] beginning(Path path) {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new FormatException(path, "is neither a folder nor a regular file");
        }
        try (InputStream in = Files.newInputStream(path)) {
            return in.readNBytes(DownloadErrors.BEGINNING);
        } catch (IOException e) {
            throw FileErrors.reading(path, e);
        }
    }

    // ------------------------------------------------------------------------------------------------ reading

    /** @param loralib what to know of a loralib file beside what it says; of no effect for the others */
    public static StoredAdapter read(Path path, LoralibFormat.Options loralib) {
        return read(path, loralib, null);
    }

    /** @param base the base's {@code config.json}, for GGUF; null where it is not at hand */
    public static StoredAdapter read(Path path, LoralibFormat.Options loralib, @Nullable ObjectNode base) {
        return switch (formatOf(path)) {
            case PEFT, PEFT_BIN -> readPeft(path);
            case GGUF -> GgufAdapter.read(path, base);
            case LORALIB -> LoralibFormat.toPeft(LoralibFormat.read(path), loralib);
        };
    }

    private static StoredAdapter readPeft(Path folder) {
        MethodFolder.requireUpdates(folder);
        return PeftFormat.read(folder, (config, source) -> new StoredAdapter(folder, config,
                source.names().stream().map(name -> NamedTensor.copyOf(source, name)).toList(), source.metadata()));
    }

    // ------------------------------------------------------------------------------------------------ writing

    /**
     * Writes the adapter; the file, or the folder's files together, in one atomic step.
     *
     * @param remarks what the user should know: how it was made to fit, what to give the program that loads it
     * @throws LoraException if the adapter holds what the format has no place for, or the place cannot be written
     */
    public static void write(StoredAdapter adapter, AdapterFormat format, Path out, List<String> remarks) {
        write(adapter, format, out, null, remarks);
    }

    /** @param base the base's {@code config.json}, for GGUF; null where it is not at hand */
    public static void write(
            StoredAdapter adapter, AdapterFormat format, Path out, @Nullable ObjectNode base, List<String> remarks) {
        if (adapter.updates().isEmpty()) {
            throw adapter.error("holds no low-rank update, neither lora_A nor lora_embedding_A");
        }
        for (NamedTensor tensor : adapter.tensors()) {
            long infinite = adapter.notFinite(tensor);
            if (infinite > 0) {
                remarks.add(Names.oneLine(tensor.name() + " holds " + infinite + " of " + tensor.shape().size()
                        + " values that are NaN or infinite; they are written as they are"));
            }
        }
        adapter.frozenCopies().filter(copy -> !format.isFolder()).forEach(copy -> remarks.add(Names.oneLine("left out "
                + copy.name() + ", the base's frozen weight once more: " + format.text() + " takes that of the base it is used with")));
        switch (format) {
            case PEFT, PEFT_BIN -> writePeft(adapter, format, out);
            case GGUF -> GgufAdapter.write(adapter, out, stem(out), base, remarks);
            case LORALIB -> {
                double alpha = LoralibFormat.write(adapter, out, remarks);
                remarks.add("a loralib file does not say alpha: build the model's layers with lora_alpha = "
                        + Names.number(alpha));
            }
        }
    }

    private static void writePeft(StoredAdapter adapter, AdapterFormat format, Path folder) {
        AtomicFolder.write(folder, staging -> {
            adapter.config().write(staging.resolve(PeftConfig.FILE_NAME));
            if (format == AdapterFormat.PEFT_BIN) {
                TorchWriter tensors = new TorchWriter(TensorFiles.ADAPTER);
                adapter.tensors().forEach(tensors::add);
                tensors.write(staging.resolve(TensorFiles.ADAPTER_BIN));
            } else {
                SafetensorsWriter tensors = new SafetensorsWriter().metadata("format", "pt");
                adapter.metadata().forEach((key, value) -> {
                    if (!key.equals("format")) {
                        tensors.metadata(key, value);
                    }
                });
                adapter.tensors().forEach(tensors::add);
                tensors.write(staging.resolve(SAFETENSORS));
            }
        });
        // an older adapter's tensors in the other layout: PEFT would take safetensors first, whatever the .bin says
        Path stale = folder.resolve(format == AdapterFormat.PEFT_BIN ? SAFETENSORS : TensorFiles.ADAPTER_BIN);
        try {
            Files.deleteIfExists(stale);
        } catch (IOException e) {
            throw new LoraException(Names.oneLine("the adapter was written to " + folder + ", but the older " + stale.getFileName()
                    + " beside it cannot be removed: ") + FileErrors.writing(stale, e).getMessage(), e);
        }
    }

    private static String stem(Path file) {
        return file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    }
}
