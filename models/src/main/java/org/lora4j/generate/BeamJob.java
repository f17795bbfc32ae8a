package org.lora4j.generate;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.Tensor;

/** A text that is searched for: the rows are {@link BeamSearch}'s hypotheses. */
final class BeamJob extends Job {

    private final BeamSearch search;
    private final TopTokens top;
    private @Nullable End end;

    /** @param top of at least as many tokens as the beam is wide */
    BeamJob(Request request, Ticket ticket, TopTokens top) {
        super(request, ticket);
        this.top = top;
        search = new BeamSearch(
                request.beam(), request.stopIds(), request.minNewTokens(), request.maxNewTokens());
    }

    @Override
    int width() {
        return request.beam().width();
    }

    @Override
    boolean isWide() {
        return true;
    }

    @Override
    void begin(Trail prompt, Tensor logits) {
        rows.add(new Row(this, prompt, 0, 0));
        advance(List.of(this), top, logits);
    }

    /** One token more for jobs whose rows stand one after the other in the logits. */
    static void advance(List<BeamJob> jobs, TopTokens top, Tensor logits) {
        int count = 0;
        for (BeamJob job : jobs) {
            for (int row = 0; row < job.rows.size(); row++) {
                int at = count++;
                job.search.banned(row, token -> top.ban(logits, at, token));
            }
        }
        top.read(logits, count);
        int first = 0;
        for (BeamJob job : jobs) {
            int before = job.rows.size();
            job.advance(top, first);
            first += before;
        }
    }

    private void advance(TopTokens continuations, int first) {
        search.advance(new RowsFrom(continuations, first));
        List<Row> before = rows;
        rows = new ArrayList<>();
        for (int row = 0; row < search.rows(); row++) {
            rows.add(new Row(this, before.get(search.parent(row)).trail.fork(), 0, search.token(row)));
        }
        before.forEach(row -> row.trail.release());
        if (rows.isEmpty()) {
            end = search.best().stopped() ? End.STOP_TOKEN : End.LENGTH;
            for (int token : search.best().tokens()) {
                request.listener().token(0, token);
            }
            request.listener().ended(0, texts().getFirst());
        }
    }

    /** One input's part of the rows. */
    private record RowsFrom(TopTokens top, int first) implements BeamSearch.Continuations {

        @Override
        public int count(int row) {
            return top.count(first + row);
        }

        @Override
        public int id(int row, int i) {
            return top.id(first + row, i);
        }

        @Override
        public double logProbability(int row, int i) {
            return top.logProbability(first + row, i);
        }
    }

    @Override
    @Nullable Hypothesis hypothesis() {
        return rows.isEmpty() && search.best() != null && search.rows() == 0 ? search.best() : null;
    }

    @Override
    List<Written> texts() {
        Hypothesis best = hypothesis();
        return List.of(new Written(best == null ? new int[0] : best.tokens(), end));
    }

    @Override
    void end(End reason) {
        if (end == null) {
            end = reason;
            request.listener().ended(0, texts().getFirst());
        }
    }
}
