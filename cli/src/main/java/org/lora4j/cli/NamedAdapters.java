package org.lora4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.data.PromptFile;
import org.lora4j.family.LanguageModel;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.AdapterSet;

/**
 * The adapters of several {@code --adapter NAME=DIR}, as a set.
 *
 * @param folders by their names, in the order in which they were given
 */
record NamedAdapters(Map<String, Path> folders) {

    /** A name has no slash in it, so a folder's path with an equals sign can be told apart by a ./ in front. */
    private static final Pattern NAMED = Pattern.compile("([^/\\\\=]+)=(.+)", Pattern.DOTALL);

    /**
     * Whether one of the options has a name; one folder alone needs none. {@code lr=0.01} is a folder of that name where
     * there is one.
     *
     * @throws LoraException if it could be a folder of that name as well as a name and its folder
     */
    static boolean areNamed(List<String> options) {
        return options.size() > 1 || options.stream().anyMatch(option -> NAMED.matcher(option).matches() && !isFolder(option));
    }

    private static boolean isFolder(String option) {
        if (!Files.exists(Path.of(option))) {
            return false;
        }
        String folder = option.substring(option.indexOf('=') + 1);
        if (Files.exists(Path.of(folder))) {
            throw new LoraException("--adapter " + option + ": there is a folder " + option + ", and a folder " + folder
                    + ". Say --adapter ./" + option + " for the first, or --adapter NAME=" + folder + " with another name");
        }
        return true;
    }

    /** @throws LoraException if one has no name, or two have the same */
    static NamedAdapters of(List<String> options) {
        Map<String, Path> folders = new LinkedHashMap<>();
        for (String option : options) {
            Matcher named = NAMED.matcher(option);
            if (!named.matches() || isFolder(option)) {
                throw new LoraException("--adapter " + option + ": where there are several, each needs a name. Say "
                        + "--adapter NAME=" + option);
            }
            if (folders.put(named.group(1), Path.of(named.group(2))) != null) {
                throw new LoraException("--adapter " + option + ": there are two called " + named.group(1)
                        + ". Choose another name for one of them");
            }
        }
        return new NamedAdapters(folders);
    }

    /** The folder where there is one alone and it is not LoRA's, so that it is a part of the model and cannot be switched; else null. */
    Path otherThanLora() {
        Path only = folders.size() == 1 ? folders.values().iterator().next() : null;
        return only != null && MethodFolder.method(only).isPresent() ? only : null;
    }

    /** All of them over a model. */
    AdapterSet load(LanguageModel model, Ui ui) {
        folders.forEach((name, folder) -> MethodFolder.method(folder).ifPresent(method -> {
            throw new LoraException("--adapter " + name + "=" + folder + ": was trained by " + method.name() + ", which is a part of "
                    + "the model while it is attached; only LoRA's adapters share one. Give it alone, as --adapter " + folder);
        }));
        AdapterSet set = new AdapterSet(model);
        folders.forEach((name, folder) -> set.load(name, base -> PeftFormat.load(base, folder, ui::info)));
        return set;
    }

    /** What the adapter was trained on; plain for the base. */
    PromptFormat format(String name) {
        return folders.containsKey(name) ? PromptFormat.of(PeftFormat.metadata(folders.get(name))) : PromptFormat.PLAIN;
    }

    /** Where it lies; null for the base. */
    Path folder(String name) {
        return folders.get(name);
    }

    /**
     * The adapter of a prompt that names one, or the base where it names none.
     *
     * @param file as it was given
     * @throws LoraException if there is none of that name, naming the line
     */
    String of(PromptFile.Line line, String file) {
        if (line.adapter() == null || line.adapter().equals(AdapterSet.BASE)) {
            return AdapterSet.BASE;
        }
        if (!folders.containsKey(line.adapter())) {
            List<String> nearest = Names.nearest(line.adapter(), folders.keySet(), 1);
            throw new LoraException(file + ": line " + line.line() + " asks for adapter "
                    + Names.quoted(line.adapter()) + ", " + (nearest.isEmpty()
                    ? "there are " + Names.some(folders.keySet(), 12) : "which is not there (nearest: " + nearest.getFirst() + ")")
                    + ". Give --adapter " + Names.oneLine(line.adapter()) + "=DIR too");
        }
        return line.adapter();
    }
}
