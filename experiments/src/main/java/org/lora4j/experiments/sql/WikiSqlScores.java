package org.lora4j.experiments.sql;

import java.util.List;
import java.util.Optional;
import org.lora4j.LoraException;

/**
 * How well written queries answer questions, as WikiSQL's scorer measures it, over all questions.
 *
 * @param questions   how many
 * @param logicalForm share whose query has the gold query's logical form
 * @param execution   share whose query gives what the gold query gives: the same cells in the same order
 * @param readable    share that is a query at all
 */
public record WikiSqlScores(int questions, double logicalForm, double execution, double readable) {

    /**
     * Scores a text for each question.
     *
     * @param written a text for each question
     * @throws LoraException if there are not as many texts as questions, or none
     */
    public static WikiSqlScores of(List<WikiSqlQuestion> questions, List<String> written) {
        if (questions.size() != written.size()) {
            throw new LoraException(written.size() + " queries for " + questions.size() + " questions. Give one query for each question");
        }
        if (questions.isEmpty()) {
            throw new LoraException("nothing to score: there are no questions");
        }
        int forms = 0;
        int answers = 0;
        int queries = 0;
        try (SqlDatabase database = SqlDatabase.open()) {
            for (int i = 0; i < questions.size(); i++) {
                WikiSqlQuestion question = questions.get(i);
                Optional<SqlQuery> query = SqlQuery.read(written.get(i), question.table());
                if (query.isPresent()) {
                    queries++;
                    boolean form = query.get().hasFormOf(question.query());
                    forms += form ? 1 : 0;
                    answers += database.run(query.get(), question.table()).equals(database.run(question.query(), question.table())) ? 1 : 0;
                }
            }
        }
        double count = questions.size();
        return new WikiSqlScores(questions.size(), forms / count, answers / count, queries / count);
    }
}
