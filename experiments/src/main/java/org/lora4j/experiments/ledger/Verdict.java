package org.lora4j.experiments.ledger;

/** How a printed number and the computed one agree. */
public enum Verdict {

    /** To every digit. */
    EQUAL("equal"),
    /** The printed one is the computed one rounded, or cut off. */
    ROUNDING("rounding"),
    /** The paper's formula, or its model's shape, gives another number. */
    DIFFERS("formula differs"),
    /** It needs what is not here. */
    NOT_HERE("cannot be reproduced here"),
    /** Nothing is printed to compare with. */
    NOT_PRINTED("not printed");

    private final String text;

    Verdict(String text) {
        this.text = text;
    }

    /** As a table shows it. */
    public String text() {
        return text;
    }
}
