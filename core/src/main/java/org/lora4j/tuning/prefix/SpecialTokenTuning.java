package org.lora4j.tuning.prefix;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Backend;
import org.lora4j.model.CausalModel;
import org.lora4j.model.Classifier;
import org.lora4j.model.Model;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Insert;
import org.lora4j.nn.KeyValuePlace;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Place;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.AdapterTuning;
import org.lora4j.tuning.lora.LoraEmbedding;

/** Special tokens in a model, put there by a {@link SpecialTokenMethod}. */
public final class SpecialTokenTuning implements AdapterTuning {

    /** The name of the special tokens' table, or of what a network makes it of. */
    static final String TABLE = "prompt_encoder.embedding.weight";

    private static final double SMALL = 0.02;

    private final SpecialTokenMethod method;
    private final Model model;
    private final Backend backend;
    private final Slot<TokenEmbedding> tokens;
    private final List<Parameter> trainable = new ArrayList<>();
    private final List<Runnable> undo = new ArrayList<>();
    private PromptRows rows;

    private SpecialTokenTuning(SpecialTokenMethod method, Model model) {
        this.method = method;
        this.model = model;
        backend = model.backend();
        tokens = model.embeddings().stream().filter(slot -> slot.role() == Role.TOKENS).findFirst()
                .orElseThrow(() -> new LoraException(method.name() + ": " + model.description() + " has no embedding of tokens"));
    }

    /** Puts the special tokens in, and begins them; see {@link SpecialTokenMethod#attach}. */
    static SpecialTokenTuning attach(SpecialTokenMethod method, Model model, long seed) {
        SpecialTokenTuning tuning = allocate(method, model, true);
        try {
            tuning.initialise(seed);
        } catch (RuntimeException e) {
            tuning.detach();
            throw e;
        }
        return tuning;
    }

    /**
     * Puts the special tokens in, all zero.
     *
     * @param network whether what a network makes in training is made by it; if not, it is there by itself, as in a folder
     */
    static SpecialTokenTuning allocate(SpecialTokenMethod method, Model model, boolean network) {
        SpecialTokenTuning tuning = new SpecialTokenTuning(method, model);
        tuning.check();
        try {
            tuning.put(network);
        } catch (RuntimeException e) {
            tuning.detach();
            throw e;
        }
        return tuning;
    }

    private void check() {
        ModelSizes sizes = model.sizes();
        if (tokens.get().prefix().length + tokens.get().infix().length > 0) {
            throw new LoraException(method.name() + ": " + model.description() + " has special tokens already. Detach that method first");
        }
        if (method.positions() >= sizes.positions()) {
            throw new LoraException("`prefixLength` " + method.prefix() + (method.infix() == 0 ? "" : " and `infixLength` "
                    + method.infix()) + ": " + model.description() + " has " + sizes.positions()
                    + " positions, and a text needs some. Give less");
        }
        if (model instanceof Classifier<?> && method.infix() > 0) {
            throw new LoraException("`infixLength` " + method.infix() + ": an infix stands between input and output, and what has labels "
                    + "to give has no output. Give 0");
        }
    }

    // ------------------------------------------------------------------------------------------------ putting in

    /** @param network whether a network makes the rows, where the method has one; if not they are parameters themselves */
    private void put(boolean network) {
        int count = method.positions();
        ModelSizes sizes = model.sizes();
        int width = tokens.get().features();
        switch (method) {
            case PTuning p when network -> {
                int h = p.width() == 0 ? width : p.width();
                rows = new EncodedRows(train(TABLE, count, width), List.of(map("mlp_head.0", width, h), map("mlp_head.2", h, h),
                        map("mlp_head.4", h, width)), Activation.RELU);
            }
            case PrefixTuning p when network && p.project() -> {
                int w = sizes.keyWidth();
                int h = p.width() == 0 ? w : p.width();
                rows = new EncodedRows(train(TABLE, count, w), List.of(map("transform.0", w, h),
                        map("transform.2", h, 2 * sizes.blocks() * w)), Activation.TANH);
            }
            case PrefixTuning p -> rows = new DirectRows(train(TABLE, count, 2 * sizes.blocks() * sizes.keyWidth()));
            default -> rows = new DirectRows(train(TABLE, count, width));
        }
        TokenEmbedding base = tokens.get();
        tokens.set(new SpecialTokens(base, rows, method.prefix(), method.infix(), !(method instanceof PrefixTuning),
                method instanceof PromptTuning || method instanceof PTuning));
        undo.add(() -> tokens.set(base));
        if (method instanceof PrefixTuning) {
            putKeys();
        } else if (method instanceof PrefixLayer) {
            putRows(count);
        }
        trainHead();
    }

