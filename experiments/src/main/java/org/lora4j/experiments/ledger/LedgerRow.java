package org.lora4j.experiments.ledger;

import java.math.BigDecimal;
import java.util.Optional;

/**
 * A number of the paper.
 *
 * @param place   table, section or appendix
 * @param row     what it is of
 * @param number  which one
 * @param printed as the paper has it
 * @param found   what stands beside it
 * @param verdict how they agree
 * @param note    what to know of it; what it would need where it cannot be reproduced here
 */
public record LedgerRow(String place, String row, String number, String printed, Found found, Verdict verdict, String note) {

    /** The test that holds what is computed. */
    private static final String TEST = "LedgerTest";

    /**
     * What was found for a row.
     *
     * @param formula   as the ledger computes it; empty where nothing is computed
     * @param exact     what it gives, in ones
     * @param allocated the same with tensors that were allocated in the place of counts by formula; empty where there are none
     */
    public record Found(String formula, Optional<BigDecimal> exact, Optional<BigDecimal> allocated) {

        static final Found NOTHING = new Found("", Optional.empty(), Optional.empty());
    }

    /** Which test fails where this row is wrong; empty where nothing is computed. */
    public String test() {
        return found.exact().isEmpty() ? ""
                : TEST + (found.allocated().isPresent() ? ".whatIsAllocatedIsWhatTheFormulaSays" : ".everyVerdictIsTheOneThatWasLookedAt");
    }
}
