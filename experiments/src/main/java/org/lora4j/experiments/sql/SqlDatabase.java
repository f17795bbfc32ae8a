package org.lora4j.experiments.sql;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.experiments.sql.SqlQuery.Aggregate;
import org.lora4j.experiments.sql.SqlQuery.Condition;
import org.lora4j.experiments.sql.SqlTable.Type;

/**
 * Runs queries on a table in memory, by SQLite, as WikiSQL's own scorer does: texts in small letters, and what a condition on a
 * column of numbers compares with made a number, by the first number in it where it is none itself.
 *
 * <p>The statements are written here, from numbers of columns; names, cells and values go in as parameters, so nothing that a
 * model writes is ever read as SQL.
 */
final class SqlDatabase implements AutoCloseable {

    private static final String IN_MEMORY = "jdbc:sqlite::memory:";
    private static final Pattern NUMBER = Pattern.compile("[-+]?\\d*\\.\\d+|\\d+");
    /** More columns than SQLite has room for in a table as it is built. */
    private static final int MOST_COLUMNS = 1_000;

    private final Connection connection;
    private SqlTable loaded;

    private SqlDatabase(Connection connection) {
        this.connection = connection;
    }

    /** @throws LoraException if SQLite's library cannot be loaded here */
    static SqlDatabase open() {
        try {
            return new SqlDatabase(DriverManager.getConnection(IN_MEMORY));
        } catch (SQLException | UnsatisfiedLinkError | ExceptionInInitializerError e) {
            throw new LoraException("SQLite, which runs WikiSQL's queries, cannot start: " + Names.oneLine(String.valueOf(e.getMessage()))
                    + ". Its library is unpacked into a temporary folder; set -Dorg.sqlite.tmpdir to one that may hold programs", e);
        }
    }

    /** What the query gives, in the order of the table; a number that is whole and one that is not are equal where their values are. */
    List<Object> run(SqlQuery query, SqlTable table) {
        try {
            load(table);
            StringBuilder sql = new StringBuilder("SELECT ").append(query.aggregate() == Aggregate.NONE ? "" : query.aggregate())
                    .append("(col").append(query.column()).append(") FROM t");
            for (int i = 0; i < query.conditions().size(); i++) {
                Condition condition = query.conditions().get(i);
                sql.append(i == 0 ? " WHERE" : " AND").append(" col").append(condition.column()).append(' ')
                        .append(condition.comparison().sign()).append(" ?");
            }
            try (PreparedStatement statement = connection.prepareStatement(sql.toString())) {
                for (int i = 0; i < query.conditions().size(); i++) {
                    Condition condition = query.conditions().get(i);
                    statement.setObject(i + 1, value(condition, table.types().get(condition.column())));
                }
                return results(statement);
            }
        } catch (SQLException e) {
            throw new LoraException("table " + Names.shortened(table.id()) + ": SQLite refuses a query: " + Names.oneLine(e.getMessage()), e);
        }
    }

    private static List<Object> results(PreparedStatement statement) throws SQLException {
        List<Object> found = new ArrayList<>();
        try (ResultSet results = statement.executeQuery()) {
            while (results.next()) {
                Object value = results.getObject(1);
                found.add(value instanceof Number number ? (Object) number.doubleValue() : String.valueOf(value));
            }
        }
        return found;
    }

    private static Object value(Condition condition, Type type) {
        if (type == Type.TEXT && !condition.number()) {
            return condition.value().toLowerCase(Locale.ROOT);
        }
        if (condition.number()) {
            return number(condition.value());
        }
        try {
            return Double.valueOf(condition.value().strip().replace(",", ""));
        } catch (NumberFormatException e) {
            Matcher first = NUMBER.matcher(condition.value());
            return first.find() ? (Object) Double.valueOf(first.group()) : condition.value().toLowerCase(Locale.ROOT);
        }
    }

    /** Whole numbers stay whole: compared with a text they are other texts. */
    private static Object number(String text) {
        try {
            return Long.valueOf(text);
        } catch (NumberFormatException e) {
            return Double.valueOf(text);
        }
    }

    private void load(SqlTable table) throws SQLException {
        if (table.equals(loaded)) {
            return;
        }
        if (table.columns().size() > MOST_COLUMNS) {
            throw new LoraException("table " + Names.shortened(table.id()) + " has " + table.columns().size() + " columns, expected at most "
                    + MOST_COLUMNS);
        }
        loaded = null;
        StringBuilder columns = new StringBuilder();
        StringBuilder marks = new StringBuilder();
        for (int i = 0; i < table.columns().size(); i++) {
            columns.append(i == 0 ? "" : ", ").append("col").append(i).append(table.types().get(i) == Type.REAL ? " real" : " text");
            marks.append(i == 0 ? "?" : ", ?");
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS t");
            statement.execute("CREATE TABLE t (" + columns + ")");
        }
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO t VALUES (" + marks + ")")) {
            for (List<Object> row : table.rows()) {
                for (int i = 0; i < row.size(); i++) {
                    Object cell = row.get(i);
                    insert.setObject(i + 1, cell instanceof String text ? text.toLowerCase(Locale.ROOT) : cell);
                }
                insert.addBatch();
            }
            insert.executeBatch();
        }
        loaded = table;
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            // nothing in memory is lost that anybody wants
        }
    }
}
