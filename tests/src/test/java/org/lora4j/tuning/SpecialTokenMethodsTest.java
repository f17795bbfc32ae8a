package org.lora4j.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.fixture.SmallBatches.Side;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.generate.Beam;
import org.lora4j.generate.Engine;
import org.lora4j.generate.Request;
import org.lora4j.generate.Sampling;
import org.lora4j.generate.Ticket;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.prefix.SpecialTokenMethod;

/** What special tokens do in a model: where they stand, what they count, and that decoding sees what scoring sees. */
class SpecialTokenMethodsTest {

    private static final int V = 11;
    private static final Gpt2Config SIZES = Gpt2Config.of(V, 24, 8, 3, 2);

    private final Backend backend = Backends.create("reference");
    private final LanguageModel model = SmallGpt2.of(SIZES, backend);

    private static AdapterMethod method(String name) {
        LowRankAdaptation lora = new LowRankAdaptation(LoraConfig.of(2, 4).withParts("q", "v"));
        return name.startsWith("lora+") ? TuningMethods.parse(name, lora) : (AdapterMethod) TuningMethods.parse(name);
    }

    private double[] logits(Batch batch) {
        return backend.readDoubles(model.logits(batch, Workspace.forInference(backend, 64)));
    }

    private double loss(Batch batch) {
        return model.loss(batch, 0, Workspace.forInference(backend, 64));
    }

    // ------------------------------------------------------------------------------------------------ where they stand

    /** Embeddings of words in the places of words: as a text that has them, whatever the padding. */
    @ParameterizedTest
    @EnumSource
    void prefixAndInfixAreWhatWordsInTheirPlacesWouldBe(Side side) {
        Batch batch = SmallBatches.of(new int[] {6, 4, 7}, side, V, 3, 5);
        Batch written = written(batch, new int[] {2, 3}, new int[] {7, 1, 4}, 3);
        double expected = loss(written);
        double[] all = logits(written);
        method("prefix-embedding:2,infix=3,init=2-3-7-1-4").attach(model, 1);
        assertThat(model.specialTokens()).isEqualTo(5);
        assertThat(model.maxLength()).isEqualTo(19);
        assertThat(loss(batch)).isEqualTo(expected);
        double[] shown = logits(batch);
        for (int b = 0; b < 3; b++) {
            int start = outputStart(batch, b);
            for (int t = 0; t < 7; t++) {
                int row = b * 12 + 2 + t + (t >= start - 1 ? 3 : 0); // behind the infix the next token is predicted from its last
                assertThat(Arrays.copyOfRange(shown, (b * 7 + t) * V, (b * 7 + t + 1) * V)).as(b + ", " + t)
                        .isEqualTo(Arrays.copyOfRange(all, row * V, (row + 1) * V));
            }
        }
    }

    private static int outputStart(Batch batch, int b) {
        return IntStream.range(1, batch.length()).filter(t -> batch.labels()[b * batch.length() + t] != Batch.IGNORED).findFirst().orElseThrow();
    }

    /** By hand: the prefix before the padding on the left, the infix before the first target. */
    private static Batch written(Batch batch, int[] prefix, int[] infix, int prompt) {
        int length = batch.length() + prefix.length + infix.length;
        List<Integer> ids = new ArrayList<>();
        List<Integer> mask = new ArrayList<>();
        List<Integer> labels = new ArrayList<>();
        for (int b = 0; b < batch.size(); b++) {
            int start = outputStart(batch, b);
            add(ids, mask, labels, prefix);
            for (int t = 0; t < batch.length(); t++) {
                if (t == start) {
                    add(ids, mask, labels, infix);
                }
                int at = b * batch.length() + t;
                ids.add(batch.inputIds()[at]);
                mask.add(batch.attentionMask()[at]);
                labels.add(batch.labels()[at]);
            }
        }
        return new Batch(batch.size(), length, ints(ids), ints(mask), ints(labels));
    }

