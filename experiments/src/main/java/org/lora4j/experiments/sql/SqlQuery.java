package org.lora4j.experiments.sql;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A query of WikiSQL, its logical form: one column, perhaps aggregated, of the rows that meet all conditions. As a text it is
 *
 * <pre>
 *   SELECT COUNT("Player") FROM table WHERE "Nationality" = 'Canada' AND "Year" &gt; 1990
 * </pre>
 *
 * with quotes doubled where a name or a text has them, so that it can be read again whatever they hold. Nothing else is a query
 * here: what a model writes is never given to a database as it is.
 *
 * @param column     number of the column that is asked for
 * @param aggregate  of its cells
 * @param conditions all of which hold
 */
public record SqlQuery(int column, Aggregate aggregate, List<Condition> conditions) {

    /** In the order of WikiSQL's numbers. */
    public enum Aggregate {
        /** The values as they are. */
        NONE,
        /** The largest. */
        MAX,
        /** The smallest. */
        MIN,
        /** How many there are. */
        COUNT,
        /** Their sum. */
        SUM,
        /** Their mean. */
        AVG
    }

    /** In the order of WikiSQL's numbers. */
    public enum Comparison {
        /** Equal to. */
        EQUAL("="),
        /** Larger than. */
        GREATER(">"),
        /** Smaller than. */
        LESS("<");

        private final String sign;

        Comparison(String sign) {
            this.sign = sign;
        }

        String sign() {
            return sign;
        }
    }

    /**
     * A cell of the column compared with a value.
     *
     * @param value  as it is written; that of a number as WikiSQL's file has it
     * @param number whether it is one, and not a text
     */
    public record Condition(int column, Comparison comparison, String value, boolean number) {
    }

    /** Keeps its own list of the conditions. */
    public SqlQuery {
        conditions = List.copyOf(conditions);
    }

    /** As a model is to write it. */
    public String text(SqlTable table) {
        String asked = name(table, column);
        String where = conditions.stream().map(condition -> name(table, condition.column) + " " + condition.comparison.sign + " "
                + (condition.number ? condition.value : "'" + condition.value.replace("'", "''") + "'")).collect(Collectors.joining(" AND "));
        return "SELECT " + (aggregate == Aggregate.NONE ? asked : aggregate + "(" + asked + ")") + " FROM table"
                + (where.isEmpty() ? "" : " WHERE " + where);
    }

    private static String name(SqlTable table, int column) {
        return "\"" + table.columns().get(column).replace("\"", "\"\"") + "\"";
    }

    /** The query that a text is; empty where it is none, or names a column that the table does not have. */
    public static Optional<SqlQuery> read(String text, SqlTable table) {
        return SqlReader.read(text, table);
    }

    /**
     * Whether the logical forms are equal, as WikiSQL's scorer has it: the same column and aggregate, and the same set of conditions,
     * whose values are compared as texts in small letters.
     */
    public boolean hasFormOf(SqlQuery other) {
        return column == other.column && aggregate == other.aggregate && forms().equals(other.forms());
    }

    private Set<List<Object>> forms() {
        Set<List<Object>> forms = new HashSet<>();
        conditions.forEach(condition -> forms.add(List.of(condition.column, condition.comparison, condition.value.toLowerCase(Locale.ROOT))));
        return forms;
    }
}
