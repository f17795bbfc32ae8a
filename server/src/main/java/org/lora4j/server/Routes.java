package org.lora4j.server;

import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.lora4j.LoraException;

/** Which way of asking leads where; and what all of them have in common: who may, what is counted, how failures look. */
final class Routes {

    /** As others call it: the client ended the connection. */
    private static final int GONE = 499;

    private final ServerSettings settings;
    private final Metrics metrics;
    private final WorkThread thread;
    private final byte[] page;
    private final Guard guard;
    private final List<Route> all = new ArrayList<>();
    private final AtomicInteger answering = new AtomicInteger();
    private volatile boolean ready;

    /** Answers a request, or throws an {@link ApiException}; an IOException means that the client has gone. */
    @FunctionalInterface
    interface Handler {
        void handle(Exchange exchange) throws IOException;
    }

    /** @param open whether it can be asked without a token, and while the server begins or ends */
    private record Route(Method method, String path, boolean open, Handler handler) {
    }

    Routes(ServerSettings settings, Metrics metrics, WorkThread thread, byte[] page) {
        this.settings = settings;
        this.metrics = metrics;
        this.thread = thread;
        this.page = page;
        guard = new Guard(settings.token(), settings.isLoopback());
        metrics.gauge("lora4j_requests_open", "Requests that are being answered.", answering::get);
        open("/", this::page);
        open("/health", this::health);
        open("/ready", this::readiness);
        get("/metrics", exchange -> exchange.sendText("text/plain; version=0.0.4; charset=utf-8", metrics.text()));
    }

    void ofTexts(TextRoutes texts, AdapterRoutes adapters) {
        ofAdapters(texts, adapters, name -> texts.model().named(name));
        post("/v1/completions", texts::completions);
        post("/v1/chat/completions", texts::chat);
        post("/tokenize", texts::tokenize);
        post("/detokenize", texts::detokenize);
        post("/v1/tokenize", texts::tokenize);
        post("/v1/detokenize", texts::detokenize);
    }

    void ofLabels(LabelRoutes labels, LabelWork work, AdapterRoutes adapters) {
        ofAdapters(work, adapters, name -> {
            ServedAdapter found = work.find(name);
            if (found == null) {
                throw ApiException.noModel(name, "others");
            }
            return found;
        });
        post("/v1/classify", labels::classify);
        post("/classify", labels::classify);
    }

    private void ofAdapters(AdapterHost host, AdapterRoutes adapters, Function<String, ServedAdapter> named) {
        get("/v1/models", exchange -> exchange.send(host.models()));
        get("/v1/models/{name}", exchange -> exchange.send(host.described(named.apply(
                exchange.request().path().pathParameters().get("name")))));
        get("/v1/adapters", exchange -> exchange.send(adapters.listed()));
        post("/v1/adapters", adapters::load);
        post("/v1/load_lora_adapter", adapters::loadAsVllm);
        post("/v1/unload_lora_adapter", adapters::unloadAsVllm);
        all.add(new Route(Method.DELETE, "/v1/adapters/{name}", false, adapters::unload));
    }

    private void open(String path, Handler handler) {
        all.add(new Route(Method.GET, path, true, handler));
    }

    void get(String path, Handler handler) {
        all.add(new Route(Method.GET, path, false, handler));
    }

    void post(String path, Handler handler) {
        all.add(new Route(Method.POST, path, false, handler));
    }

    void addTo(HttpRouting.Builder routing) {
        for (Route route : all) {
            routing.route(route.method, route.path, (request, response) -> answer(route, request, response));
        }
        Route none = new Route(Method.GET, "none", true, exchange -> {
            boolean known = all.stream().anyMatch(route -> route.path.equals(exchange.request().path().path()));
            String asked = exchange.request().prologue().method() + " " + exchange.request().path().path().replaceAll("[^!-~]", "?");
            throw known ? ApiException.withStatus(405, "method_not_allowed", "Not to be asked that way: " + asked)
                    : ApiException.notFound("There is no such thing here: " + asked);
        });
        routing.any((request, response) -> answer(none, request, response));
    }

    private void answer(Route route, ServerRequest request, ServerResponse response) {
        answering.incrementAndGet();
        Exchange exchange = new Exchange(request, response, settings.maxBody());
        int status = 200;
        try {
            if (route.open) {
                guard.checkOrigin(request);
            } else {
                guard.check(request);
                if (!ready) {
                    throw ApiException.ending();
                }
            }
            route.handler.handle(exchange);
            status = response.status().code();
        } catch (ApiException refusal) {
            status = refuse(exchange, refusal);
        } catch (LoraException refusal) {
            status = refuse(exchange, ApiException.refused(refusal));
        } catch (IOException gone) {
            status = GONE;
        } catch (RuntimeException | Error fault) {
            status = exchange.isBegun() ? GONE // what cannot be written to
                    : refuse(exchange, ApiException.failed("The server failed: " + fault.getClass().getSimpleName()));
        } finally {
            metrics.answered(route.path, status);
            answering.decrementAndGet();
        }
        if (status == GONE || request.headers().first(HeaderNames.CONNECTION).filter("close"::equalsIgnoreCase).isPresent()) {
            throw new CloseConnectionException("the client has gone, or wants to"); // Helidon would wait for another request
        }
    }

    private static int refuse(Exchange exchange, ApiException refusal) {
        if (exchange.isBegun()) {
            return GONE;
        }
        exchange.send(refusal);
        return refusal.status();
    }

    // ------------------------------------------------------------------------------------------------ how it is

    void ready(boolean is) {
        ready = is;
    }

    Metrics metrics() {
        return metrics;
    }

    /** Waits until what was written is sent. */
    void awaitAnswers(Duration most) {
        long deadline = System.nanoTime() + most.toNanos();
        while (answering.get() > 0 && System.nanoTime() < deadline) {
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void page(Exchange exchange) {
        exchange.response().header(HeaderNames.CONTENT_TYPE, "text/html; charset=utf-8");
        exchange.response().header("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        exchange.response().header("X-Content-Type-Options", "nosniff");
        exchange.response().send(page);
    }

    /** Whether the engine is alive. */
    private void health(Exchange exchange) {
        if (!thread.isAlive()) {
            throw ApiException.withStatus(503, "dead", "The engine has ended");
        }
        exchange.send(Json.object().put("status", "ok"));
    }

    /** Whether requests are taken. */
    private void readiness(Exchange exchange) {
        if (!ready) {
            throw ApiException.ending();
        }
        exchange.send(Json.object().put("status", "ready"));
    }
}