    private static void add(List<Integer> ids, List<Integer> mask, List<Integer> labels, int[] special) {
        for (int id : special) {
            ids.add(id);
            mask.add(1);
            labels.add(Batch.IGNORED);
        }
    }

    private static int[] ints(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }

    /** A batch that has nothing to predict has its infix behind its last token, where a text begins. */
    @Test
    void withoutTargetsTheInfixStandsBehindTheInput() {
        Batch batch = new Batch(2, 3, new int[] {5, 6, 7, 8, 9, 0}, new int[] {1, 1, 1, 1, 1, 0}, null);
        double[] whole = logits(new Batch(2, 5, new int[] {5, 6, 7, 3, 4, 8, 9, 3, 4, 0}, new int[] {1, 1, 1, 1, 1, 1, 1, 1, 1, 0}, null));
        method("prefix-embedding:0,infix=2,init=3-4").attach(model, 1);
        double[] shown = logits(batch);
        assertThat(Arrays.copyOfRange(shown, 2 * V, 3 * V)).isEqualTo(Arrays.copyOfRange(whole, 4 * V, 5 * V));
        assertThat(Arrays.copyOfRange(shown, 4 * V, 5 * V)).isEqualTo(Arrays.copyOfRange(whole, 8 * V, 9 * V));
    }

    /** A prefix sees nothing but itself, so what the model makes of its words is the same behind every text. */
    @Test
    void prefixLayersBeginAsTheWordsTheyStandFor() {
        Batch batch = SmallBatches.of(new int[] {6, 4, 7}, Side.RIGHT, V, 3, 5);
        Tuning words = method("prefix-embedding:3,init=2-3-9").attach(model, 1);
        double expected = loss(batch);
        words.detach();
        Tuning layers = method("prefix-layer:3,init=2-3-9").attach(model, 1);
        assertThat(loss(batch)).isCloseTo(expected, within(1e-12));
        backend.fill(layers.trainable().get(1).value(), 0.5); // and from there on they are their own
        assertThat(loss(batch)).isNotCloseTo(expected, within(1e-3));
    }

    /** And so do trained keys and values, rotated as those of words are. */
    @Test
    void prefixTuningBeginsAsTheWordsItStandsFor() {
        LanguageModel llama = Families.load(Path.of("src/test/resources/decoders/llama_biases/model"), backend);
        for (LanguageModel one : List.of(model, llama)) {
            Batch batch = SmallBatches.of(new int[] {6, 4, 7}, Side.LEFT, V, 3, 5);
            Tuning words = method("prefix-embedding:3,init=2-3-9").attach(one, 1);
            double expected = one.loss(batch, 0, Workspace.forInference(backend, 64));
            words.detach();
            Tuning keys = method("prefix-tuning:3,init=2-3-9").attach(one, 1);
            assertThat(one.loss(batch, 0, Workspace.forInference(backend, 64))).isCloseTo(expected, within(1e-12));
            keys.detach();
        }
    }

    @Test
    void wordsAreDrawnBySeedAndRandomNumbersAreOfUnitVariance() {
        double[] first = drawn("prefix-embedding:20", 1);
        assertThat(drawn("prefix-embedding:20", 1)).isEqualTo(first);
        assertThat(drawn("prefix-embedding:20", 2)).isNotEqualTo(first);
        double[] table = backend.readDoubles(model.embeddings().getFirst().get().parameters().getFirst().value());
        Set<List<Double>> words = Set.copyOf(IntStream.range(0, V).mapToObj(v -> row(table, v)).toList());
        assertThat(IntStream.range(0, 20).mapToObj(i -> row(first, i))).allMatch(words::contains);
        assertThat(Arrays.stream(drawn("prompt-tuning:20,init=random", 1)).map(x -> x * x).average().orElseThrow()).isBetween(0.6, 1.5);
    }

    private static List<Double> row(double[] table, int row) {
        return Arrays.stream(table, row * 8, (row + 1) * 8).boxed().toList();
    }

