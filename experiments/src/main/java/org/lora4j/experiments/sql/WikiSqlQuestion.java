package org.lora4j.experiments.sql;

import org.lora4j.data.Place;
import org.lora4j.data.TextPair;

/**
 * A question about a table, and the query that answers it.
 *
 * @param place where it was read
 */
public record WikiSqlQuestion(String question, SqlTable table, SqlQuery query, Place place) {

    /**
     * As a model sees it, schema and question, and what it is to write.
     *
     * <pre>
     *   columns : Player | No. | Nationality | question : Who wore number 42?
     *   SELECT "Player" FROM table WHERE "No." = '42'
     * </pre>
     */
    public TextPair pair() {
        return TextPair.stripped(context(), query.text(table), place);
    }

    /** What the model is given. */
    public String context() {
        return ("columns : " + String.join(" | ", table.columns()) + " | question : " + question).strip();
    }
}
