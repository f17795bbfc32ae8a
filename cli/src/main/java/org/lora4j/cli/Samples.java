package org.lora4j.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.lora4j.LoraException;
import org.lora4j.chat.Chat;
import org.lora4j.data.Example;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Sampling;
import org.lora4j.tokenizer.Tokenizer;

/**
 * A few inputs, what a model writes for them before and after training, and what people wrote. {@link #before} is called
 * before training, {@link #after} when it is over.
 */
final class Samples {

    private static final int MAX_NEW_TOKENS = 64;
    private static final int MOST_REFERENCES = 3;

    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final Consumer<String> remarks;
    private final Map<String, List<String>> references = new LinkedHashMap<>();
    private final List<String> inputs = new ArrayList<>();
    private final List<int[]> prompts = new ArrayList<>();
    private final Set<Integer> stopIds;
    private List<String> before = List.of();

    /**
     * @param examples which training does not see
     * @param encoder as they are encoded
     * @param count how many inputs, spread over the examples; those that leave no room to write are passed over
     * @param remarks hears why there are none, where the model cannot write them
     */
    Samples(LanguageModel model, Tokenizer tokenizer, List<? extends Example> examples, ExampleEncoder encoder, int count,
            Consumer<String> remarks) {
        this.model = model;
        this.remarks = remarks;
        this.tokenizer = tokenizer;
        Map<String, Example> byInput = new LinkedHashMap<>();
        for (Example example : examples) {
            String input = input(example);
            if (input != null) {
                byInput.putIfAbsent(input, example);
                references.computeIfAbsent(input, unused -> new ArrayList<>()).add(answer(example));
            }
        }
        List<String> contexts = List.copyOf(byInput.keySet());
        int wanted = Math.min(count, contexts.size());
        for (int i = 0; i < wanted; i++) {
            String input = contexts.get((int) ((2L * i + 1) * contexts.size() / (2L * wanted)));
            int[] prompt = encoder.prompt(byInput.get(input));
            if (prompt != null) {
                tokenizer.requireRows(model.sizes().vocabulary(), prompt);
            }
            if (prompt != null && prompt.length + MAX_NEW_TOKENS <= model.maxLength()) {
                inputs.add(input);
                prompts.add(prompt);
            }
        }
        stopIds = inputs.isEmpty() ? Set.of() : encoder.stopIds(byInput.get(inputs.getFirst()));
    }

    /** What the model is asked, as people read it; null where an example asks nothing. */
    private static String input(Example example) {
        return switch (example) {
            case TextPair pair -> pair.context();
            case Example.Prompted prompted -> prompted.prompt();
            case Example.Talk talk -> {
                Chat asked = talk.chat().beforeLastTurn();
                yield talk.chat().turns().isEmpty() || asked.messages().isEmpty() ? null : asked.content(asked.messages().size() - 1);
            }
            default -> null;
        };
    }

    private static String answer(Example example) {
        return switch (example) {
            case TextPair pair -> pair.completion();
            case Example.Prompted prompted -> prompted.completion();
            case Example.Talk talk -> talk.chat().content(talk.chat().turns().getLast());
            default -> "";
        };
    }

    void before() {
        before = written();
    }

    List<RunReport.Sample> after() {
        List<String> after = written();
        List<RunReport.Sample> samples = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            List<String> known = references.get(inputs.get(i)).stream().filter(text -> !text.isEmpty()).toList();
            samples.add(new RunReport.Sample(
                    inputs.get(i), before.get(i), after.get(i), known.subList(0, Math.min(MOST_REFERENCES, known.size()))));
        }
        return samples;
    }

    /** A model that cannot write, because its logits are not numbers say, may still be trained. */
    private List<String> written() {
        try {
            return write();
        } catch (LoraException e) {
            remarks.accept("the report has no samples: " + e.getMessage());
            inputs.clear();
            return List.of();
        }
    }

    private List<String> write() {
        return inputs.isEmpty() ? List.of() : new Generator(model)
                .generate(prompts, MAX_NEW_TOKENS, stopIds, Sampling.GREEDY, (sequence, id) -> { })
                .stream().map(ids -> tokenizer.decodeText(ids).strip()).toList();
    }
}
