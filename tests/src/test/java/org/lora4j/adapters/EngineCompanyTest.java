package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.fixture.ReferenceAndCpu;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.generate.Beam;
import org.lora4j.generate.End;
import org.lora4j.generate.Engine;
import org.lora4j.generate.Request;
import org.lora4j.generate.Sampling;
import org.lora4j.generate.Ticket;
import org.lora4j.generate.TokenListener;
import org.lora4j.generate.Written;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.gpt2.RandomGpt2;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * What an engine writes for a request is what it writes for it alone, whoever joins, leaves or is cancelled meanwhile: the
 * same tokens, and the same bits of every logit.
 */
class EngineCompanyTest extends ReferenceAndCpu {

    /** No width is a multiple of the vectors' or of each other's, and the products are deep enough for both of cpu's ways. */
    private static final Gpt2Config ODD = Gpt2Config.of(151, 64, 132, 2, 4, 210).withTieWordEmbeddings(false);

    private static Request request(AdapterSet set, Random random, int number) {
        List<String> names = new ArrayList<>(set.names());
        names.add(AdapterSet.BASE);
        int[] prompt = random.ints(1 + random.nextInt(30), 0, ODD.vocabSize()).toArray();
        Request request = Request.of(prompt).withAdapter(names.get(random.nextInt(names.size()))).withNumber(number)
                .withMaxNewTokens(random.nextInt(20)).withStopIds(Set.of(4 + random.nextInt(147), 3))
                .withMinNewTokens(random.nextInt(3));
        return switch (random.nextInt(4)) {
            case 0 -> request.withMaxNewTokens(1 + random.nextInt(12))
                    .withBeam(new Beam(1 + random.nextInt(7), 0.9, random.nextInt(4)));
            case 1 -> request;
            default -> request.withSamples(1 + random.nextInt(4)).withSampling(
                    new Sampling(random.nextBoolean() ? 0.9 : 30, random.nextInt(3) * 20, random.nextBoolean() ? 1 : 0.9,
                            random.nextInt(3) * 0.02, 1 + random.nextInt(2) * 0.3, 5));
        };
    }

    private static String text(Ticket ticket) {
        StringBuilder text = new StringBuilder();
        ticket.texts().forEach(written -> text.append(Arrays.toString(written.tokens())).append(written.end()));
        if (ticket.hypothesis() != null) {
            text.append(Double.doubleToLongBits(ticket.hypothesis().score()));
        }
        return text.append(ticket.failure()).toString();
    }

    @ParameterizedTest
    @MethodSource("backends")
    void noRequestSeesItsCompanyByABit(Backend backend) {
        noRequestSeesItsCompany(SmallGpt2.of(ODD, backend), SomeAdapters.ofEveryKind());
    }

    @ParameterizedTest
    @EnumSource(value = WeightType.class, mode = EnumSource.Mode.EXCLUDE, names = "FLOAT32")
    void norWhereTheBaseIsHeldInASmallerType(WeightType type) {
        Map<String, LoraConfig> kinds = SomeAdapters.ofEveryKind();
        kinds.remove("whole"); // trains copies of matrices, in float
        noRequestSeesItsCompany(RandomGpt2.create(ODD, backends().getLast(), 1, type), kinds);
    }

