package org.lora4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.Backends;
import org.lora4j.backend.Precision;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Engine;
import org.lora4j.generate.Request;
import org.lora4j.generate.Ticket;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Philox;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** A server of the embedded base with random adapters, and somebody who asks it. */
final class Served implements AutoCloseable {

    static final String ID = "base-6m";
    private static final ObjectMapper JSON = new ObjectMapper();

    final LoraServer server;
    final Tokenizer tokenizer = Families.tokenizer(EmbeddedBase.folder());
    private final Backend backend;
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private Served(LoraServer server, Backend backend) {
        this.server = server;
        this.backend = backend;
    }

    /** On a port that is free, with the adapters of these folders, each called as its folder. */
    static Served of(ServerSettings settings, List<Path> adapters) {
        Backend backend = backend();
        LoraServer server = LoraServer.texts(ID, EmbeddedBase.folder(), model(backend), settings.withAddress("127.0.0.1", 0));
        adapters.forEach(folder -> server.load(folder.getFileName().toString(), folder));
        return new Served(server.start(), backend);
    }

    static Backend backend() {
        return Backends.create("cpu", new BackendOptions(1, Precision.STRICT));
    }

    static LanguageModel model(Backend backend) {
        return Families.load(EmbeddedBase.folder(), backend);
    }

    /** Random adapters a0, a1, … of the ranks. */
    static List<Path> adapters(Path folder, int... ranks) {
        List<Path> written = new ArrayList<>();
        try (Backend backend = backend()) {
            LanguageModel model = model(backend);
            for (int i = 0; i < ranks.length; i++) {
                written.add(adapter(model, folder.resolve("a" + i), ranks[i], PromptFormat.PLAIN));
            }
        }
        return written;
    }

    /** A random one, strong enough to change what is written. */
    static Path adapter(LanguageModel model, Path folder, int rank, PromptFormat form) {
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(rank, 2 * rank).withParts("q", "v"), 1);
        for (Parameter parameter : adapter.trainable()) {
            float[] values = new float[(int) parameter.size()];
            new Philox(5).fillNormal(values, 0.08, 0, Philox.site(folder.getFileName() + parameter.name()));
            model.backend().upload(values, parameter.value());
        }
        PeftFormat.save(adapter, folder, ID, form.metadata());
        adapter.detach();
        return folder;
    }

    /** What an engine writes for a request alone, in a process of its own as it were. */
    static String alone(Path adapter, String prompt, Request how) {
        try (Backend backend = backend()) {
            LanguageModel model = model(backend);
            AdapterSet set = new AdapterSet(model);
            Tokenizer tokenizer = Families.tokenizer(EmbeddedBase.folder());
            PromptFormat form = PromptFormat.PLAIN;
            if (adapter != null) {
                set.load("it", base -> PeftFormat.load(base, adapter));
                form = PromptFormat.of(PeftFormat.metadata(adapter));
            }
            boolean pair = form == PromptFormat.PAIR;
            int[] ids = pair ? new ExampleEncoder(tokenizer, Integer.MAX_VALUE).encodePrompt(prompt) : tokenizer.encode(prompt);
            Engine engine = new Engine(set);
            Ticket ticket = engine.submit(how.withPrompt(ids).withAdapter(adapter == null ? AdapterSet.BASE : "it")
                    .withStopIds(pair ? tokenizer.stopIdsOfPairs() : tokenizer.stopIds()));
            engine.run();
            String text = tokenizer.decodeText(ticket.texts().getFirst().tokens());
            return pair ? ExampleEncoder.completion(text) : text;
        }
    }

    URI uri(String path) {
        return URI.create(server.url()).resolve(path);
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    HttpResponse<String> get(String path) {
        return send(HttpRequest.newBuilder(uri(path)));
    }

    HttpResponse<String> post(String path, String json) {
        return send(HttpRequest.newBuilder(uri(path)).header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    /** What is sent piece by piece, as it comes. */
    HttpResponse<Stream<String>> stream(String path, String json) {
        try {
            return client.send(HttpRequest.newBuilder(uri(path)).header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(json)).build(), HttpResponse.BodyHandlers.ofLines());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The text of a completion. */
    String completion(Map<String, Object> body) {
        HttpResponse<String> response = post("/v1/completions", write(body));
        if (response.statusCode() != 200) {
            throw new IllegalStateException(response.body());
        }
        return json(response).at("/choices/0/text").asText();
    }

    static JsonNode json(HttpResponse<String> response) {
        return read(response.body());
    }

    static JsonNode read(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new IllegalStateException(text, e);
        }
    }

    static String write(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A metric's value. */
    double metric(String name) {
        return server.metrics().lines().filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1))).findFirst().orElseThrow();
    }

    @Override
    public void close() {
        server.close();
        backend.close();
    }
}
