package org.lora4j.data;

/**
 * Which positions of a batch predict what: the shift by one of a causal model. Equation 1 of the paper is
 *
 * <pre>
 *   max Σ_(x, y) Σ_t log P(y_t | x, y_&lt;t)
 * </pre>
 *
 * and equation 2 the same over the parameters that a method trains. The logits at position t − 1 have seen all before t, so
 * they are what the token y_t is judged by: row t − 1 has the target that the label at t names. A label that is
 * {@link Batch#IGNORED}, as those of the context x are, makes no target, and nor does the one at t = 0, which nothing is
 * before.
 *
 * @param rows (N) rows of the batch's B·T whose logits are needed, in order
 * @param ids  (N) the token that each of them shall predict
 */
public record NextTokens(int[] rows, int[] ids) {

    /** Those of a batch with labels. */
    public static NextTokens of(Batch batch) {
        int count = count(batch);
        int[] rows = new int[count];
        int[] ids = new int[count];
        int found = 0;
        for (int i = 0; found < count; i++) {
            if (isTarget(batch, i)) {
                rows[found] = i - 1;
                ids[found++] = batch.labels()[i];
            }
        }
        return new NextTokens(rows, ids);
    }

    /** How many there are. */
    static int count(Batch batch) {
        int count = 0;
        for (int i = 0; batch.labels() != null && i < batch.labels().length; i++) {
            if (isTarget(batch, i)) {
                count++;
            }
        }
        return count;
    }

    private static boolean isTarget(Batch batch, int i) {
        return i % batch.length() != 0 && batch.labels()[i] != Batch.IGNORED;
    }
}
