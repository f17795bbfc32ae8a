package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Backend;
import org.lora4j.fixture.ReferenceAndCpu;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.generate.Engine;
import org.lora4j.generate.EngineLimits;
import org.lora4j.generate.Likelihood;
import org.lora4j.generate.Request;
import org.lora4j.generate.Sampling;
import org.lora4j.generate.Ticket;
import org.lora4j.generate.TokenListener;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.model.CausalModel;
import org.lora4j.tuning.lora.AdapterSet;

/** An engine that keeps the beginnings of prompts computes less, and the same bits. */
class SharedBeginningsTest extends ReferenceAndCpu {

    private static final Gpt2Config ODD = Gpt2Config.of(151, 128, 132, 2, 4, 210).withTieWordEmbeddings(false);
    private static final EngineLimits SHARING = new EngineLimits(32, 4L << 20, true);

    @ParameterizedTest
    @MethodSource("backends")
    void logitsBehindAKeptBeginningAreThoseOfAPromptReadAsAWhole(Backend backend) {
        RecordingModel model = new RecordingModel(SmallGpt2.of(ODD, backend));
        AdapterSet set = new AdapterSet(model);
        SomeAdapters.ofEveryKind().forEach((name, config) -> set.load(name, base -> SomeAdapters.random(base, config, name)));
        List<String> names = new ArrayList<>(set.names());
        names.add(AdapterSet.BASE);
        Random random = new Random(8);
        int[] instructions = random.ints(70, 0, ODD.vocabSize()).toArray();
        Engine sharing = new Engine(set, SHARING);
        for (int i = 0; i < 40; i++) {
            int common = random.nextInt(71);
            int[] rest = random.ints(1 + random.nextInt(45), 0, ODD.vocabSize()).toArray();
            int[] prompt = IntStream.concat(Arrays.stream(instructions, 0, common), Arrays.stream(rest)).toArray();
            Request request = Request.of(prompt).withMaxNewTokens(3).withAdapter(names.get(random.nextInt(names.size())));
            model.rows().clear();
            Engine alone = new Engine(set);
            Ticket expected = alone.submit(request);
            alone.run();
            Set<Integer> rows = new HashSet<>(model.rows());
            model.rows().clear();
            Ticket found = sharing.submit(request);
            sharing.run();
            assertThat(found.texts().getFirst().tokens()).isEqualTo(expected.texts().getFirst().tokens());
            assertThat(model.rows()).as("logits of prompt %d, %s", i, request.adapter()).containsAll(rows);
        }
        assertThat(sharing.positionsShared()).isGreaterThan(200);
        assertThat(sharing.positionsRead() + sharing.positionsShared()).isGreaterThan(40 * 20);
    }

    @Test
    void instructionsAreComputedOnce() {
        Engine engine = new Engine(new AdapterSet(SmallGpt2.of(ODD, backends().getLast())), SHARING);
        int[] prompt = IntStream.range(0, 80).toArray();
        for (int i = 0; i < 5; i++) {
            prompt[79] = i;
            engine.submit(Request.of(prompt).withMaxNewTokens(2));
            engine.run();
        }
        assertThat(engine.positionsRead()).isEqualTo(80 + 4 * 16);
        assertThat(engine.positionsShared()).isEqualTo(4 * 64);
    }

    @Test
    void whatIsKeptMakesRoomForWhatIsAskedFor() {
        CausalModel model = SmallGpt2.of(ODD, backends().getLast());
        Engine engine = new Engine(new AdapterSet((Gpt2) model), new EngineLimits(32, 300 * model.bytesPerPosition(), true));
        Random random = new Random(4);
        List<Ticket> tickets = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            tickets.add(engine.submit(Request.of(random.ints(90, 0, 151).toArray()).withMaxNewTokens(10)));
            assertThat(engine.positions()).isEqualTo(300);
        }
        engine.run();
        assertThat(tickets).allMatch(ticket -> ticket.failure() == null && ticket.texts().getFirst().tokens().length == 10);
        assertThat(engine.positionsInUse()).isBetween(90, 316);
    }

    @Test
    void anAdapterThatTookTheNameOfAnotherDoesNotGetItsKeys() {
        AdapterSet set = new AdapterSet(SmallGpt2.of(ODD, backends().getLast()));
        Request request = Request.of(IntStream.range(0, 60).toArray()).withMaxNewTokens(8).withAdapter("a");
        Engine engine = new Engine(set, SHARING);
        for (String kind : List.of("parts", "fused")) {
            if (set.names().contains("a")) {
                engine.forget("a");
                set.remove("a");
            }
            set.load("a", base -> SomeAdapters.random(base, SomeAdapters.ofEveryKind().get(kind), kind));
            Ticket found = engine.submit(request);
            engine.run();
            Engine alone = new Engine(set);
            Ticket expected = alone.submit(request);
            alone.run();
            assertThat(found.texts().getFirst().tokens()).isEqualTo(expected.texts().getFirst().tokens());
        }
    }

    @Test
    void likelihoodsAreThoseOfTheLogitsAsTheyAre() {
        Gpt2 model = SmallGpt2.of(ODD, backends().getLast());
        List<Likelihood> told = new ArrayList<>();
        Engine engine = new Engine(model);
        Ticket ticket = engine.submit(Request.of(1, 2, 3).withMaxNewTokens(4).withLikelihoods(151)
                .withSampling(Sampling.of(1.3, 5).withRepetitionPenalty(1.5)).withListener(new TokenListener() {
                    @Override
                    public void likelihood(int sample, Likelihood likelihood) {
                        told.add(likelihood);
                    }

                    @Override
                    public boolean token(int sample, int id) {
                        return true;
                    }
                }));
        engine.run();
        int[] tokens = ticket.texts().getFirst().tokens();
        assertThat(told).hasSize(4);
        for (int n = 0; n < 4; n++) {
            Likelihood of = told.get(n);
            assertThat(Arrays.stream(of.values()).map(Math::exp).sum()).isCloseTo(1, within(1e-12));
            for (int i = 1; i < 151; i++) {
                assertThat(of.values()[i]).isLessThanOrEqualTo(of.values()[i - 1]);
            }
            int token = tokens[n];
            int at = IntStream.range(0, 151).filter(i -> of.ids()[i] == token).findFirst().orElseThrow();
            assertThat(of.logProbability()).isCloseTo(of.values()[at], within(1e-12));
        }
    }
}
