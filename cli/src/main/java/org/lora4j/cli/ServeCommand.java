package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.family.Families;
import org.lora4j.generate.EngineLimits;
import org.lora4j.io.FileErrors;
import org.lora4j.server.LoraServer;
import org.lora4j.server.ServerSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j serve}. */
@Command(
        name = "serve",
        description = {
            "Serves a model and many adapters over HTTP, by OpenAI's protocol.",
            "",
            "A request's field model names the adapter, or the model itself; requests for different adapters go through the base in one "
                    + "batch. There is a page at / to try two adapters side by side. What can be asked, with examples: docs/serving.md.",
            "",
            "It listens on this machine alone. Another --host needs --token-file, and should have --tls-cert and --tls-key. Clients load "
                    + "and unload adapters where --adapters-folder says which folder they may name; nothing else of the disk can be reached.",
            "",
            "A model that classifies is asked at /v1/classify. SIGTERM or Ctrl-C lets the answers under way come to their end; a "
                    + "second one ends at once.",
        },
        footer = {
            "  lora4j serve --model my-model --adapter legal=a --adapter short=b --port 8080",
            "  curl http://127.0.0.1:8080/v1/completions -H 'Content-Type: application/json' \\",
            "      -d '{\"model\": \"legal\", \"prompt\": \"The house\", \"max_tokens\": 20}'",
            "  lora4j serve --model my-model --adapters-folder adapters --host 0.0.0.0 \\",
            "      --token-file token --tls-cert chain.pem --tls-key key.pem",
        })
final class ServeCommand extends LoraCommand {

    private static final Pattern SIZE = Pattern.compile("(\\d{1,9})([kmg]?)b?", Pattern.CASE_INSENSITIVE);

    @Mixin
    private ModelChoice model;

    @Option(names = "--adapter", paramLabel = "[NAME=]DIR",
            description = "An adapter's folder as PEFT writes it; may be given many times, with a name each.")
    private List<String> adapters = List.of();

    @Option(names = "--name", paramLabel = "NAME", description = "What requests call the model (default: its folder's name).")
    private String name;

    @Option(names = "--host", defaultValue = "127.0.0.1", paramLabel = "HOST",
            description = "Address to listen on (default: ${DEFAULT-VALUE}).")
    private String host;

    @Option(names = "--port", defaultValue = "8080", paramLabel = "N",
            description = "Port to listen on, 0 for any that is free (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(names = "--token-file", paramLabel = "FILE",
            description = "A file with what clients have to send as Authorization: Bearer TOKEN.")
    private Path tokenFile;

    @Option(names = "--tls-cert", paramLabel = "FILE", description = "HTTPS, with this certificate and those that vouch for it (PEM).")
    private Path certificate;

    @Option(names = "--tls-key", paramLabel = "FILE", description = "Its private key (PEM, PKCS #8).")
    private Path key;

    @Option(names = "--adapters-folder", paramLabel = "DIR",
            description = "Clients may load and unload adapters that lie in here.")
    private Path adaptersFolder;

    @Option(names = "--allow-upload", description = "Clients may also put new adapters into --adapters-folder.")
    private boolean uploads;

    @Option(names = "--max-adapters", defaultValue = "64", paramLabel = "N",
            description = "Adapters in memory at a time; others stay on disk until they are asked for (default: ${DEFAULT-VALUE}).")
    private int maxAdapters;

    @Option(names = "--max-texts", defaultValue = "32", paramLabel = "N",
            description = "Texts that are written at a time (default: ${DEFAULT-VALUE}).")
    private int maxTexts;

    @Option(names = "--queue", defaultValue = "256", paramLabel = "N",
            description = "Requests that may wait; a further one is answered 429 (default: ${DEFAULT-VALUE}).")
    private int queue;

    @Option(names = "--kv-memory", defaultValue = "512m", paramLabel = "SIZE",
            description = "Memory for keys and values, such as 300m or 2g (default: ${DEFAULT-VALUE}).")
    private String memory;

    @Option(names = "--max-body", defaultValue = "1m", paramLabel = "SIZE",
            description = "Largest body of a request (default: ${DEFAULT-VALUE}).")
    private String maxBody;

