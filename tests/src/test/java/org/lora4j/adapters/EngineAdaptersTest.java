package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Backend;
import org.lora4j.fixture.ReferenceAndCpu;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Request;
import org.lora4j.generate.Sampling;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.tuning.lora.AdapterSet;

/** What is written in company is what is written alone. */
class EngineAdaptersTest extends ReferenceAndCpu {

    private static final int STOP = 3;

    /** Prompts of different lengths, with every adapter and none, those that cannot share a batch among them. */
    private static List<Request> requests(AdapterSet set, int count) {
        List<String> names = new ArrayList<>(set.names());
        names.add(AdapterSet.BASE);
        Random random = new Random(8);
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] prompt = random.ints(1 + random.nextInt(5), 0, SmallGpt2.TIED.vocabSize()).toArray();
            requests.add(Request.of(prompt).withAdapter(names.get(i < names.size() ? i : random.nextInt(names.size())))
                    .withMaxNewTokens(4).withStopIds(Set.of(STOP)).withNumber(i));
        }
        return requests;
    }

    @ParameterizedTest
    @MethodSource("backends")
    void everyRequestGetsTheTextThatItGetsAlone(Backend backend) {
        AdapterSet set = SomeAdapters.setOfEveryKind(SomeAdapters.model(backend));
        List<Request> requests = requests(set, 30);
        set.switchTo("biased");
        List<String> told = new ArrayList<>();
        List<int[]> together = texts(set, requests.stream().map(request -> request.withListener((sample, id) ->
                told.add(request.number() + ":" + id))).toList());
        assertThat(set.active()).as("as before").isEqualTo("biased");
        Generator generator = new Generator((Gpt2) set.model());
        int tokens = 0;
        for (int i = 0; i < requests.size(); i++) {
            set.switchTo(requests.get(i).adapter());
            int[] alone = generator.generate(requests.get(i).prompt(), 4, Set.of(STOP), Sampling.GREEDY);
            assertThat(together.get(i)).as("request %d, %s", i, requests.get(i).adapter()).isEqualTo(alone);
            for (int token : alone) {
                assertThat(told).contains(i + ":" + token);
            }
            tokens += alone.length;
        }
        assertThat(told).hasSize(tokens);
    }

    private static List<int[]> texts(AdapterSet set, List<Request> requests) {
        return new Generator(set).write(requests).stream().map(ticket -> ticket.texts().getFirst().tokens()).toList();
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aDrawDependsOnTheNumberOfTheRequestAndNotOnItsCompany(Backend backend) {
        AdapterSet set = SomeAdapters.setOfEveryKind(SomeAdapters.model(backend));
        List<Request> requests = requests(set, 20).stream()
                .map(request -> request.withSampling(new Sampling(0.9, 7, 0.95, 5))).toList();
        List<int[]> together = texts(set, requests);
        List<int[]> some = texts(set, requests.subList(5, 12));
        for (int i = 0; i < some.size(); i++) {
            assertThat(some.get(i)).isEqualTo(together.get(5 + i));
        }
    }

    @Test
    void anUnknownAdapterIsRefused() {
        AdapterSet set = SomeAdapters.setOfEveryKind(SomeAdapters.model(backends().getFirst()));
        AdapterSetTest.refused(() -> texts(set, List.of(Request.of(1).withAdapter("part"))),
                "'part'", "nearest: parts");
    }
}
