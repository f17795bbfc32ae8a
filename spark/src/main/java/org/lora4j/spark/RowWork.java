package org.lora4j.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeMap;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;

/** What an executor does with a partition of a {@link Lora4jTransformer}: a chunk of rows at a time, each behind its answer. */
final class RowWork implements MapPartitionsFunction<Row, Row> {

    private static final long serialVersionUID = 1L;

    /** Enough to group rows by length, few enough to hold. */
    private static final int CHUNK = 256;

    /** What is asked. */
    enum Kind {
        CLASSIFY, GENERATE, SCORE;

        static Kind of(String name) {
            for (Kind kind : values()) {
                if (kind.name().equalsIgnoreCase(name)) {
                    return kind;
                }
            }
            throw new LoraException("Lora4jTransformer: work is " + name + ", expected classify, generate or score");
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The columns' places in a row; −1 for none. */
    record Places(int input, int second, int target, int adapter) implements Serializable {
    }

    /** A row's question. */
    record Question(String input, @Nullable String second, @Nullable String target) {
    }

    private final Kind kind;
    private final Places places;
    private final String model;
    private final TreeMap<String, String> adapters; // name → folder; "" of the one that is everybody's
    private final int maxNewTokens;

    RowWork(Kind kind, Places places, String model, TreeMap<String, String> adapters, int maxNewTokens) {
        this.kind = kind;
        this.places = places;
        this.model = model;
        this.adapters = adapters;
        this.maxNewTokens = maxNewTokens;
    }

    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
        return new Iterator<>() {

            private Iterator<Row> answered = List.<Row>of().iterator();

            @Override
            public boolean hasNext() {
                return answered.hasNext() || rows.hasNext();
            }

            @Override
            public Row next() {
                if (!answered.hasNext()) {
                    List<Row> chunk = new ArrayList<>();
                    while (rows.hasNext() && chunk.size() < CHUNK) {
                        chunk.add(rows.next());
                    }
                    if (chunk.isEmpty()) {
                        throw new NoSuchElementException();
                    }
                    answered = answered(chunk).iterator();
                }
                return answered.next();
            }
        };
    }

    private List<Row> answered(List<Row> rows) {
        Map<String, List<Integer>> byAdapter = new LinkedHashMap<>();
        for (int i = 0; i < rows.size(); i++) {
            if (!rows.get(i).isNullAt(places.input)) {
                byAdapter.computeIfAbsent(adapter(rows.get(i)), unused -> new ArrayList<>()).add(i);
            }
        }
        Object[] answers = new Object[rows.size()];
        byAdapter.forEach((adapter, chosen) -> {
            List<Question> questions = chosen.stream().map(i -> question(rows.get(i))).toList();
            List<?> said = ProcessModels.ask(kind, model, adapter, adapters, questions, maxNewTokens);
            for (int i = 0; i < said.size(); i++) {
                answers[chosen.get(i)] = said.get(i);
            }
        });
        List<Row> answered = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            Object[] values = new Object[rows.get(i).size() + 1];
            for (int k = 0; k < rows.get(i).size(); k++) {
                values[k] = rows.get(i).get(k);
            }
            values[values.length - 1] = answers[i];
            answered.add(RowFactory.create(values));
        }
        return answered;
    }

    /** The folder of a row's adapter; empty for the base. */
    private String adapter(Row row) {
        if (places.adapter < 0) {
            return adapters.getOrDefault("", "");
        }
        if (row.isNullAt(places.adapter)) {
            return "";
        }
        String name = row.getString(places.adapter);
        String folder = adapters.get(name);
        if (folder == null) {
            throw new LoraException("Lora4jTransformer: a row asks for adapter \"" + name + "\", and there are "
                    + String.join(", ", adapters.keySet()));
        }
        return folder;
    }

    private Question question(Row row) {
        return new Question(text(row, places.input), text(row, places.second), text(row, places.target));
    }

    private static @Nullable String text(Row row, int place) {
        return place < 0 || row.isNullAt(place) ? null : row.get(place).toString();
    }
}
