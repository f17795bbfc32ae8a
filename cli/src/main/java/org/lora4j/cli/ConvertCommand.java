package org.lora4j.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.AdapterFormat;
import org.lora4j.adapters.PeftConfig;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.family.Families;
import org.lora4j.io.DType;
import org.lora4j.io.JsonFile;
import org.lora4j.io.NamedTensor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j convert}. */
@Command(
        name = "convert",
        description = {
            "Turns an adapter into another format: PEFT, loralib, GGUF.",
            "",
            "Formats: peft (a folder with adapter_model.safetensors), peft-bin (the same with adapter_model.bin), loralib (the "
                    + "authors' .pt), gguf (for llama.cpp, of the families of models "
                    + "that it has). Tensors are copied bit for bit; where a format knows one "
                    + "alpha for all modules and the adapter has several, B is multiplied, and a remark says so. What a format "
                    + "has no place for is refused by name. docs/formats.md has each layout.",
        },
        footer = {
            "  lora4j convert their-lora.pt --alpha 32 --to peft --out my-adapter",
            "  lora4j convert my-adapter --to gguf --out my-adapter.gguf",
        })
final class ConvertCommand extends LoraCommand {

    @Mixin
    private AdapterChoice adapter;

    @Option(names = "--to", paramLabel = "FORMAT",
            description = "peft, peft-bin, loralib or gguf (default: by the name of --out: .gguf, .pt or .bin, else peft).")
    private String to;

    @Option(names = "--out", required = true, paramLabel = "PATH", description = "Where to write, a folder or a file.")
    private Path out;

    @Option(names = "--dtype", paramLabel = "TYPE", description = "f32, f16 or bf16 (default: as they are).")
    private String dtype;

    @Option(names = "--base", paramLabel = "NAME", description = "The base's name, for formats that say it.")
    private String base;

    @Option(names = "--model", paramLabel = "DIR",
            description = "The base's folder: target modules are then named as shortly as they can be; for GGUF, what "
                    + "kind of model it is and how large its heads are.")
    private String model;

    @Option(names = "--overwrite", description = "Replace what --out holds.")
    private boolean overwrite;

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    @Override
    protected int run() throws Exception {
        AdapterFormat format = format();
        try (RunFolder locked = format.isFolder() ? RunFolder.open(out) : null) {
            return convert(format);
        }
    }

    private int convert(AdapterFormat format) throws Exception {
        DType type = dtype == null ? null : Types.named(dtype).orElseThrow(() -> wrongUse("--dtype " + dtype
                + ": expected f32, f16 or bf16"));
        Path from = adapter.path();
        Destination read = Destination.reading("the adapter", from)
                .and("--model", model == null ? null : EmbeddedBase.resolve(model));
        if (format.isFolder()) {
            read.requireFolderApart(out);
            Destination.requireFolder(out, overwrite);
        } else {
            read.requireFileApart(out);
            Destination.requireFile(out, overwrite);
        }
        StoredAdapter stored = AdapterFiles.read(from, adapter.loralib(base != null ? base : model), modelConfig());
        stored = new StoredAdapter(stored.path(), named(stored), typed(stored.tensors(), type), stored.metadata());
        List<String> remarks = new ArrayList<>();
        AdapterFiles.write(stored, format, out, modelConfig() == null ? configOfBase(stored) : modelConfig(), remarks);
        print(stored, AdapterFiles.formatOf(from), format, remarks);
        return ExitCode.OK;
    }

    /** The config.json of --model, or null. */
    private ObjectNode modelConfig() {
        return model == null ? null : JsonFile.read(EmbeddedBase.resolve(model).resolve("config.json"));
    }

    /** That of the base that the adapter names, where that is a folder here. */
    private static ObjectNode configOfBase(StoredAdapter stored) {
        Path file = stored.config().baseModel().map(name -> Path.of(name, "config.json")).orElse(null);
        return file == null || !Files.isRegularFile(file) ? null : JsonFile.read(file);
    }

    private AdapterFormat format() {
        if (to != null) {
            return AdapterFormat.named(to).orElseThrow(() -> wrongUse("--to " + to + ": expected " + AdapterFormat.all()));
        }
        String name = out.getFileName() == null ? "" : out.getFileName().toString();
        return name.endsWith(".gguf") ? AdapterFormat.GGUF
                : name.endsWith(".pt") || name.endsWith(".bin") ? AdapterFormat.LORALIB : AdapterFormat.PEFT;
    }

    /** The configuration with the base's name, and where the base is at hand with short names of its modules. */
    private PeftConfig named(StoredAdapter stored) {
        PeftConfig config = base == null ? stored.config() : stored.config().with("base_model_name_or_path", base);
        if (model == null) {
            return config;
        }
        Set<String> modules = new LinkedHashSet<>();
        stored.updates().forEach(update -> modules.add(update.module()));
        return config.with("target_modules", PeftFormat.shortest(modules,
                Families.config(EmbeddedBase.resolve(model)).adaptableModules()));
    }

    private static List<NamedTensor> typed(List<NamedTensor> tensors, DType type) {
        return type == null ? tensors
                : tensors.stream().map(tensor -> tensor.dtype().isFloating() ? tensor.as(type) : tensor).toList();
    }

    private void print(StoredAdapter stored, AdapterFormat from, AdapterFormat format, List<String> remarks) throws Exception {
        int modules = stored.updates().size();
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("from", from.text());
            result.put("to", format.text());
            result.put("out", out.toString());
            result.put("modules", modules);
            result.put("r", stored.config().r());
            result.put("alpha", stored.config().alpha());
            result.put("bytes", AdapterChoice.size(out));
            result.put("remarks", remarks);
            ui().printJson(result);
            return;
        }
        remarks.forEach(ui()::info);
        ui().print("wrote %s: %d modules from %s to %s, %s".formatted(
                out, modules, from.text(), format.text(), Bytes.text(AdapterChoice.size(out))));
    }
}
