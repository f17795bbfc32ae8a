package org.lora4j.family;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.lora4j.Names;
import org.lora4j.io.AtomicFolder;
import org.lora4j.io.FileErrors;

/**
 * The files that belong to a model beside its tensors and {@code config.json}: all that a tokenizer may need, templates of
 * chats, and how to generate. Whoever writes a model made of another copies them, or the new one cannot read a text.
 *
 * <p>A link is followed within the folder, into the cache of the hub (where every file of a model is a link to
 * {@code blobs}), and to a file of the same name; any other leads to something that is no part of the model, and is left
 * out with a remark.
 */
public final class ModelCompanions {

    /** Where Transformers 5 puts chat templates beyond the first; in folders of their own, as no other companion is. */
    private static final List<String> FOLDERS = List.of("additional_chat_templates", "chat_templates");

    private static final Pattern NAMES = Pattern.compile("""
            vocab[^/]*\\.(json|bpe|txt)|merges[^/]*\\.txt|encoder\\.json|tokenizer[^/]*\\.(json|model)|[^/]*\\.tiktoken|\
            special_tokens_map\\.json|added_tokens\\.json|(sentencepiece|spiece|spm)[^/]*\\.model|dict\\.txt|\
            chat_template[^/]*\\.(jinja|json)|generation_config\\.json""");

    private static final Pattern TEMPLATES = Pattern.compile("[^/]*\\.jinja");

    private ModelCompanions() {
    }

    /**
     * Copies those that are files into a folder that is new or being staged; {@link #finish} does the rest.
     *
     * @param remarks is told what is left out, and why
     */
    public static void copyFiles(Path model, Path staging, Consumer<String> remarks) throws IOException {
        copyAll(of(model, NAMES, remarks), staging);
    }

    /** Copies those that are folders, and takes away companions in {@code to} that the model does not have. */
    public static void finish(Path model, Path to, Consumer<String> remarks) {
        for (String name : FOLDERS) {
            List<Path> files = Files.isDirectory(model.resolve(name))
                    ? of(model.resolve(name), TEMPLATES, remarks) : List.of();
            if (!files.isEmpty()) {
                AtomicFolder.write(to.resolve(name), staging -> copyAll(files, staging));
            }
            removeOthers(to.resolve(name), TEMPLATES, files);
        }
        removeOthers(to, NAMES, of(model, NAMES, remark -> { }));
    }

    /** Gives a folder all of the model's companions, and no others. */
    public static void replace(Path model, Path to, Consumer<String> remarks) {
        AtomicFolder.write(to, staging -> copyFiles(model, staging, remarks));
        finish(model, to, remarks);
    }

    /** Takes them away. */
    public static void remove(Path folder) {
        FOLDERS.forEach(name -> removeOthers(folder.resolve(name), TEMPLATES, List.of()));
        removeOthers(folder, NAMES, List.of());
    }

    private static void copyAll(List<Path> files, Path to) throws IOException {
        for (Path file : files) {
            Files.copy(file, to.resolve(file.getFileName().toString()));
        }
    }

    private static void removeOthers(Path folder, Pattern names, List<Path> kept) {
        List<String> keptNames = kept.stream().map(file -> file.getFileName().toString()).toList();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
                for (Path file : files) {
                    String name = file.getFileName().toString();
                    if (names.matcher(name).matches() && !keptNames.contains(name) && !Files.isDirectory(file)) {
                        Files.delete(file);
                    }
                }
            } catch (IOException e) {
                throw FileErrors.writing(folder, e);
            }
        }
    }

    private static List<Path> of(Path folder, Pattern names, Consumer<String> remarks) {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                if (!names.matcher(file.getFileName().toString()).matches()) {
                    continue;
                }
                if (!Files.isRegularFile(file)) {
                    String link = FileErrors.brokenLink(file);
                    remarks.accept(Names.oneLine(file + " " + (link == null ? "is no regular file" : link) + ": it is not copied"));
                } else if (belongsTo(folder, file)) {
                    found.add(file);
                } else {
                    remarks.accept(Names.oneLine(file + " is a link out of the folder, to " + Files.readSymbolicLink(file)
                            + ": it is not copied. Put the file there if it belongs to the model"));
                }
            }
        } catch (IOException e) {
            throw FileErrors.reading(folder, e);
        }
        found.sort(null);
        return found;
    }

    private static boolean belongsTo(Path folder, Path file) throws IOException {
        if (!Files.isSymbolicLink(file)) {
            return true;
        }
        Path target = file.toRealPath();
        Path real = folder.toRealPath();
        Path repository = real.getParent() == null || real.getParent().getParent() == null ? real : real.getParent().getParent();
        return target.startsWith(real) || target.startsWith(repository.resolve("blobs"))
                || target.getFileName().equals(file.getFileName());
    }
}