    private void putKeys() {
        List<KeyValuePlace> places = model.keyValuePlaces();
        requirePlaces(places.size());
        for (KeyValuePlace place : places) {
            place.put(new PrefixKeys(rows, place.block()));
            undo.add(place::clear);
        }
    }

    private void putRows(int count) {
        List<Place> places = afterBlocks();
        requirePlaces(places.size());
        for (Place place : places.subList(0, places.size() - 1)) {
            place.put(new PrefixRows(train("prefix_layers." + (place.block() + 1), count, model.sizes().width())));
            undo.add(place::clear);
        }
    }

    private List<Place> afterBlocks() {
        return model.places().stream().filter(place -> place.where() == Place.Where.AFTER_BLOCK).toList();
    }

    private void requirePlaces(int count) {
        if (count != model.sizes().blocks()) {
            throw new LoraException(method.name() + ": " + model.description() + " has " + model.sizes().blocks() + " blocks and "
                    + count + " places for it");
        }
    }

    /** A head begins with random numbers, and perhaps what stands before it: they train on copies with every method. */
    private void trainHead() {
        if (!(model instanceof Classifier<?> classifier)) {
            return;
        }
        for (Parameter parameter : model.parameters()) {
            String name = parameter.name();
            String module = name.substring(0, Math.max(0, name.lastIndexOf('.')));
            if (!parameter.isTrainable() // another method's already
                    && (model.names().isOfClassifier(name) || classifier.newModules().stream().anyMatch(module::endsWith))) {
                trainable.add(parameter.trainCopy());
                undo.add(parameter::restore);
            }
        }
    }

    private Parameter train(String name, int rowCount, int columns) {
        Parameter parameter = Parameter.zeros(name, backend, Shape.of(rowCount, columns)).train();
        trainable.add(parameter);
        return parameter;
    }

    private Linear map(String name, int in, int out) {
        Parameter weight = train("prompt_encoder." + name + ".weight", out, in);
        Parameter bias = Parameter.zeros("prompt_encoder." + name + ".bias", backend, Shape.of(out)).train();
        trainable.add(bias);
        return new Linear(weight, bias);
    }

    // ------------------------------------------------------------------------------------------------ beginning

    private void initialise(long seed) {
        switch (method) {
            case PrefixEmbedding p -> embed(p.init(), seed);
            case PromptTuning p -> embed(p.init(), seed);
            case PrefixLayer p -> {
                embed(p.init(), seed);
                record(seed);
            }
            case PrefixTuning p when !p.project() && p.init().kind() != TokenInit.Kind.RANDOM && model instanceof CausalModel writes ->
                    recordKeys(writes, words(p.init(), p.prefix(), seed));
            default -> {
                draw(trainable.getFirst(), 1, seed);
                if (rows instanceof EncodedRows(Parameter table, List<Linear> maps, Activation f)) {
                    maps.forEach(map -> drawMap(map, seed));
                }
            }
        }
    }

    private void embed(TokenInit init, long seed) {
        Parameter own = trainable.getFirst();
        if (init.kind() == TokenInit.Kind.RANDOM) {
            draw(own, 1, seed);
            return;
        }
        Embedding table = table(((SpecialTokens) tokens.get()).base());
        int[] ids = words(init, own.value().rows(), seed);
        for (int i = 0; i < ids.length; i++) {
            backend.copy(table.table().value().rows(ids[i], 1), own.value().rows(i, 1));
        }
    }

    private int[] words(TokenInit init, int count, long seed) {
        int vocabulary = model.sizes().vocabulary();
        int[] ids = init.tokens(count, vocabulary, seed);
        for (int id : ids) {
            if (id < 0 || id >= vocabulary) {
                throw new LoraException("token " + id + " to begin with is outside the model's vocabulary of " + vocabulary + " tokens");
            }
        }
        return ids;
    }

    /** The base's table, whatever has been put around it. */
    private static Embedding table(TokenEmbedding embedding) {
        return embedding instanceof LoraEmbedding lora ? lora.base() : (Embedding) embedding;
    }

