package org.lora4j.experiments.sql;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.lora4j.LoraException;

/**
 * A table of WikiSQL.
 *
 * @param id      by which questions name it
 * @param columns the names of its columns, each once: a second one of a name is told apart, {@code Rank (2)}
 * @param types   of the columns
 * @param rows    cells: a text, a number or null each
 */
public record SqlTable(String id, List<String> columns, List<Type> types, List<List<Object>> rows) {

    /** What a column holds, as WikiSQL's files have it. */
    public enum Type {
        /** Words. */
        TEXT,
        /** Numbers. */
        REAL
    }

    /** Requires as many types as columns, and at least one. */
    public SqlTable {
        if (columns.isEmpty() || columns.size() != types.size()) {
            throw new LoraException("table " + id + " has " + columns.size() + " columns and " + types.size() + " types, expected "
                    + "as many, and at least one");
        }
        columns = apart(columns);
        types = List.copyOf(types);
    }

    private static List<String> apart(List<String> names) {
        List<String> apart = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (String name : names) {
            String own = name;
            for (int i = 2; !seen.add(own.toLowerCase()); i++) {
                own = name + " (" + i + ")";
            }
            apart.add(own);
        }
        return List.copyOf(apart);
    }
}
