package org.lora4j.toy;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.Slot;

/**
 * What a toy's tensors are called; every weight lies as out × in:
 *
 * <pre>
 *   body.words                        V × C
 *   body.stage.I.look.{ask,key,say,mix}   q, k, v and o, C × C
 *   body.stage.I.think.{grow,shrink}      the feed-forward network
 *   answer                            the head, V × C
 * </pre>
 */
public final class ToyNames implements ModelNames {

    static final String PREFIX = "body.";
    static final String WORDS = PREFIX + "words";
    static final String ANSWER = "answer";

    private static final Pattern IN_STAGE = Pattern.compile("body\\.stage\\.(\\d{1,6})\\.(.+)");

    @Override
    public String modelType() {
        return "toy";
    }

    @Override
    public String title() {
        return "Toy";
    }

    @Override
    public Optional<String> taskType() {
        return Optional.of("CAUSAL_LM");
    }

    @Override
    public Optional<String> ggufArchitecture() {
        return Optional.empty();
    }

    @Override
    public Optional<String> toGguf(String module) {
        return Optional.empty();
    }

    @Override
    public Optional<String> fromGguf(String ggufName) {
        return Optional.empty();
    }

    @Override
    public String bodyPrefix() {
        return PREFIX;
    }

    @Override
    public boolean isInByOut(String weight) {
        return false;
    }

    @Override
    public boolean isMatrix(String weight) {
        return weight.endsWith(".weight") && !weight.contains(".norm");
    }

    @Override
    public boolean isBuffer(String tensor) {
        return false;
    }

    @Override
    public List<String> parts(String module) {
        return List.of();
    }

    @Override
    public boolean isEmbedding(String module) {
        return module.equals("words") || module.endsWith(".words");
    }

    @Override
    public String tokenTable() {
        return WORDS + ".weight";
    }

    @Override
    public String headWeight() {
        return ANSWER + ".weight";
    }

    @Override
    public int blockOf(String name) {
        Matcher stage = IN_STAGE.matcher(name);
        return stage.matches() ? Integer.parseInt(stage.group(1)) : Slot.NO_BLOCK;
    }

    @Override
    public boolean knows(String module) {
        return module.equals(WORDS) || module.equals(ANSWER)
                || module.matches("body\\.stage\\.\\d{1,6}\\.(look\\.(ask|key|say|mix)|think\\.(grow|shrink))");
    }
}
