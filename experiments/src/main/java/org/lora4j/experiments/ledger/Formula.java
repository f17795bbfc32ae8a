package org.lora4j.experiments.ledger;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;

/**
 * A formula of the ledger: numbers, {@code + - * /}, brackets, and functions whose arguments are texts with semicolons between,
 * {@code 4*(trainable(roberta-base; lora:8:q,v)+head(roberta-base; 3))}.
 */
final class Formula {

    private static final MathContext DIGITS = new MathContext(30);

    private final String text;
    private final BiFunction<String, List<String>, BigDecimal> functions;
    private int at;

    private Formula(String text, BiFunction<String, List<String>, BigDecimal> functions) {
        this.text = text;
        this.functions = functions;
    }

    /** @param functions by name and arguments */
    static BigDecimal value(String text, BiFunction<String, List<String>, BigDecimal> functions) {
        Formula formula = new Formula(text, functions);
        BigDecimal value = formula.sum();
        formula.require(formula.at == text.length());
        return value;
    }

    private BigDecimal sum() {
        BigDecimal value = product();
        while (next('+') || next('-')) {
            value = text.charAt(at++) == '+' ? value.add(product()) : value.subtract(product());
        }
        return value;
    }

    private BigDecimal product() {
        BigDecimal value = factor();
        while (next('*') || next('/')) {
            value = text.charAt(at++) == '*' ? value.multiply(factor()) : value.divide(factor(), DIGITS);
        }
        return value;
    }

    private BigDecimal factor() {
        if (next('(')) {
            at++;
            BigDecimal value = sum();
            require(next(')'));
            at++;
            return value;
        }
        int from = at;
        while (at < text.length() && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '.')) {
            at++;
        }
        String word = text.substring(from, at);
        require(!word.isEmpty());
        return next('(') ? functions.apply(word, arguments()) : new BigDecimal(word);
    }

    private List<String> arguments() {
        int from = ++at;
        for (int open = 1; open > 0; at++) {
            require(at < text.length());
            open += text.charAt(at) == '(' ? 1 : text.charAt(at) == ')' ? -1 : 0;
        }
        String inside = text.substring(from, at - 1);
        return inside.isEmpty() ? List.of() : Arrays.stream(inside.split(";")).map(String::strip).toList();
    }

    private boolean next(char wanted) {
        return at < text.length() && text.charAt(at) == wanted;
    }

    private void require(boolean right) {
        if (!right) {
            throw new IllegalArgumentException(text + ": not a formula at character " + (at + 1));
        }
    }
}
