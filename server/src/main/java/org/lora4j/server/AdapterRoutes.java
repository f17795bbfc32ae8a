package org.lora4j.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderNames;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipInputStream;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.PeftConfig;
import org.lora4j.io.AtomicFolder;
import org.lora4j.io.TensorFiles;

/**
 * Loads and unloads adapters while others are at work.
 *
 * <p>What a request calls a path is a way inside the one folder that the server's owner named. It is followed to what it really is,
 * links included, and must end in that folder, as must each file of the adapter.
 */
final class AdapterRoutes {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");
    private static final Set<String> FILES = Set.of(PeftConfig.FILE_NAME, TensorFiles.ADAPTER + ".safetensors", "README.md");
    private static final long LARGEST = 2L << 30;
    private static final int STEP = 1 << 16;

    private final AdapterHost host;
    private final @Nullable Path folder;
    private final boolean uploads;

    AdapterRoutes(AdapterHost host, ServerSettings settings) {
        this.host = host;
        folder = settings.adaptersFolder();
        uploads = settings.uploads();
    }

    /** {@code GET /v1/adapters}: all models, and what clients may do. */
    ObjectNode listed() {
        return host.models().put("may_load", folder != null).put("may_upload", uploads);
    }

    /** {@code POST /v1/adapters}: {@code {"name": …, "path": …}}, or the adapter itself as a zip file. */
    void load(Exchange exchange) {
        String type = exchange.request().headers().first(HeaderNames.CONTENT_TYPE).orElse("").toLowerCase(Locale.ROOT);
        if (type.startsWith("application/zip")) {
            String name = exchange.request().query().first("name").orElse("");
            exchange.send(host.described(upload(checkedName(name), exchange)));
            return;
        }
        Fields fields = new Fields(exchange.json());
        String name = checkedName(fields.requiredText("name"));
        String path = fields.text("path");
        exchange.send(host.described(host.load(name, inFolder(path == null ? name : path))));
    }

    /** {@code POST /v1/load_lora_adapter}, as vLLM calls it. */
    void loadAsVllm(Exchange exchange) {
        Fields fields = new Fields(exchange.json());
        String name = checkedName(fields.requiredText("lora_name"));
        host.load(name, inFolder(fields.requiredText("lora_path")));
        exchange.sendText("text/plain; charset=utf-8", "Success: LoRA adapter '" + name + "' added successfully.");
    }

    void unload(Exchange exchange) {
        requireAllowed();
        String name = exchange.request().path().pathParameters().get("name");
        host.unload(name);
        exchange.send(Json.object().put("id", name).put("object", "model").put("deleted", true));
    }

    /** {@code POST /v1/unload_lora_adapter}, as vLLM calls it. */
    void unloadAsVllm(Exchange exchange) {
        requireAllowed();
        ObjectNode body = exchange.json();
        String name = new Fields(body).requiredText("lora_name");
        host.unload(name);
        exchange.sendText("text/plain; charset=utf-8", "Success: LoRA adapter '" + name + "' removed successfully.");
    }

    private void requireAllowed() {
        if (folder == null) {
            throw ApiException.withStatus(403, "not_allowed", "Adapters are fixed on this server: it was started without a folder for them");
        }
    }

    private static String checkedName(String name) {
        if (!NAME.matcher(name).matches()) {
            throw ApiException.invalid("name", "The name " + Names.quoted(name)
                    + ": expected up to 100 letters, digits, '.', '_' or '-', a letter or digit first");
        }
        return name;
    }

    /** What a path means inside the folder. */
    private Path inFolder(String path) {
        requireAllowed();
        ApiException no = ApiException.invalid("path", "The path " + Names.quoted(path)
                + ": there is no such folder in the folder of adapters");
        try {
            Path root = folder.toRealPath();
            Path asked = Path.of(path);
            if (asked.isAbsolute() && !asked.normalize().startsWith(root) || !root.resolve(asked).normalize().startsWith(root)) {
                throw no;
            }
            Path real = root.resolve(asked).toRealPath();
            if (!real.startsWith(root) || real.equals(root) || !Files.isDirectory(real)) {
                throw no;
            }
            try (Stream<Path> files = Files.list(real)) {
                for (Path file : files.toList()) {
                    if (!file.toRealPath().startsWith(root)) {
                        throw no;
                    }
                }
            }
            return real;
        } catch (IOException | InvalidPathException e) {
            throw no;
        }
    }

    // ------------------------------------------------------------------------------------------------ uploads

    private ServedAdapter upload(String name, Exchange exchange) {
        requireAllowed();
        if (!uploads) {
            throw ApiException.withStatus(403, "not_allowed", "This server takes no adapters from clients; name one in its folder");
        }
        Path target = folder.resolve(name);
        if (Files.exists(target) || host.find(name) != null) {
            throw ApiException.conflict("There is an adapter called " + Names.quoted(name) + " already; choose another name");
        }
        boolean kept = false;
        try (InputStream body = exchange.request().content().inputStream(); ZipInputStream zip = new ZipInputStream(body)) {
            AtomicFolder.write(target, staging -> unpack(zip, staging));
            ServedAdapter adapter = host.load(name, target.toRealPath());
            kept = true;
            return adapter;
        } catch (IOException e) {
            throw ApiException.invalid(null, "The zip file did not come to its end");
        } catch (LoraException e) {
            if (e.getCause() instanceof ZipException || e.getCause() instanceof EOFException) {
                throw ApiException.invalid(null, "The body is no zip file that can be read");
            }
            String message = e.getMessage().replace(target.toString(), name).replace(folder.toString(), "the folder of adapters");
            throw e.getCause() instanceof IOException ? ApiException.withStatus(507, "insufficient_storage", message)
                    : ApiException.invalid(null, message);
        } finally {
            if (!kept) {
                remove(target);
            }
        }
    }

    private static void unpack(ZipInputStream zip, Path staging) throws IOException {
        Set<String> found = new HashSet<>();
        long left = LARGEST;
        for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
            String file = entry.getName().substring(entry.getName().replace('\\', '/').lastIndexOf('/') + 1);
            if (entry.isDirectory() || !FILES.contains(file)) {
                continue; // nothing of it is written
            }
            if (!found.add(file)) {
                throw ApiException.invalid(null, "The zip file holds " + file + " twice: expected one adapter");
            }
            left = copy(zip, staging.resolve(file), left);
        }
        if (!found.contains(PeftConfig.FILE_NAME) || !found.contains(TensorFiles.ADAPTER + ".safetensors")) {
            throw ApiException.invalid(null, "The body has to be a zip file with " + PeftConfig.FILE_NAME + " and "
                    + TensorFiles.ADAPTER + ".safetensors in it");
        }
    }

    /** What it says of its size is not believed. */
    private static long copy(ZipInputStream zip, Path file, long most) throws IOException {
        long left = most;
        byte[] step = new byte[STEP];
        try (var out = Files.newOutputStream(file)) {
            for (int count = zip.read(step); count >= 0; count = zip.read(step)) {
                left -= count;
                if (left < 0) {
                    throw Exchange.tooLong(LARGEST);
                }
                out.write(step, 0, count);
            }
        }
        return left;
    }

    private static void remove(Path target) {
        try (Stream<Path> files = Files.list(target)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
            Files.deleteIfExists(target);
        } catch (IOException e) {
            // it was not made, or somebody put something else there
        }
    }
}