    private double[] drawn(String name, long seed) {
        Tuning tuning = method(name).attach(model, seed);
        double[] values = backend.readDoubles(tuning.trainable().getFirst().value());
        tuning.detach();
        return values;
    }

    // ------------------------------------------------------------------------------------------------ decoding

    static Stream<String> methods() {
        return Stream.of("prefix-embedding:2,infix=2", "prefix-layer:2,infix=1", "prefix-layer:3", "prompt-tuning:3", "p-tuning:2,width=3",
                "prefix-tuning:3", "prefix-tuning:2,projection=true", "lora+prefix-embedding:2,infix=1", "lora+prefix-tuning:2");
    }

    /** Greedy text with the cache is what whole passes over prompt and text give, a token at a time; so are samples and beams' sums. */
    @ParameterizedTest
    @MethodSource("methods")
    void whatTheEngineWritesIsWhatWholePassesSay(String name) {
        AdapterTuning tuning = method(name).attach(model, 5);
        SmallGpt2.randomise(backend, tuning.trainable());
        int[] prompt = {4, 9, 1};
        Engine engine = new Engine(model);
        Ticket greedy = engine.submit(Request.of(prompt).withMaxNewTokens(6).withSampling(Sampling.GREEDY));
        Ticket beam = engine.submit(Request.of(prompt).withMaxNewTokens(5).withBeam(new Beam(3, 1, 0)));
        Ticket other = engine.submit(Request.of(7, 7).withMaxNewTokens(4).withSamples(2).withSampling(Sampling.of(1, 3)));
        engine.run();
        assertThat(greedy.texts().getFirst().tokens()).isEqualTo(byWholePasses(prompt, 6));
        int[] found = beam.hypothesis().tokens();
        assertThat(beam.hypothesis().logProbability()).isCloseTo(-loss(scored(prompt, found)), within(1e-9));
        assertThat(other.texts()).allMatch(text -> text.tokens().length == 4);

        Engine alone = new Engine(model);
        Ticket again = alone.submit(Request.of(7, 7).withMaxNewTokens(4).withSamples(2).withSampling(Sampling.of(1, 3)));
        alone.run();
        for (int sample = 0; sample < 2; sample++) {
            assertThat(again.texts().get(sample).tokens()).isEqualTo(other.texts().get(sample).tokens());
        }
    }

    /** Prompt and text as an example, so that the infix stands between them. */
    private static Batch scored(int[] prompt, int[] text) {
        int[] ids = IntStream.concat(Arrays.stream(prompt), Arrays.stream(text)).toArray();
        int[] labels = ids.clone();
        Arrays.fill(labels, 0, prompt.length, Batch.IGNORED);
        return new Batch(1, ids.length, ids, null, labels);
    }

    private int[] byWholePasses(int[] prompt, int count) {
        int[] text = new int[0];
        while (text.length < count) {
            double[] all = logits(text.length == 0 ? new Batch(1, prompt.length, prompt, null, null) : scored(prompt, text));
            int last = all.length - V;
            int best = IntStream.range(0, V).boxed().max(Comparator.comparingDouble(v -> all[last + v])).orElseThrow();
            text = IntStream.concat(Arrays.stream(text), IntStream.of(best)).toArray();
        }
        return text;
    }

    @Test
    void theEngineCountsThemAmongThePositions() {
        method("prefix-embedding:4,infix=2").attach(model, 5);
        Engine engine = new Engine(model);
        assertThatThrownBy(() -> engine.submit(Request.of(1, 2, 3).withMaxNewTokens(16))).isInstanceOf(LoraException.class)
                .hasMessageContaining("18 positions");
        Ticket ticket = engine.submit(Request.of(1, 2, 3).withMaxNewTokens(15));
        engine.run();
        assertThat(ticket.texts().getFirst().tokens()).hasSize(15);
    }

    // ------------------------------------------------------------------------------------------------ training

