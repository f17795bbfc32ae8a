package org.lora4j.experiments.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lora4j.experiments.sql.SqlQuery.Aggregate;
import org.lora4j.experiments.sql.SqlQuery.Comparison;
import org.lora4j.experiments.sql.SqlQuery.Condition;

/** Reads the one form of query that {@link SqlQuery#text} writes; words in letters of any size, white space as one likes. */
final class SqlReader {

    /** More are no query of a question. */
    private static final int MOST_CONDITIONS = 64;

    private final String text;
    private final SqlTable table;
    private int at;

    private SqlReader(String text, SqlTable table) {
        this.text = text;
        this.table = table;
    }

    static Optional<SqlQuery> read(String text, SqlTable table) {
        return Optional.ofNullable(new SqlReader(text, table).query());
    }

    private @Nullable SqlQuery query() {
        if (!word("SELECT")) {
            return null;
        }
        Aggregate aggregate = Aggregate.NONE;
        for (Aggregate each : Aggregate.values()) {
            if (aggregate == Aggregate.NONE && each != Aggregate.NONE && word(each.name())) {
                aggregate = each;
            }
        }
        if (aggregate != Aggregate.NONE && !sign('(')) {
            return null;
        }
        int column = column();
        if (column < 0 || aggregate != Aggregate.NONE && !sign(')') || !word("FROM") || !word("TABLE")) {
            return null;
        }
        List<Condition> conditions = new ArrayList<>();
        if (word("WHERE")) {
            do {
                Condition condition = condition();
                if (condition == null || conditions.size() == MOST_CONDITIONS) {
                    return null;
                }
                conditions.add(condition);
            } while (word("AND"));
        }
        skip();
        return at == text.length() ? new SqlQuery(column, aggregate, conditions) : null;
    }

    private @Nullable Condition condition() {
        int column = column();
        Comparison comparison = null;
        for (Comparison each : Comparison.values()) {
            if (comparison == null && sign(each.sign().charAt(0))) {
                comparison = each;
            }
        }
        if (column < 0 || comparison == null) {
            return null;
        }
        String quoted = quoted('\'');
        if (quoted != null) {
            return new Condition(column, comparison, quoted, false);
        }
        int from = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String number = text.substring(from, at);
        return number.matches("[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d{1,3})?") ? new Condition(column, comparison, number, true) : null;
    }

    /** The number of the column whose name comes next; −1 where none does. */
    private int column() {
        String name = quoted('"');
        if (name == null) {
            return -1;
        }
        for (int i = 0; i < table.columns().size(); i++) {
            if (table.columns().get(i).toLowerCase(Locale.ROOT).equals(name.toLowerCase(Locale.ROOT))) {
                return i;
            }
        }
        return -1;
    }

    /** What stands between two of these, where a doubled one means one. */
    private @Nullable String quoted(char quote) {
        if (!sign(quote)) {
            return null;
        }
        StringBuilder value = new StringBuilder();
        while (at < text.length()) {
            char next = text.charAt(at++);
            if (next != quote) {
                value.append(next);
            } else if (at < text.length() && text.charAt(at) == quote) {
                value.append(quote);
                at++;
            } else {
                return value.toString();
            }
        }
        return null;
    }

    private boolean word(String word) {
        skip();
        int end = at + word.length();
        boolean there = text.regionMatches(true, at, word, 0, word.length())
                && (end == text.length() || !Character.isLetterOrDigit(text.charAt(end)));
        at = there ? end : at;
        return there;
    }

    private boolean sign(char sign) {
        skip();
        boolean there = at < text.length() && text.charAt(at) == sign;
        at += there ? 1 : 0;
        return there;
    }

    private void skip() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }
}
