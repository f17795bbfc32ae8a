package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.data.E2e;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tuning.AdapterTuning;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.TuningMethod;
import org.lora4j.tuning.TuningMethods;
import org.lora4j.tuning.lora.LoraConfig;

/** Each method of special tokens learns a few pairs of E2E on the embedded base, and is read again as it was. */
class SpecialTokenRunsTest {

    private static final int STEPS = 9;

    @TempDir
    private Path folder;

    private final Backend backend = Backends.create("cpu");

    private static Batch shortPairs() {
        List<TextPair> pairs = E2e.embedded(Split.TRAIN).subList(0, 200).stream()
                .sorted(Comparator.comparingInt(pair -> pair.context().length() + pair.completion().length())).limit(4).toList();
        List<EncodedExample> examples = new ExampleEncoder(Families.tokenizer(EmbeddedBase.folder()), 512).encode(pairs, "train").examples();
        return Batch.of(examples);
    }

    private double loss(LanguageModel model, Batch batch) {
        return model.loss(batch, 0, Workspace.forInference(backend, 400)) / batch.targets();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ' ', value = {
        "prefix-embedding:4,infix=4 2e-2", "prefix-layer:4,infix=4 2e-2", "prompt-tuning:8 2e-2", "p-tuning:8,width=32 1e-2",
        "prefix-tuning:6 2e-2", "prefix-tuning:6,projection=true,width=32 1e-2", "lora+prefix-embedding:4,infix=2 1e-2",
        "lora+prefix-layer:3,infix=1 1e-2"})
    void learnsBelowTheBasesLossAndIsReadAgain(String name, double rate) {
        Batch batch = shortPairs();
        LanguageModel model = Families.load(EmbeddedBase.folder(), backend);
        double base = loss(model, batch);
        LowRankAdaptation lora = new LowRankAdaptation(LoraConfig.of(4, 32).withParts("q", "v"));
        TuningMethod method = name.startsWith("lora+") ? TuningMethods.parse(name, lora) : TuningMethods.parse(name);
        AdapterTuning tuning = (AdapterTuning) method.attach(model, 3);
        AdamW adamW = new AdamW(backend, tuning.trainable(), AdamW.Settings.AUTHORS);
        Workspace ws = Workspace.forTraining(backend, 400, 1);
        for (int step = 0; step < STEPS; step++) {
            tuning.trainable().forEach(Parameter::clearGradient);
            model.lossAndGradients(batch, 1.0 / batch.targets(), 0, step, ws);
            adamW.step(rate);
        }
        double trained = loss(model, batch);
        assertThat(trained).isLessThan(base - 0.1);

        tuning.save(folder, "base-6m", Map.of(), (saved, where, metadata) -> { });
        tuning.detach();
        assertThat(loss(model, batch)).isEqualTo(base);
        assertThat(MethodFolder.method(folder).orElseThrow().name()).isEqualTo(name);
        MethodFolder.attach(model, folder, remark -> { }).freeze();
        assertThat(loss(model, batch)).isCloseTo(trained, within(1e-6));
        backend.close();
    }
}
