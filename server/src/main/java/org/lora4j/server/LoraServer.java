package org.lora4j.server;

import io.helidon.common.configurable.Resource;
import io.helidon.common.pki.Keys;
import io.helidon.common.tls.Tls;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.chat.ChatEncoder;
import org.lora4j.chat.ChatTemplate;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.AdapterSet;

/**
 * Serves one base and many adapters over HTTP, by OpenAI's protocol: the field {@code model} of a request names the adapter.
 *
 * <pre>{@code
 * try (LoraServer server = LoraServer.texts("my-base", folder, model, ServerSettings.defaults())) {
 *     server.load("legal", legalFolder);
 *     server.start();
 *     server.join();                       // until somebody calls end()
 * }
 * }</pre>
 *
 * The model and its backend belong to the server's thread from {@code texts} to {@link #close}.
 */
public final class LoraServer implements AutoCloseable {

    private static final int MOST_CONNECTIONS = 1_024;
    private static final Duration IDLE = Duration.ofSeconds(60);

    /** It announces itself, and each start and end; held, since a logger that nobody holds forgets its level. */
    private static final Logger HELIDON = Logger.getLogger("io.helidon");

    static {
        HELIDON.setLevel(Level.WARNING);
    }

    private final ServerSettings settings;
    private final WorkThread thread;
    private final Routes routes;
    private final BiFunction<String, Path, ServedAdapter> loader;
    private final Runnable closing;
    private final WebServer web;
    private boolean started;
    private boolean ended;

    private LoraServer(
            ServerSettings settings, WorkThread thread, Routes routes, BiFunction<String, Path, ServedAdapter> loader, Runnable closing) {
        this.settings = settings;
        this.thread = thread;
        this.routes = routes;
        this.loader = loader;
        this.closing = closing;
        WebServerConfig.Builder config = WebServer.builder().host(settings.host()).port(settings.port()).shutdownHook(false)
                .maxTcpConnections(MOST_CONNECTIONS).idleConnectionTimeout(IDLE).idleConnectionPeriod(Duration.ofSeconds(5))
                .shutdownGracePeriod(Duration.ofSeconds(2)).directHandlers(Nonsense::addTo).routing(routes::addTo);
        tls(settings).ifPresent(config::tls);
        web = config.build();
        thread.start();
    }

    private static Optional<Tls> tls(ServerSettings settings) {
        if (settings.certificate() == null) {
            return Optional.empty();
        }
        try {
            Keys keys = Keys.builder().pem(pem -> pem
                    .key(Resource.create(settings.key()))
                    .certChain(Resource.create(settings.certificate()))).build();
            return Optional.of(Tls.builder().privateKey(keys).privateKeyCertChain(keys).build());
        } catch (RuntimeException e) {
            throw new LoraException(Names.oneLine("`certificate` " + settings.certificate() + ", `key` " + settings.key()
                    + ": are no PEM files of a certificate and its private key in PKCS #8 (" + e.getMessage() + ")"), e);
        }
    }