    private void draw(Parameter parameter, double deviation, long seed) {
        double[] values = new double[Math.toIntExact(parameter.size())];
        new Philox(seed).fillNormal(values, deviation, 0, Philox.site(parameter.name()));
        backend.upload(values, parameter.value());
    }

    /** U(−1/√in, 1/√in), weight and bias, as PyTorch has it. */
    private void drawMap(Linear map, long seed) {
        double bound = 1 / Math.sqrt(map.inFeatures());
        for (Parameter parameter : map.parameters()) {
            double[] values = new double[Math.toIntExact(parameter.size())];
            new Philox(seed).fillUniform(values, -bound, bound, 0, Philox.site(parameter.name()));
            backend.upload(values, parameter.value());
        }
    }

    /** Gives each block's rows what the model makes there of the special tokens by themselves. */
    private void record(long seed) {
        List<Place> places = afterBlocks();
        List<Place> filled = places.subList(0, places.size() - 1);
        if (!(model instanceof CausalModel writes)) {
            filled.forEach(place -> draw(place.parameters().getFirst(), SMALL, seed));
            return;
        }
        List<Insert> inserts = filled.stream().map(place -> place.insert().orElseThrow()).toList();
        filled.forEach(place -> {
            Parameter own = place.parameters().getFirst();
            place.clear();
            place.put(new PrefixRows.Recorder(own));
        });
        read(writes, IntStream.concat(Arrays.stream(writes.prefix()), Arrays.stream(writes.infix())).toArray());
        for (int i = 0; i < filled.size(); i++) {
            filled.get(i).clear();
            filled.get(i).put(inserts.get(i));
        }
    }

    /** Gives P the keys and values that the model makes of words. */
    private void recordKeys(CausalModel writes, int[] words) {
        List<KeyValuePlace> places = model.keyValuePlaces();
        for (KeyValuePlace place : places) {
            place.clear();
            place.put(new PrefixKeys.Recorder(trainable.getFirst().value(), place.block()));
        }
        read(writes, words);
        for (KeyValuePlace place : places) {
            place.clear();
            place.put(new PrefixKeys(rows, place.block()));
        }
    }

    /** A pass over a sequence from its first position on. */
    private void read(CausalModel writes, int[] ids) {
        KeyValuePool pool = writes.newPool(ids.length);
        Workspace ws = Workspace.forInference(backend, ids.length);
        ws.begin(ids.length, 0);
        writes.next(ids, IntStream.range(0, ids.length).toArray(),
                pool.prompts(new int[][] {pool.take(ids.length)}, ids.length), new int[] {0}, ws);
    }

    // ------------------------------------------------------------------------------------------------ as a tuning

    @Override
    public Model model() {
        return model;
    }

    @Override
    public SpecialTokenMethod method() {
        return method;
    }

    @Override
    public String settings() {
        return method.name();
    }

    @Override
    public List<Parameter> trainable() {
        return List.copyOf(trainable);
    }

    @Override
    public List<PeftFormat.Entry> entries() {
        return trainable.stream().map(parameter -> PeftFormat.entry(model, method.key(parameter), parameter)).toList();
    }

    @Override
    public List<PeftFormat.Entry> savedEntries() {
        if (rows instanceof DirectRows) {
            return entries();
        }
        Workspace ws = Workspace.forInference(backend, method.positions());
        rows.begin(ws);
        Parameter made = new Parameter(TABLE, backend, rows.made(ws));
        List<PeftFormat.Entry> entries = new ArrayList<>(List.of(PeftFormat.entry(model, method.key(made), made)));
        trainable.stream().filter(parameter -> !rows.parameters().contains(parameter))
                .forEach(parameter -> entries.add(PeftFormat.entry(model, method.key(parameter), parameter)));
        return entries;
    }

    @Override
    public SpecialTokenTuning freeze() {
        trainable.forEach(Parameter::freeze);
        return this;
    }

    @Override
    public void save(Path folder, String base, Map<String, String> metadata, ModelWriter writer) {
        MethodFolder.save(this, method, folder, base, metadata);
    }

    @Override
    public void detach() {
        undo.reversed().forEach(Runnable::run);
        undo.clear();
        trainable.forEach(Parameter::freeze);
    }
}
