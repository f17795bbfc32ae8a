package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Backend;
import org.lora4j.fixture.ReferenceAndCpu;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.generate.Engine;
import org.lora4j.generate.Request;
import org.lora4j.generate.Ticket;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.LoraAdapter;

/** An adapter that was loaded beside a model at work is the adapter that is loaded into one that waits. */
class PreparedAdapterTest extends ReferenceAndCpu {

    private static final Gpt2Config TINY = Gpt2Config.of(61, 64, 32, 2, 4, 64);

    private static Path written(Gpt2 model, String kind, Path folder) {
        LoraAdapter adapter = SomeAdapters.random(model, SomeAdapters.ofEveryKind().get(kind), kind);
        PeftFormat.save(adapter, folder.resolve(kind), "base", Map.of());
        adapter.detach();
        return folder.resolve(kind);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void itWritesTheSameWhetherItWasLoadedBesideOrNot(Backend backend, @TempDir Path folder) {
        assertThat(backend.allocatesBesideWork()).isTrue();
        Gpt2 model = SmallGpt2.of(TINY, backend);
        Map<String, Path> kinds = Map.of("parts", written(model, "parts", folder), "fused", written(model, "fused", folder));
        AdapterSet set = new AdapterSet(model);
        kinds.forEach((kind, path) -> set.load("loaded " + kind, base -> PeftFormat.load(base, path)));
        Engine engine = new Engine(set);
        Request writing = Request.of(1, 2, 3).withMaxNewTokens(60).withAdapter("loaded parts");
        Ticket busy = engine.submit(writing);
        kinds.forEach((kind, path) -> {
            CompletableFuture<LoraAdapter> beside = CompletableFuture.supplyAsync(
                    () -> set.prepare(base -> PeftFormat.load(base, path)));
            while (!beside.isDone()) {
                engine.step();
            }
            set.join("joined " + kind, beside.join());
        });
        engine.run();
        Ticket again = engine.submit(writing);
        engine.run();
        assertThat(busy.texts().getFirst().tokens()).isEqualTo(again.texts().getFirst().tokens());
        kinds.keySet().forEach(kind -> {
            Request request = Request.of(5, 6, 7).withMaxNewTokens(30);
            Ticket one = engine.submit(request.withAdapter("loaded " + kind));
            Ticket other = engine.submit(request.withAdapter("joined " + kind));
            engine.run();
            assertThat(other.texts().getFirst().tokens()).isEqualTo(one.texts().getFirst().tokens());
        });
        set.remove("joined parts");
        set.close();
        assertThat(model.projections()).allMatch(slot -> slot.get() instanceof org.lora4j.nn.Linear);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void whatTouchesTheBaseIsNotLoadedBesideIt(Backend backend, @TempDir Path folder) {
        Gpt2 model = SmallGpt2.of(TINY, backend);
        Map<String, Path> kinds = Map.of("dora", written(model, "dora", folder), "embedding", written(model, "embedding", folder));
        AdapterSet set = new AdapterSet(model);
        kinds.values().forEach(path -> AdapterSetTest.refused(
                () -> set.prepare(base -> PeftFormat.load(base, path)), "while its model is at work"));
        AdapterSet other = new AdapterSet(SmallGpt2.of(TINY, backend));
        LoraAdapter prepared = other.prepare(base -> PeftFormat.load(base, written(model, "parts", folder)));
        AdapterSetTest.refused(() -> set.join("a", prepared), "not prepared for this set");
    }
}