    /** Activations that are made again give the same bits. */
    @ParameterizedTest
    @MethodSource("methods")
    void recomputingGivesTheSameGradients(String name) {
        AdapterTuning tuning = method(name).attach(model, 5);
        SmallGpt2.randomise(backend, tuning.trainable());
        Batch batch = SmallBatches.of(new int[] {6, 4, 7}, Side.LEFT, V, 3, 5);
        List<double[]> kept = gradients(tuning, batch, Workspace.forTraining(backend, 64, 1));
        List<double[]> again = gradients(tuning, batch, Workspace.forTraining(backend, 64, 1).recomputing());
        for (int i = 0; i < kept.size(); i++) {
            assertThat(again.get(i)).isEqualTo(kept.get(i));
        }
    }

    private List<double[]> gradients(Tuning tuning, Batch batch, Workspace ws) {
        tuning.trainable().forEach(Parameter::clearGradient);
        model.lossAndGradients(batch, 1, 0, 1, ws);
        return tuning.trainable().stream().map(parameter -> backend.readDoubles(parameter.gradient())).toList();
    }

    @ParameterizedTest
    @MethodSource("methods")
    void detachingLeavesTheBaseAndNothingElse(String name) {
        Batch batch = SmallBatches.of(new int[] {6, 4, 7}, Side.LEFT, V, 3, 5);
        double before = loss(batch);
        List<Parameter> base = List.copyOf(model.parameters());
        Tuning tuning = method(name).attach(model, 5);
        assertThat(loss(batch)).isNotEqualTo(before);
        tuning.detach();
        assertThat(loss(batch)).isEqualTo(before);
        assertThat(model.parameters()).isEqualTo(base).noneMatch(Parameter::isTrainable);
        assertThat(model.specialTokens()).isZero();
        method(name).attach(model, 5).detach();
    }

    // ------------------------------------------------------------------------------------------------ counts

    static Stream<Arguments> rowsOfTable15() {
        return Stream.of(
                Arguments.of("prefix-embedding:32,infix=8", 0, 491_520L), Arguments.of("prefix-embedding:64,infix=8", 0, 884_736L),
                Arguments.of("prefix-embedding:128,infix=8", 0, 1_671_168L), Arguments.of("prefix-embedding:256,infix=8", 0, 3_244_032L),
                Arguments.of("prefix-embedding:512,infix=8", 0, 6_389_760L), Arguments.of("prefix-layer:2,infix=2", 0, 4_718_592L),
                Arguments.of("prefix-layer:8", 0, 9_437_184L), Arguments.of("prefix-layer:8,infix=8", 0, 18_874_368L),
                Arguments.of("prefix-layer:32,infix=4", 0, 42_467_328L), Arguments.of("prefix-layer:64", 0, 75_497_472L),
                Arguments.of("lora+prefix-embedding:8,infix=4", 8, 37_896_192L), Arguments.of("lora+prefix-embedding:8,infix=4", 32, 151_142_400L),
                Arguments.of("lora+prefix-embedding:8,infix=4", 64, 302_137_344L), Arguments.of("lora+prefix-layer:8,infix=4", 8, 51_904_512L));
    }