    private static void noRequestSeesItsCompany(Gpt2 gpt2, Map<String, LoraConfig> kinds) {
        Backend backend = gpt2.backend();
        RecordingModel model = new RecordingModel(gpt2);
        AdapterSet set = new AdapterSet(model);
        kinds.forEach((name, config) -> set.load(name, base -> SomeAdapters.random(base, config, name)));
        int count = backend.name().equals("cpu") ? 60 : 25;
        Random random = new Random(3);
        List<Request> requests = new ArrayList<>();
        List<String> alone = new ArrayList<>();
        List<Set<Integer>> rowsAlone = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            requests.add(request(set, random, i));
            Engine engine = new Engine(set);
            Ticket ticket = engine.submit(requests.get(i));
            engine.run();
            alone.add(text(ticket));
            rowsAlone.add(new HashSet<>(model.rows()));
            model.rows().clear();
        }
        for (int company = 0; company < 4; company++) {
            model.rows().clear();
            Engine engine = new Engine(set);
            Map<Integer, Ticket> tickets = new HashMap<>();
            List<Integer> cancelled = new ArrayList<>();
            List<Integer> left = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                left.add(i);
            }
            Collections.shuffle(left, random);
            boolean more = true;
            while (more || !left.isEmpty()) {
                for (int joins = random.nextInt(4 + 4 * company); joins > 0 && !left.isEmpty(); joins--) {
                    int i = left.removeLast();
                    tickets.put(i, engine.submit(requests.get(i)));
                }
                if (random.nextInt(5) == 0 && !tickets.isEmpty()) {
                    int i = List.copyOf(tickets.keySet()).get(random.nextInt(tickets.size()));
                    if (!tickets.get(i).isDone()) {
                        tickets.get(i).cancel();
                        cancelled.add(i);
                    }
                }
                more = engine.step();
            }
            assertThat(set.active()).isEqualTo(AdapterSet.BASE);
            assertThat(model.pools().getLast().free()).as("all rows are free").isEqualTo(model.pools().getLast().capacity());
            for (int i = 0; i < count; i++) {
                assertThat(tickets.get(i).isDone()).isTrue();
                if (!cancelled.contains(i)) {
                    assertThat(text(tickets.get(i))).as("request %d of company %d, %s", i, company, requests.get(i).adapter())
                            .isEqualTo(alone.get(i));
                    assertThat(model.rows()).as("logits of request %d", i).containsAll(rowsAlone.get(i));
                }
            }
        }
    }

    @Test
    void whatIsCancelledKeepsWhatItHasAndTheOthersGoOn() {
        Gpt2 model = SmallGpt2.of(ODD, backends().getLast());
        Engine engine = new Engine(model);
        Ticket one = engine.submit(Request.of(1, 2, 3).withMaxNewTokens(30));
        Ticket two = engine.submit(Request.of(1, 2, 3).withMaxNewTokens(30));
        for (int step = 0; step < 5; step++) {
            assertThat(engine.step()).isTrue();
        }
        two.cancel();
        engine.run();
        assertThat(one.texts().getFirst().tokens()).hasSize(30).startsWith(two.texts().getFirst().tokens());
        assertThat(two.texts().getFirst().tokens()).hasSize(5);
        assertThat(two.texts().getFirst().end()).isEqualTo(End.CANCELLED);
        two.cancel();
        assertThat(engine.step()).isFalse();
    }

    @Test
    void aStepGivesEachTextAToken() {
        Engine engine = new Engine(SmallGpt2.of(ODD, backends().getLast()));
        Ticket ticket = engine.submit(Request.of(5).withMaxNewTokens(9).withSamples(3).withSampling(Sampling.of(1, 1)));
        for (int n = 1; n <= 9; n++) {
            assertThat(engine.step()).isEqualTo(n < 9);
            int tokens = n;
            assertThat(ticket.texts()).allSatisfy(text -> assertThat(text.tokens()).hasSize(tokens));
        }
        assertThat(ticket.texts().get(0).tokens()).isNotEqualTo(ticket.texts().get(1).tokens());
    }

    @Test
    void whatGoesWrongWithOneRequestIsItsOwnAffair() {
        AdapterSet set = SomeAdapters.setOfEveryKind(SmallGpt2.of(ODD, backends().getLast()));
        Engine engine = new Engine(set);
        Request request = Request.of(5, 6).withMaxNewTokens(9);
        Ticket fine = engine.submit(request);
        Ticket throwing = engine.submit(request.withListener((sample, id) -> {
            throw new IllegalStateException("the listener's");
        }));
        Ticket removed = engine.submit(request.withAdapter("parts"));
        Ticket whole = engine.submit(request.withAdapter("whole"));
        engine.step();
        engine.step();
        set.remove("parts");
        engine.run();
        assertThat(fine.failure()).isNull();
        assertThat(fine.texts().getFirst().tokens()).hasSize(9);
        assertThat(throwing.failure()).hasMessage("the listener's");
        assertThat(throwing.texts().getFirst().end()).isEqualTo(End.FAILED);
        assertThat(removed.failure()).isInstanceOf(LoraException.class).hasMessageContaining("'parts'");
        assertThat(removed.texts().getFirst().tokens()).hasSize(2);
        assertThat(whole.texts().getFirst().tokens()).hasSize(9);
    }

    @Test
    void whatCannotBeWrittenIsRefusedBeforeItIsTaken() {
        AdapterSet set = SomeAdapters.setOfEveryKind(SmallGpt2.of(ODD, backends().getFirst()));
        Engine engine = new Engine(set);
        AdapterSetTest.refused(() -> engine.submit(Request.of()), "empty prompt");
        AdapterSetTest.refused(() -> engine.submit(Request.of(151)), "token 151", "0 to 150");
        AdapterSetTest.refused(() -> engine.submit(Request.of(-1)), "token -1");
        AdapterSetTest.refused(() -> engine.submit(Request.of(1).withMaxNewTokens(Integer.MAX_VALUE)), "2147483647", "at most 63");
        AdapterSetTest.refused(() -> engine.submit(Request.of(1).withMaxNewTokens(9).withAdapter("part")), "nearest: parts");
        AdapterSetTest.refused(() -> engine.submit(Request.of(1).withMaxNewTokens(9).withBeam(Beam.PAPER).withSamples(2)), "beam");
        AdapterSetTest.refused(() -> new Engine((Gpt2) set.model()).submit(Request.of(1).withMaxNewTokens(2).withAdapter("parts")),
                "not over a set");
        assertThat(engine.step()).isFalse();
    }

    @Test
    void moreThanFitsWaitsAndComesInOrder() {
        Engine engine = new Engine(SmallGpt2.of(ODD, backends().getLast()));
        List<Integer> ended = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            int number = i;
            engine.submit(Request.of(i).withMaxNewTokens(3).withListener(new TokenListener() {
                @Override
                public boolean token(int sample, int id) {
                    return true;
                }

                @Override
                public void ended(int sample, Written text) {
                    ended.add(number);
                }
            }));
        }
        engine.run();
        assertThat(ended).hasSize(100).isSorted();
    }
}
