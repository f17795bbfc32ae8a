package org.lora4j.chat.jinja;

import java.util.ArrayList;
import java.util.List;

/** Arithmetic as Python does it: whole numbers stay whole, {@code //} and {@code %} round down, texts and lists are joined by +. */
final class Operators {

    private Operators() {
    }

    static Object apply(String operator, Object a, Object b) {
        try {
            return switch (operator) {
                case "+" -> add(a, b);
                case "-" -> Values.whole(a) != null && Values.whole(b) != null
                        ? (Object) Math.subtractExact(Values.whole(a), Values.whole(b)) : (Object) (real("-", a, b, a) - real("-", a, b, b));
                case "*" -> multiply(a, b);
                case "/" -> divide(a, b);
                case "//" -> floorDivide(a, b);
                case "%" -> a instanceof String text ? PythonText.format(text, b) : remainder(a, b);
                case "**" -> power(a, b);
                default -> throw new JinjaException("no operator " + operator);
            };
        } catch (ArithmeticException e) {
            throw new JinjaException("a whole number is beyond 64 bits");
        }
    }

    private static double real(String operator, Object a, Object b, Object one) {
        if (!Values.isNumber(a) || !Values.isNumber(b)) {
            throw Values.unsuited(operator, a, b);
        }
        return Values.real(one);
    }

    private static Object add(Object a, Object b) {
        if (a instanceof String x && b instanceof String y) {
            return join(x, y);
        }
        if (a instanceof List<?> x && b instanceof List<?> y && a instanceof Tuple == b instanceof Tuple) {
            List<Object> both = new ArrayList<>(x);
            both.addAll(y);
            return a instanceof Tuple ? new Tuple(both) : both;
        }
        return Values.whole(a) != null && Values.whole(b) != null ? (Object) Math.addExact(Values.whole(a), Values.whole(b))
                : (Object) (real("+", a, b, a) + real("+", a, b, b));
    }

    static String join(String x, String y) {
        if (x.length() > Run.LONGEST - y.length()) {
            throw Run.tooLong();
        }
        return x + y;
    }

    private static Object multiply(Object a, Object b) {
        if ((b instanceof String || b instanceof List<?>) && Values.whole(a) != null) {
            return multiply(b, a);
        }
        if ((a instanceof String || a instanceof List<?>) && Values.whole(b) != null) {
            int times = Math.max(0, Values.index(b));
            if ((long) times * Math.max(1, a instanceof String s ? s.length() : ((List<?>) a).size()) > Run.LONGEST) {
                throw Run.tooLong();
            }
            if (a instanceof String text) {
                return text.repeat(times);
            }
            List<Object> all = new ArrayList<>();
            for (int i = 0; i < times; i++) {
                all.addAll((List<?>) a);
            }
            return a instanceof Tuple ? new Tuple(all) : all;
        }
        return Values.whole(a) != null && Values.whole(b) != null ? (Object) Math.multiplyExact(Values.whole(a), Values.whole(b))
                : (Object) (real("*", a, b, a) * real("*", a, b, b));
    }

    private static void refuseZero(double divisor) {
        if (divisor == 0) {
            throw new JinjaException("division by zero");
        }
    }

    private static Object divide(Object a, Object b) {
        double divisor = real("/", a, b, b);
        refuseZero(divisor);
        return real("/", a, b, a) / divisor;
    }

    private static Object floorDivide(Object a, Object b) {
        refuseZero(real("//", a, b, b));
        return Values.whole(a) != null && Values.whole(b) != null ? (Object) Math.floorDiv(Values.whole(a), Values.whole(b))
                : (Object) Math.floor(Values.real(a) / Values.real(b));
    }

    private static Object remainder(Object a, Object b) {
        double divisor = real("%", a, b, b);
        refuseZero(divisor);
        if (Values.whole(a) != null && Values.whole(b) != null) {
            return Math.floorMod(Values.whole(a), Values.whole(b));
        }
        double rest = Values.real(a) % divisor;
        return rest != 0 && rest < 0 != divisor < 0 ? rest + divisor : rest;
    }

    private static Object power(Object a, Object b) {
        double result = Math.pow(real("**", a, b, a), real("**", a, b, b));
        if (Values.whole(a) == null || Values.whole(b) == null || Values.whole(b) < 0) {
            return result;
        }
        if (Math.abs(result) > 9e18) {
            throw new ArithmeticException();
        }
        long product = 1;
        for (long n = Math.abs(result) <= 1 ? Values.whole(b) % 2 == 0 ? 2 : 1 : Values.whole(b); n > 0; n--) {
            product = Math.multiplyExact(product, Values.whole(a));
        }
        return Values.whole(b) == 0 ? 1L : product;
    }

    static Object negative(Object value) {
        return Values.whole(value) != null ? (Object) Math.negateExact(Values.whole(value)) : (Object) (-real("-", value, value, value));
    }

    static Object positive(Object value) {
        return Values.whole(value) != null ? Values.whole(value) : (Object) real("+", value, value, value);
    }
}