    /** GPT-3's shape in tensors without memory: d·(l_p + l_i), L·d·(l_p + l_i), and LoRA's beside them. */
    @ParameterizedTest
    @MethodSource("rowsOfTable15")
    void gpt3TrainsAsManyNumbersAsThePapersFormulaSays(String name, int rank, long expected) {
        try (Backend counting = new CountingOnly()) {
            Gpt2Config config = Gpt2Config.of(50257, 2048, 12288, 96, 96);
            LanguageModel gpt3 = Families.of(config.names()).empty(config, counting);
            AdapterMethod method = rank == 0 ? method(name) : TuningMethods.parse(name, new LowRankAdaptation(
                    LoraConfig.of(rank, 16).withParts("q", "v")));
            assertThat(method.allocate(gpt3).parameterCount()).isEqualTo(expected);
            if (method instanceof SpecialTokenMethod tokens) {
                assertThat(tokens.parameterCount(gpt3.sizes())).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("methods")
    void theFormulaIsWhatIsAllocated(String name) {
        if (method(name) instanceof SpecialTokenMethod tokens) {
            assertThat(tokens.attach(model, 1).parameterCount()).isEqualTo(tokens.parameterCount(model.sizes()));
        }
    }

    // ------------------------------------------------------------------------------------------------ refusals

    @ParameterizedTest
    @ValueSource(strings = {"prefix-embedding:8,infix=8,init=random", "prefix-layer:0,infix=4", "prompt-tuning:5,init=3-1", "p-tuning:5",
            "p-tuning:5,width=7", "prefix-tuning:4", "prefix-tuning:4,projection=true,width=9", "prefix-tuning:4,init=random"})
    void aNameSaysAllOfAMethod(String name) {
        assertThat(TuningMethods.parse(name).name()).isEqualTo(name);
        assertThat(TuningMethods.parse(TuningMethods.parse(name).name())).isEqualTo(TuningMethods.parse(name));
        assertThat(TuningMethods.parse("lora+" + name, new LowRankAdaptation(LoraConfig.of(1, 1))).name()).isEqualTo("lora+" + name);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "prefix-embedding | needs a length", "prefix-embedding:0 | nothing would train", "prefix-embedding:-1 | length -1, expected",
        "prefix-embedding:x | length x, expected", "prefix-layer:2,width=3 | has no setting 'width'", "prompt-tuning:0 | at least 1",
        "prompt-tuning:4,infix=1 | has no setting 'infix'", "prompt-tuning:4,init=word | init word, expected vocabulary, random",
        "p-tuning:4,width=0 | width 0", "prefix-tuning:4,width=3 | only a projection has a width", "prefix-tuning:4,projection=1 | true or false",
        "prefix-embedding:999999999 | more special tokens than any model", "lora+prefix-embedding:2 | settings of its own",
        "prefix-embeding:3 | expected lora, full"})
    void settingsThatMakeNoSenseAreRefused(String name, String why) {
        assertThatThrownBy(() -> TuningMethods.parse(name)).isInstanceOf(LoraException.class).hasMessageContaining(why);
    }

    @Test
    void aModelHasRoomForATextAndOneMethod() {
        assertThatThrownBy(() -> method("prefix-embedding:20,infix=4").attach(model, 1)).isInstanceOf(LoraException.class)
                .hasMessageContaining("24 positions");
        assertThatThrownBy(() -> method("prompt-tuning:2,init=11").attach(model, 1)).hasMessageContaining("token 11 to begin with");
        assertThat(model.specialTokens()).isZero();
        method("prompt-tuning:2").attach(model, 1);
        assertThatThrownBy(() -> method("prefix-embedding:2").attach(model, 1)).isInstanceOf(LoraException.class)
                .hasMessageContaining("trains already");
        assertThatThrownBy(() -> TuningMethods.parse("lora+houlsby:2", new LowRankAdaptation(LoraConfig.of(1, 1))))
                .hasMessageContaining("lora+prefix-embedding:N");
    }

    @Test
    void loraBesideTokensStartsAsTheTokensAlone() {
        Batch batch = SmallBatches.of(new int[] {6, 4, 7}, Side.RIGHT, V, 3, 5);
        Tuning alone = method("prefix-embedding:3,infix=1").attach(model, 9);
        double expected = loss(batch);
        alone.detach();
        AdapterTuning both = method("lora+prefix-embedding:3,infix=1").attach(model, 9);
        assertThat(loss(batch)).isEqualTo(expected);
        assertThat(both.parameterCount()).isEqualTo(3 * 2 * 2 * (8 + 8) + 4 * 8);
        Tensor rows = both.trainable().getLast().value();
        assertThat(rows.rows()).isEqualTo(4);
    }
}
