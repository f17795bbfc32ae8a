package org.lora4j.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.LoralibFormat;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.model.Model;
import org.lora4j.tuning.lora.LoraAdapter;

/**
 * Reads adapters as a whole, so that nothing of a file is looked at later, and makes sure that nobody wrote to them meanwhile.
 *
 * @param name   for messages, which clients see: they name the adapter and not where it lies
 * @param folder where it lies
 */
record AdapterReader(String name, Path folder) {

    private static final int ATTEMPTS = 3;
    private static final LoralibFormat.Options UNUSED = new LoralibFormat.Options(OptionalDouble.empty(), List.of(), null);

    /** @throws LoraException if it is no adapter, is damaged, or is being written */
    StoredAdapter read() {
        if (!Files.isDirectory(folder)) {
            throw error("there is no such folder");
        }
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            List<String> before = state();
            StoredAdapter stored = null;
            LoraException refusal = null;
            try {
                stored = AdapterFiles.read(folder, UNUSED);
            } catch (LoraException e) {
                refusal = e;
            } catch (InternalError | RuntimeException e) { // a mapped file became shorter, or what it says is nonsense
                refusal = error("its files are damaged, or were cut while they were read");
            }
            if (before.equals(state())) {
                if (refusal != null) {
                    throw named(refusal);
                }
                return stored;
            }
        }
        throw error("its files are being written. Load it when they are complete");
    }

    /** Attaches what was read to a model that has no adapter. */
    LoraAdapter attach(Model model, StoredAdapter stored) {
        try {
            return PeftFormat.load(model, folder, stored.config(), stored.source(), remark -> { });
        } catch (LoraException e) {
            throw named(e);
        }
    }

    /** Names, sizes, times and identities of its files: another list where somebody wrote. */
    private List<String> state() {
        List<String> state = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.sorted().toList()) {
                BasicFileAttributes of = Files.readAttributes(file, BasicFileAttributes.class);
                state.add(file.getFileName() + " " + of.size() + " " + of.lastModifiedTime() + " " + of.fileKey());
            }
        } catch (IOException e) {
            throw error("cannot be read");
        }
        return state;
    }

    /** The same without the way to its folder. */
    private LoraException named(LoraException refusal) {
        String message = refusal.getMessage().replace("adapter '" + folder + "'", "adapter " + Names.quoted(name))
                .replace(folder + "/", "").replace(folder.toString(), name);
        return new LoraException(message.contains(Names.quoted(name)) ? message : "adapter " + Names.quoted(name) + ": " + message);
    }

    LoraException error(String problem) {
        return new LoraException("adapter " + Names.quoted(name) + ": " + problem);
    }
}
