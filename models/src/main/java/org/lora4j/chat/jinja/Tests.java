package org.lora4j.chat.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/** {@code value is test}. */
final class Tests {

    /** Whether something holds of a value. */
    @FunctionalInterface
    interface Test {
        boolean holds(Object value, Arguments arguments);
    }

    private static final Map<String, Test> TESTS = new HashMap<>();

    static {
        put((value, given) -> !(value instanceof Undefined), "defined");
        put((value, given) -> value instanceof Undefined, "undefined");
        put((value, given) -> value == None.NONE, "none");
        put((value, given) -> value instanceof String, "string");
        put((value, given) -> Values.isNumber(value), "number");
        put((value, given) -> value instanceof Long, "integer");
        put((value, given) -> value instanceof Double, "float");
        put((value, given) -> value instanceof Boolean, "boolean");
        put((value, given) -> Boolean.TRUE.equals(value), "true");
        put((value, given) -> Boolean.FALSE.equals(value), "false");
        put((value, given) -> value instanceof Map<?, ?>, "mapping");
        put((value, given) -> value instanceof List<?> || value instanceof String || value instanceof Map<?, ?>
                || value instanceof Undefined, "iterable");
        put((value, given) -> value instanceof List<?> || value instanceof String || value instanceof Map<?, ?>
                || value instanceof Undefined, "sequence");
        put((value, given) -> value instanceof Callable, "callable");
        put((value, given) -> Values.equal(Operators.apply("%", value, 2L), 1L), "odd");
        put((value, given) -> Values.equal(Operators.apply("%", value, 2L), 0L), "even");
        put((value, given) -> Values.equal(Operators.apply("%", value, other("divisibleby", given)), 0L), "divisibleby");
        put((value, given) -> Values.equal(value, other("eq", given)), "eq", "equalto", "==");
        put((value, given) -> !Values.equal(value, other("ne", given)), "ne", "!=");
        compare("<", order -> order < 0, "lt", "lessthan", "<");
        compare("<=", order -> order <= 0, "le", "<=");
        compare(">", order -> order > 0, "gt", "greaterthan", ">");
        compare(">=", order -> order >= 0, "ge", ">=");
        put((value, given) -> Values.contains(other("in", given), value), "in");
        put((value, given) -> isCased(value, "islower"), "lower");
        put((value, given) -> isCased(value, "isupper"), "upper");
        put((value, given) -> {
            Object other = other("sameas", given);
            return value == other || !(value instanceof List<?>) && !(value instanceof Map<?, ?>)
                    && value.getClass() == other.getClass() && Values.equal(value, other);
        }, "sameas");
        put((value, given) -> false, "escaped");
        put((value, given) -> value instanceof String name && Filters.named(name) != null, "filter");
        put((value, given) -> value instanceof String name && TESTS.containsKey(name), "test");
    }

    private Tests() {
    }

    private static void put(Test test, String... names) {
        for (String name : names) {
            TESTS.put(name, test);
        }
    }

    private static void compare(String operator, IntPredicate holds, String... names) {
        put((value, given) -> holds.test(Values.compare(value, other(operator, given), operator)), names);
    }

    private static Object other(String name, Arguments given) {
        return given.bind(name, "other").get("other");
    }

    private static boolean isCased(Object value, String method) {
        return Values.truth(Members.call(Members.attribute(Values.text(value), method), Arguments.NONE));
    }

    static Test required(String name) {
        Test test = TESTS.get(name);
        if (test == null) {
            throw new JinjaException("no test is called " + name);
        }
        return test;
    }
}
