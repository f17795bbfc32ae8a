package org.lora4j.spark;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.spark.ml.Transformer;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.param.StringArrayParam;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.lora4j.LoraException;

/**
 * Adds a column of what a model says of each row: a transformer of {@code spark.ml}, with many adapters chosen by a column.
 *
 * <pre>{@code
 * Dataset<Row> judged = new Lora4jTransformer().setModel("/models/roberta-base").setAdapters(Map.of("en", "/adapters/en", "fr", "/adapters/fr"))
 *         .setWork("classify").setInputCol("review").setAdapterCol("language").setOutputCol("verdict").transform(reviews);
 * }</pre>
 *
 * What it adds depends on the work:
 *
 * <pre>
 *   classify   struct(label string, value double, probabilities map(string, double));   value of a regression, else null
 *   generate   string, what a language model writes greedily behind the input
 *   score      struct(loss double, tokens long): −Σ log p of {@code targetCol} behind {@code inputCol}, and its tokens
 * </pre>
 *
 * <p>Each executor holds a model once, whatever the number of its tasks, and adapters as they are asked for. Model and adapters
 * are folders that all executors see. A row whose input is null gets null.
 */
public final class Lora4jTransformer extends Transformer implements DefaultParamsWritable {

    private static final long serialVersionUID = 1L;

    private final String uid;
    private Param<String> model;
    private StringArrayParam adapters;
    private Param<String> work;
    private Param<String> inputCol;
    private Param<String> secondCol;
    private Param<String> targetCol;
    private Param<String> adapterCol;
    private Param<String> outputCol;
    private IntParam maxNewTokens;

    public Lora4jTransformer() {
        this("lora4j_" + UUID.randomUUID().toString().substring(0, 12));
    }

    /** @param uid by which a pipeline knows it */
    public Lora4jTransformer(String uid) {
        this.uid = uid;
        setDefault(work(), "classify");
        setDefault(adapters(), new String[0]);
        setDefault(inputCol(), "text");
        setDefault(secondCol(), "");
        setDefault(targetCol(), "");
        setDefault(adapterCol(), "");
        setDefault(outputCol(), "prediction");
        setDefault(maxNewTokens(), 64);
    }

    /** What {@code save} wrote. */
    public static MLReader<Lora4jTransformer> read() {
        return new org.apache.spark.ml.util.DefaultParamsReader<>();
    }

    /** @see #read */
    public static Lora4jTransformer load(String path) {
        return read().load(path);
    }

    @Override
    public String uid() {
        return uid;
    }

    // ------------------------------------------------------------------------------------------------ parameters

    /** The model's folder, or {@code base-6m}. */
    public Param<String> model() {
        model = model != null ? model : new Param<>(this, "model", "the model's folder, or base-6m");
        return model;
    }

    /** NAME=DIR of each adapter; one alone, without a name, is everybody's. */
    public StringArrayParam adapters() {
        adapters = adapters != null ? adapters : new StringArrayParam(this, "adapters", "NAME=DIR of each adapter");
        return adapters;
    }

    /** classify, generate or score. */
    public Param<String> work() {
        work = work != null ? work : new Param<>(this, "work", "classify, generate or score");
        return work;
    }

    /** The column of the texts or prompts. */
    public Param<String> inputCol() {
        inputCol = inputCol != null ? inputCol : new Param<>(this, "inputCol", "the column of the texts or prompts");
        return inputCol;
    }

    /** The column of second texts, where a classifier judges pairs; empty for none. */
    public Param<String> secondCol() {
        secondCol = secondCol != null ? secondCol : new Param<>(this, "secondCol", "the column of second texts");
        return secondCol;
    }

    /** The column of the completions to be scored. */
    public Param<String> targetCol() {
        targetCol = targetCol != null ? targetCol : new Param<>(this, "targetCol", "the column of the completions to be scored");
        return targetCol;
    }

    /** The column of the adapters' names, of which null is the base; empty for the one adapter there is. */
    public Param<String> adapterCol() {
        adapterCol = adapterCol != null ? adapterCol : new Param<>(this, "adapterCol", "the column of the adapters' names");
        return adapterCol;
    }

    /** The column that is added. */
    public Param<String> outputCol() {
        outputCol = outputCol != null ? outputCol : new Param<>(this, "outputCol", "the column that is added");
        return outputCol;
    }

    /** The most tokens that are written behind a prompt. */
    public IntParam maxNewTokens() {
        maxNewTokens = maxNewTokens != null ? maxNewTokens : new IntParam(this, "maxNewTokens", "the most tokens behind a prompt");
        return maxNewTokens;
    }

