package org.lora4j.spark;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.sql.RowFactory;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.Example;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.LabelledText;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Request;
import org.lora4j.generate.Sampling;
import org.lora4j.generate.Ticket;
import org.lora4j.nn.Workspace;
import org.lora4j.task.Completion;
import org.lora4j.task.Predictions;
import org.lora4j.task.TextClassifier;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.AdapterSet;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The models of this process, each loaded when it is first asked for. Tasks take turns, since a backend serves one thread and
 * uses every core by itself.
 */
final class ProcessModels {

    private static final int MOST_CLASSIFIERS = 8; // each is a model of its own
    private static final int BATCH = 32;

    private static final Map<String, Judge> JUDGES = new LinkedHashMap<>(16, 0.75f, true) {

        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Judge> eldest) {
            boolean full = size() > MOST_CLASSIFIERS;
            if (full) {
                eldest.getValue().backend.close();
            }
            return full;
        }
    };
    private static final Map<String, Writer> WRITERS = new LinkedHashMap<>();

    private ProcessModels() {
    }

    private record Judge(TextClassifier classifier, Backend backend) {
    }

    /** A language model with the adapters that were asked for so far. */
    private record Writer(LanguageModel model, Tokenizer tokenizer, AdapterSet adapters, Generator generator) {
    }

    /**
     * The answers to some questions, in their order, as a row's column holds them.
     *
     * @param adapter the folder of the one that answers; empty for the base
     * @param all     adapters by names
     */
    static synchronized List<?> ask(
            RowWork.Kind kind, String model, String adapter, TreeMap<String, String> all, List<RowWork.Question> questions, int maxNewTokens) {
        Path folder = EmbeddedBase.resolve(model);
        return switch (kind) {
            case CLASSIFY -> judge(folder, adapter, questions);
            case GENERATE -> write(writer(folder, adapter), adapter, questions, maxNewTokens);
            case SCORE -> score(writer(folder, adapter), adapter, questions);
        };
    }

    private static List<Object> judge(Path folder, String adapter, List<RowWork.Question> questions) {
        Judge judge = JUDGES.computeIfAbsent(folder + "\n" + adapter, unused -> {
            Backend backend = Backends.create("cpu");
            return new Judge(TextClassifier.load(folder, adapter.isEmpty() ? null : Path.of(adapter), backend), backend);
        });
        TextClassifier classifier = judge.classifier;
        Predictions said = classifier.judge(questions.stream().map(asked -> new LabelledText(asked.input(), asked.second(), null)).toList(), BATCH);
        List<Object> answers = new ArrayList<>();
        for (int i = 0; i < said.size(); i++) {
            if (classifier.labels().regression()) {
                answers.add(RowFactory.create(null, said.predicted(i), null));
            } else {
                Map<String, Double> probabilities = new LinkedHashMap<>();
                double[] p = said.probabilities(i);
                for (int k = 0; k < p.length; k++) {
                    probabilities.put(classifier.labels().names().get(k), p[k]);
                }
                answers.add(RowFactory.create(classifier.labels().names().get((int) said.predicted(i)), null,
                        CollectionConverters.asScala(probabilities)));
            }
        }
        return answers;
    }

    private static Writer writer(Path folder, String adapter) {
        Writer writer = WRITERS.computeIfAbsent(folder.toString(), unused -> {
            LanguageModel model = Families.load(folder, Backends.create("cpu"));
            AdapterSet set = new AdapterSet(model);
            return new Writer(model, Families.tokenizer(folder), set, new Generator(set));
        });
        if (!adapter.isEmpty() && !writer.adapters.names().contains(adapter)) {
            writer.adapters.load(adapter, base -> PeftFormat.load(base, Path.of(adapter)));
        }
        return writer;
    }

    private static String name(String adapter) {
        return adapter.isEmpty() ? AdapterSet.BASE : adapter;
    }

    private static boolean learnedPairs(String adapter) {
        return !adapter.isEmpty() && PromptFormat.of(PeftFormat.metadata(Path.of(adapter))) == PromptFormat.PAIR;
    }

    private static List<String> write(Writer writer, String adapter, List<RowWork.Question> questions, int maxNewTokens) {
        boolean pairs = learnedPairs(adapter);
        ExampleEncoder encoder = new ExampleEncoder(writer.tokenizer, writer.model.sizes().positions());
        List<Request> requests = new ArrayList<>();
        for (RowWork.Question asked : questions) {
            String prompt = asked.input();
            int[] ids = pairs ? encoder.encodePrompt(prompt)
                    : prompt.isEmpty() ? new int[] {writer.tokenizer.endOfText()} : writer.tokenizer.encode(prompt);
            if (ids.length >= writer.model.sizes().positions()) {
                throw new LoraException("Lora4jTransformer: a prompt of " + ids.length + " tokens leaves no room in the model's "
                        + writer.model.sizes().positions() + " positions");
            }
            requests.add(Request.of(ids).withAdapter(name(adapter)).withSampling(Sampling.GREEDY)
                    .withMaxNewTokens(Math.min(maxNewTokens, writer.model.sizes().positions() - ids.length))
                    .withStopIds(pairs ? writer.tokenizer.stopIdsOfPairs() : writer.tokenizer.stopIds()));
        }
        List<String> texts = new ArrayList<>();
        for (Ticket ticket : writer.generator.write(requests)) {
            String text = writer.tokenizer.decodeText(ticket.texts().getFirst().tokens());
            texts.add(pairs ? ExampleEncoder.completion(text) : text);
        }
        return texts;
    }

    private static List<Object> score(Writer writer, String adapter, List<RowWork.Question> questions) {
        ExampleEncoder encoder = new ExampleEncoder(writer.tokenizer, writer.model.sizes().positions());
        boolean pairs = learnedPairs(adapter);
        List<EncodedExample> encoded = encoder.encode(questions.stream().map(asked -> {
            String target = asked.target() == null ? "" : asked.target();
            return pairs ? new TextPair(asked.input(), target) : new Example.Prompted(asked.input(), target, null);
        }).toList(), "input").examples();
        Completion objective = new Completion();
        writer.adapters.switchTo(name(adapter));
        Object[] answers = new Object[encoded.size()];
        Workspace ws = Workspace.forInference(writer.model.backend(), encoded.stream().mapToInt(EncodedExample::length).max().orElse(1));
        IntStream.range(0, answers.length).boxed().sorted(Comparator.comparing(i -> -encoded.get(i).length())).forEach(i -> {
            Batch batch = objective.batch(List.of(encoded.get(i)));
            answers[i] = RowFactory.create(objective.loss(writer.model, batch, ws), objective.targets(batch));
        });
        writer.adapters.switchTo(AdapterSet.BASE);
        return List.of(answers);
    }
}