    @Option(names = "--request-timeout", defaultValue = "600", paramLabel = "SECONDS",
            description = "How long an answer may take (default: ${DEFAULT-VALUE}).")
    private int timeout;

    @Option(names = "--drain-timeout", defaultValue = "30", paramLabel = "SECONDS",
            description = "How long answers under way may go on when it is to end (default: ${DEFAULT-VALUE}).")
    private int drain;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() throws Exception {
        ServerSettings settings = option(this::settings);
        NamedAdapters named = option(() -> NamedAdapters.orCalledAsItsFolder(adapters));
        try (Backend b = backend.open(); LoraServer server = open(named, b, settings)) {
            try (StopSignals signals = StopSignals.listen(() -> {
                ui().info("taking no more requests, waiting for the answers under way");
                server.end();
            })) {
                server.start();
                ui().print(server.url());
                ui().flush();
                ui().info("serving " + id() + (named.folders().isEmpty() ? "" : " and " + named.folders().size()
                        + (named.folders().size() == 1 ? " adapter" : " adapters")) + "; Ctrl-C ends");
                server.join();
            }
        }
        return ExitCode.OK;
    }

    private LoraServer open(NamedAdapters named, Backend b, ServerSettings settings) {
        Path first = named.folders().values().stream().findFirst().orElse(null);
        LoraServer server = Families.isClassifier(model.folder(), first)
                ? LoraServer.labels(id(), model.folder(), model.classifier(first, b), settings)
                : LoraServer.texts(id(), model.folder(), model.load(b), settings);
        try {
            for (Map.Entry<String, Path> each : named.folders().entrySet()) {
                server.load(each.getKey(), each.getValue());
            }
            return server;
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
    }

    private String id() {
        if (name != null) {
            return name;
        }
        Path last = Path.of(model.name()).toAbsolutePath().normalize().getFileName();
        return last == null ? "model" : last.toString();
    }

    private ServerSettings settings() {
        if ((certificate == null) != (key == null)) {
            throw new LoraException("--tls-cert and --tls-key: expected both, or none of them");
        }
        if (uploads && adaptersFolder == null) {
            throw new LoraException("--allow-upload: name the folder that uploads go to, --adapters-folder DIR");
        }
        if (adaptersFolder != null && !Files.isDirectory(adaptersFolder)) {
            throw new LoraException("--adapters-folder " + adaptersFolder + ": " + FileErrors.absent(adaptersFolder, "folder"));
        }
        if (timeout < 1 || drain < 0) {
            throw new LoraException("--request-timeout " + timeout + ", --drain-timeout " + drain + ": expected a number of seconds");
        }
        ServerSettings settings = ServerSettings.defaults().withAddress(host, port).withToken(token())
                .withAdaptersFolder(adaptersFolder, uploads).withMaxAdapters(maxAdapters).withQueue(queue)
                .withLimits(new EngineLimits(maxTexts, bytes("--kv-memory", memory), true))
                .withMaxBody((int) Math.min(Integer.MAX_VALUE - 8, bytes("--max-body", maxBody)))
                .withTimes(Duration.ofSeconds(timeout), Duration.ofSeconds(drain));
        settings.check();
        return certificate == null ? settings : settings.withTls(certificate, key);
    }

    private String token() {
        if (tokenFile == null) {
            return null;
        }
        try {
            return Files.readString(tokenFile).strip();
        } catch (IOException e) {
            throw FileErrors.reading(tokenFile, e);
        }
    }

    private static long bytes(String option, String text) {
        Matcher size = SIZE.matcher(text.strip());
        if (!size.matches() || Long.parseLong(size.group(1)) == 0) {
            throw new LoraException(option + " " + text + ": expected a size such as 300m or 2g");
        }
        int shift = switch (size.group(2).toLowerCase(Locale.ROOT)) {
            case "k" -> 10;
            case "m" -> 20;
            case "g" -> 30;
            default -> 0;
        };
        return Long.parseLong(size.group(1)) << shift;
    }
}