    public Lora4jTransformer setModel(String folder) {
        set(model(), folder);
        return this;
    }

    /** One adapter for all rows. */
    public Lora4jTransformer setAdapter(String folder) {
        set(adapters(), new String[] {folder});
        return this;
    }

    /** @param folders by their names, as {@link #adapterCol} has them */
    public Lora4jTransformer setAdapters(Map<String, String> folders) {
        set(adapters(), folders.entrySet().stream().map(entry -> entry.getKey() + "=" + entry.getValue()).sorted().toArray(String[]::new));
        return this;
    }

    public Lora4jTransformer setWork(String what) {
        set(work(), what);
        return this;
    }

    public Lora4jTransformer setInputCol(String column) {
        set(inputCol(), column);
        return this;
    }

    public Lora4jTransformer setSecondCol(String column) {
        set(secondCol(), column);
        return this;
    }

    public Lora4jTransformer setTargetCol(String column) {
        set(targetCol(), column);
        return this;
    }

    public Lora4jTransformer setAdapterCol(String column) {
        set(adapterCol(), column);
        return this;
    }

    public Lora4jTransformer setOutputCol(String column) {
        set(outputCol(), column);
        return this;
    }

    public Lora4jTransformer setMaxNewTokens(int count) {
        set(maxNewTokens(), count);
        return this;
    }

    // ------------------------------------------------------------------------------------------------ the work

    @Override
    public Dataset<Row> transform(Dataset<?> rows) {
        StructType schema = transformSchema(rows.schema());
        return rows.toDF().mapPartitions(rowWork(rows.schema()), Encoders.row(schema));
    }

    @Override
    public StructType transformSchema(StructType schema) {
        if (!isSet(model())) {
            throw new LoraException("Lora4jTransformer: no model. Give its folder with setModel");
        }
        for (Param<String> column : List.of(inputCol(), secondCol(), targetCol(), adapterCol())) {
            String name = value(column);
            if (!name.isEmpty() && !List.of(schema.fieldNames()).contains(name)) {
                throw new LoraException("Lora4jTransformer: " + column.name() + " is " + name + ", and the columns are "
                        + String.join(", ", schema.fieldNames()));
            }
        }
        if (List.of(schema.fieldNames()).contains(value(outputCol()))) {
            throw new LoraException("Lora4jTransformer: outputCol is " + value(outputCol()) + ", which there is already. Choose another");
        }
        if (kind() == RowWork.Kind.SCORE && value(targetCol()).isEmpty()) {
            throw new LoraException("Lora4jTransformer: to score completions, give their column with setTargetCol");
        }
        return schema.add(value(outputCol()), type(), true);
    }

    private DataType type() {
        return switch (kind()) {
            case CLASSIFY -> new StructType().add("label", DataTypes.StringType).add("value", DataTypes.DoubleType)
                    .add("probabilities", DataTypes.createMapType(DataTypes.StringType, DataTypes.DoubleType));
            case GENERATE -> DataTypes.StringType;
            case SCORE -> new StructType().add("loss", DataTypes.DoubleType).add("tokens", DataTypes.LongType);
        };
    }

    private RowWork rowWork(StructType schema) {
        return new RowWork(kind(), new RowWork.Places(
                place(schema, inputCol()), place(schema, secondCol()), place(schema, targetCol()), place(schema, adapterCol())),
                value(model()), named(), (Integer) getOrDefault(maxNewTokens()));
    }

    /** Folders by names; of one without a name, by the empty one. */
    private TreeMap<String, String> named() {
        Map<String, String> named = new LinkedHashMap<>();
        for (String adapter : (String[]) getOrDefault(adapters())) {
            int at = value(adapterCol()).isEmpty() ? -1 : adapter.indexOf('=');
            named.put(at < 0 ? "" : adapter.substring(0, at), adapter.substring(at + 1));
        }
        if (value(adapterCol()).isEmpty() && named.size() > 1) {
            throw new LoraException("Lora4jTransformer: several adapters, and no column says which a row has. Give setAdapterCol");
        }
        return new TreeMap<>(named);
    }

    private RowWork.Kind kind() {
        return RowWork.Kind.of(value(work()));
    }

    private int place(StructType schema, Param<String> column) {
        return value(column).isEmpty() ? -1 : schema.fieldIndex(value(column));
    }

    private String value(Param<String> param) {
        return getOrDefault(param);
    }

    @Override
    public Lora4jTransformer copy(ParamMap extra) {
        return defaultCopy(extra);
    }
}