    /**
     * A server of a model that writes. It does not listen yet.
     *
     * @param id     what requests call the base
     * @param folder the model's, for its tokenizer and the form of chats
     * @throws LoraException if the settings contradict each other, or there is no tokenizer
     */
    public static LoraServer texts(String id, Path folder, LanguageModel model, ServerSettings settings) {
        settings.check();
        Tokenizer tokenizer = Families.tokenizer(folder);
        Function<Map<String, String>, ChatEncoder> encoders = metadata -> new ChatEncoder(tokenizer, PromptFormat.template(metadata)
                .map(source -> ChatTemplate.of("the adapter's template", source, folder, tokenizer))
                .orElseGet(() -> ChatTemplate.forModel(folder, tokenizer)));
        Map<String, String> metadata = Families.metadata(folder);
        ServedAdapter base = new ServedAdapter(id, AdapterSet.BASE, null, PromptFormat.of(metadata), encoders.apply(metadata),
                new ServedAdapter.Facts(0, model.parameterCount(), metadata));
        Metrics metrics = new Metrics();
        AdapterSet set = new AdapterSet(model);
        AdapterShelf shelf = new AdapterShelf(set, base, settings.maxAdapters(), encoders, metrics);
        TextWork work = new TextWork(set, settings.limits(), shelf, metrics);
        WorkThread thread = new WorkThread("lora4j-engine", work);
        shelf.workIn(thread, work);
        TextModel served = new TextModel(id, model, tokenizer, new ExampleEncoder(tokenizer, Integer.MAX_VALUE), shelf);
        TextRoutes texts = new TextRoutes(served, work, thread, settings, metrics);
        Routes routes = new Routes(settings, metrics, thread, page());
        routes.ofTexts(texts, new AdapterRoutes(texts, settings));
        return new LoraServer(settings, thread, routes, shelf::load, () -> {
            shelf.close();
            set.close();
        });
    }

    /**
     * A server of a model that classifies. It does not listen yet.
     *
     * @param id     what requests call the base
     * @param folder the model's, for its tokenizer
     * @param model  with a head of its own, or for as many labels as its adapters have
     * @throws LoraException if the settings contradict each other, or there is no tokenizer
     */
    public static LoraServer labels(String id, Path folder, SequenceClassifier model, ServerSettings settings) {
        settings.check();
        Metrics metrics = new Metrics();
        LabelWork work = new LabelWork(id, model, Families.tokenizer(folder), Families.metadata(folder), settings.maxAdapters(), metrics);
        WorkThread thread = new WorkThread("lora4j-engine", work);
        work.workIn(thread);
        Routes routes = new Routes(settings, metrics, thread, page());
        routes.ofLabels(new LabelRoutes(work, settings.queue()), work, new AdapterRoutes(work, settings));
        return new LoraServer(settings, thread, routes, work::load, work::close);
    }

    private static byte[] page() {
        try (InputStream in = LoraServer.class.getResourceAsStream("index.html")) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Lets requests name an adapter; also while the server is at work.
     *
     * @throws LoraException if it is none of this base, or there is one of that name
     */
    public void load(String name, Path folder) {
        try {
            loader.apply(name, folder);
        } catch (ApiException e) {
            throw new LoraException("adapter " + Names.quoted(name) + ": " + e.getMessage());
        }
    }

    /**
     * Listens from now on.
     *
     * @throws LoraException if it cannot, because something else listens there say
     */
    public LoraServer start() {
        try {
            web.start();
        } catch (RuntimeException e) {
            Throwable cause = e;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            throw new LoraException(Names.oneLine("`port` " + settings.port() + " of " + settings.host() + ": cannot be listened on ("
                    + cause.getMessage() + "). Take another one, or end what listens there"), e);
        }
        started = true;
        routes.ready(true);
        return this;
    }

    /** Where it listens; of port 0 the one that was free. */
    public int port() {
        return web.port();
    }

    /** Its address, to be shown to people. */
    public String url() {
        String host = settings.host().contains(":") ? "[" + settings.host() + "]" : settings.host();
        return (settings.certificate() == null ? "http" : "https") + "://" + host + ":" + port() + "/";
    }

    /** What it has counted, in Prometheus' text form. */
    public String metrics() {
        return routes.metrics().text();
    }

    /** Takes no more requests, lets those under way come to their end, and ends. */
    public synchronized void end() {
        if (ended) {
            return;
        }
        ended = true;
        routes.ready(false);
        thread.end(settings.drain());
        routes.awaitAnswers(Duration.ofSeconds(5));
        if (started) {
            web.stop();
        }
        closing.run();
        notifyAll();
    }

    /** Returns when it has ended. */
    public synchronized void join() throws InterruptedException {
        while (!ended) {
            wait();
        }
    }

    @Override
    public void close() {
        end();
    }
}
