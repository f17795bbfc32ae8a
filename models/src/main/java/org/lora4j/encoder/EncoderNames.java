package org.lora4j.encoder;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.backend.Activation;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;

/**
 * What an encoder's tensors are called. Every weight lies as out × in and no map is fused; llama.cpp takes no adapters for
 * these. A family says its words:
 *
 * <pre>
 *   PREFIX + embeddings.word_embeddings           V × C        and position_embeddings, token_type_embeddings, LayerNorm
 *   PREFIX + BLOCKS + I + . + query, key, …       {@link BlockWords}
 *   the head's maps                               {@link HeadWords}
 * </pre>
 */
public abstract class EncoderNames implements ModelNames {

    private static final String EMBEDDINGS = "embeddings.";

    private final String prefix;
    private final BlockWords block;
    private final HeadWords head;
    private final List<String> otherHeads;
    private final Pattern inBlock;

    /**
     * The modules of a block.
     *
     * @param blocks what stands between the prefix and a block's number, such as {@code encoder.layer.}
     * @param output the map behind the heads
     * @param attentionNorm behind the sum with attention's branch
     * @param norm   behind the sum with the feed-forward's branch
     */
    public record BlockWords(String blocks, Attention attention, String output, String attentionNorm, String up, String down,
            String norm) {

        /** The maps that make queries, keys and values. */
        public record Attention(String query, String key, String value) {
        }

        /** The words that most families took over from the first. */
        public static final BlockWords USUAL = new BlockWords("encoder.layer.",
                new Attention("attention.self.query", "attention.self.key", "attention.self.value"), "attention.output.dense",
                "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm");

        List<String> maps() {
            return List.of(attention.query, attention.key, attention.value, output, up, down);
        }
    }

    /**
     * The head that classifies: a dense map with an activation, and the map to the labels.
     *
     * @param dense       the dense map's complete name
     * @param role        {@link Role#POOLER} where it belongs to the body
     * @param activation  behind it
     * @param dropsBefore whether dropout falls before the dense map as well as behind it
     * @param output      the complete name of the map to the labels
     */
    public record HeadWords(String dense, Role role, Activation activation, boolean dropsBefore, String output) {
    }

    /**
     * @param prefix     the body's, such as {@code bert.}
     * @param otherHeads the beginnings of complete names of tensors that a classifier does not have
     */
    protected EncoderNames(String prefix, BlockWords block, HeadWords head, List<String> otherHeads) {
        this.prefix = prefix;
        this.block = block;
        this.head = head;
        this.otherHeads = List.copyOf(otherHeads);
        inBlock = Pattern.compile(Pattern.quote(prefix + block.blocks) + "(\\d{1,6})\\.(.+)");
    }

    // ------------------------------------------------------------------------------------------------ words

    /** The complete name of a module of the embeddings. */
    final String embedding(String word) {
        return prefix + EMBEDDINGS + word;
    }

    final String words() {
        return embedding("word_embeddings");
    }

    final String positions() {
        return embedding("position_embeddings");
    }

    final String types() {
        return embedding("token_type_embeddings");
    }

    final String embeddingNorm() {
        return embedding("LayerNorm");
    }

    /** The complete name of a block, without a full stop. */
    final String block(int number) {
        return prefix + block.blocks + number;
    }

    final BlockWords blockWords() {
        return block;
    }

    final HeadWords headWords() {
        return head;
    }

    /** What a name is within its block; empty outside of blocks. */
    final Optional<String> withinBlock(String name) {
        Matcher matcher = inBlock.matcher(name);
        return matcher.matches() ? Optional.of(matcher.group(2)) : Optional.empty();
    }

    // ------------------------------------------------------------------------------------------------ files

    @Override
    public Optional<String> taskType() {
        return Optional.empty();
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
        return prefix;
    }

    @Override
    public boolean isInByOut(String weight) {
        return false;
    }

    @Override
    public boolean isMatrix(String weight) {
        return weight.equals(tokenTable())
                || withinBlock(weight).filter(word -> block.maps().stream().anyMatch(map -> word.equals(map + ".weight"))).isPresent();
    }

    /** Numbers that old files carry along. */
    @Override
    public boolean isBuffer(String tensor) {
        return tensor.equals(embedding("position_ids")) || tensor.equals(embedding("token_type_ids"));
    }

    @Override
    public String modern(String tensor) {
        return tensor.replaceFirst("LayerNorm\\.gamma$", "LayerNorm.weight").replaceFirst("LayerNorm\\.beta$", "LayerNorm.bias");
    }

    @Override
    public List<String> parts(String module) {
        return List.of();
    }

    @Override
    public boolean isEmbedding(String module) {
        return module.matches("(.*\\.)?(word|position|token_type)_embeddings");
    }

    @Override
    public String tokenTable() {
        return words() + ".weight";
    }

    @Override
    public String headWeight() {
        return head.output + ".weight";
    }

    @Override
    public Optional<String> classifierWeight() {
        return Optional.of(headWeight());
    }

    @Override
    public List<String> classifierModules() {
        List<String> modules = new ArrayList<>();
        for (String map : head.role == Role.POOLER ? List.of(head.output) : List.of(head.dense, head.output)) {
            String module = map.contains(".") ? map.substring(0, map.indexOf('.')) : map;
            if (!modules.contains(module)) {
                modules.add(module);
            }
        }
        return modules;
    }

    @Override
    public boolean isOfOtherHead(String tensor) {
        return otherHeads.stream().anyMatch(tensor::startsWith);
    }

    @Override
    public String complete(String name) {
        return isOfOtherHead(name) ? name : ModelNames.super.complete(name);
    }

    @Override
    public int blockOf(String name) {
        Matcher matcher = inBlock.matcher(name);
        return matcher.matches() ? Integer.parseInt(matcher.group(1)) : Slot.NO_BLOCK;
    }

    @Override
    public boolean knows(String module) {
        return module.equals(words()) || module.equals(positions()) || module.equals(types())
                || module.equals(head.dense) || module.equals(head.output)
                || withinBlock(module).filter(block.maps()::contains).isPresent();
    }
}
