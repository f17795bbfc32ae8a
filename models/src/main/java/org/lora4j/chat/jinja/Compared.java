package org.lora4j.chat.jinja;

/** One step of a comparison: what is compared with, and how. */
record Compared(String operator, Expression with) {

    boolean holds(Object left, Object right) {
        return switch (operator) {
            case "==" -> Values.equal(left, right);
            case "!=" -> !Values.equal(left, right);
            case "in" -> Values.contains(right, left);
            case "not in" -> !Values.contains(right, left);
            default -> ordered(Values.compare(left, right, operator));
        };
    }

    private boolean ordered(int order) {
        return switch (operator) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }
}
