package org.lora4j.chat.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lora4j.chat.jinja.Lexer.Kind;
import org.lora4j.chat.jinja.Lexer.Token;

/** Reads expressions, by Jinja's precedence: if else, or, and, not, comparisons, + −, ~, * / // %, **, signs, then what follows. */
final class ExpressionParser {

    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final Words words;

    ExpressionParser(Words words) {
        this.words = words;
    }

    /** One expression, or several with commas between them, which are a tuple. */
    Expression tuple(boolean withCondition) {
        Expression first = withCondition ? expression() : or();
        if (!words.isOperator(",")) {
            return first;
        }
        List<Expression> items = new ArrayList<>(List.of(first));
        while (words.skipOperator(",")) {
            if (endsTuple()) {
                break;
            }
            items.add(withCondition ? expression() : or());
        }
        return scope -> new Tuple(values(items, scope));
    }

    private boolean endsTuple() {
        return words.is(Kind.BLOCK_END) || words.is(Kind.VARIABLE_END) || words.isOperator(")") || words.isName("recursive")
                || words.isName("if");
    }

    static List<Object> values(List<Expression> items, Scope scope) {
        List<Object> values = new ArrayList<>(items.size());
        items.forEach(item -> values.add(item.value(scope)));
        return values;
    }

    Expression expression() {
        words.deeper();
        Expression value = or();
        while (words.skipName("if")) {
            Expression wanted = value;
            Expression test = or();
            Expression other = words.skipName("else") ? expression()
                    : scope -> new Undefined("the condition was false, and there is no else");
            value = scope -> Values.truth(test.value(scope)) ? wanted.value(scope) : other.value(scope);
        }
        words.shallower();
        return value;
    }

    private Expression or() {
        Expression left = and();
        while (words.skipName("or")) {
            Expression first = left;
            Expression second = and();
            left = scope -> {
                Object value = first.value(scope);
                return Values.truth(value) ? value : second.value(scope);
            };
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (words.skipName("and")) {
            Expression first = left;
            Expression second = not();
            left = scope -> {
                Object value = first.value(scope);
                return Values.truth(value) ? second.value(scope) : value;
            };
        }
        return left;
    }

    private Expression not() {
        if (words.isName("not")) {
            words.next();
            words.deeper();
            Expression value = not();
            words.shallower();
            return scope -> !Values.truth(value.value(scope));
        }
        return comparison();
    }

    private Expression comparison() {
        Expression first = sum();
        List<Compared> steps = new ArrayList<>();
        while (true) {
            if (words.is(Kind.OPERATOR) && COMPARISONS.contains(words.now().text())) {
                steps.add(new Compared(words.next().text(), sum()));
            } else if (words.skipName("in")) {
                steps.add(new Compared("in", sum()));
            } else if (words.isName("not") && words.ahead().is(Kind.NAME, "in")) {
                words.next();
                words.next();
                steps.add(new Compared("not in", sum()));
            } else {
                break;
            }
        }
        return steps.isEmpty() ? first : scope -> {
            Object left = first.value(scope);
            for (Compared step : steps) {
                Object right = step.with().value(scope);
                if (!step.holds(left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        };
    }

    private Expression sum() {
        Expression left = concatenation();
        while (words.isOperator("+") || words.isOperator("-")) {
            left = binary(words.next().text(), left, concatenation());
        }
        return left;
    }

    private static Expression binary(String operator, Expression left, Expression right) {
        return scope -> Operators.apply(operator, left.value(scope), right.value(scope));
    }

    private Expression concatenation() {
        Expression first = product();
        if (!words.isOperator("~")) {
            return first;
        }
        List<Expression> parts = new ArrayList<>(List.of(first));
        while (words.skipOperator("~")) {
            parts.add(product());
        }
        return scope -> {
            String text = "";
            for (Expression part : parts) {
                text = Operators.join(text, Values.text(part.value(scope)));
            }
            return text;
        };
    }

    private Expression product() {
        Expression left = power();
        while (words.isOperator("*") || words.isOperator("/") || words.isOperator("//") || words.isOperator("%")) {
            left = binary(words.next().text(), left, power());
        }
        return left;
    }

    private Expression power() {
        Expression left = unary(true);
        while (words.skipOperator("**")) {
            left = binary("**", left, unary(true));
        }
        return left;
    }

    private Expression unary(boolean withFilter) {
        words.deeper();
        Expression value;
        if (words.skipOperator("-")) {
            Expression operand = unary(false);
            value = scope -> Operators.negative(operand.value(scope));
        } else if (words.skipOperator("+")) {
            Expression operand = unary(false);
            value = scope -> Operators.positive(operand.value(scope));
        } else {
            value = primary();
        }
        value = postfix(value);
        value = withFilter ? filtered(value) : value;
        words.shallower();
        return value;
    }

    private Expression primary() {
        Token token = words.now();
        switch (token.kind()) {
            case NAME -> {
                words.next();
                return name(token.text());
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (words.is(Kind.STRING)) {
                    text.append(words.next().text());
                }
                String whole = text.toString();
                return scope -> whole;
            }
            case INTEGER, FLOAT -> {
                Object number = number(words.next());
                return scope -> number;
            }
            default -> {
                return bracket();
            }
        }
    }

    private static Expression name(String name) {
        return switch (name) {
            case "true", "True" -> scope -> true;
            case "false", "False" -> scope -> false;
            case "none", "None" -> scope -> None.NONE;
            default -> scope -> scope.get(name);
        };
    }

    private static Object number(Token token) {
        String text = token.text();
        try {
            int radix = text.length() < 3 ? 10 : switch (text.charAt(1)) {
                case 'x', 'X' -> 16;
                case 'o', 'O' -> 8;
                case 'b', 'B' -> 2;
                default -> 10;
            };
            return token.kind() == Kind.FLOAT ? (Object) Double.valueOf(text)
                    : (Object) Long.parseLong(radix == 10 ? text : text.substring(2), radix);
        } catch (NumberFormatException e) {
            throw new JinjaException("the number " + text + " is beyond 64 bits", token.line(), false);
        }
    }

    private Expression bracket() {
        if (words.skipOperator("(")) {
            if (words.skipOperator(")")) {
                return scope -> Tuple.of();
            }
            Expression inside = tuple(true);
            words.expectOperator(")");
            return inside;
        }
        if (words.skipOperator("[")) {
            List<Expression> items = new ArrayList<>();
            while (!words.skipOperator("]")) {
                if (!items.isEmpty()) {
                    words.expectOperator(",");
                    if (words.skipOperator("]")) {
                        break;
                    }
                }
                items.add(expression());
            }
            return scope -> values(items, scope);
        }
        if (!words.skipOperator("{")) {
            throw words.unexpected("a value");
        }
        Map<Expression, Expression> entries = new LinkedHashMap<>();
        while (!words.skipOperator("}")) {
            if (!entries.isEmpty()) {
                words.expectOperator(",");
                if (words.skipOperator("}")) {
                    break;
                }
            }
            Expression key = expression();
            words.expectOperator(":");
            entries.put(key, expression());
        }
        return scope -> {
            Map<Object, Object> map = new LinkedHashMap<>();
            entries.forEach((key, value) -> map.put(key.value(scope), value.value(scope)));
            return map;
        };
    }

    private Expression postfix(Expression start) {
        Expression value = start;
        while (true) {
            if (words.isOperator(".") || words.isOperator("[")) {
                value = member(value);
            } else if (words.isOperator("(")) {
                value = called(value);
            } else {
                return value;
            }
        }
    }

    private Expression member(Expression object) {
        if (words.skipOperator(".")) {
            Token token = words.next();
            if (token.kind() == Kind.NAME) {
                return scope -> Members.attribute(object.value(scope), token.text());
            }
            if (token.kind() == Kind.INTEGER) {
                Object index = number(token);
                return scope -> Members.subscript(object.value(scope), index);
            }
            throw new JinjaException("expected a name behind the dot", token.line(), false);
        }
        words.expectOperator("[");
        List<Expression> parts = new ArrayList<>();
        boolean slice = false;
        while (!words.isOperator("]")) {
            if (words.skipOperator(":")) {
                slice = true;
                while (parts.size() < 1) {
                    parts.add(scope -> None.NONE);
                }
                parts.add(words.isOperator(":") || words.isOperator("]") ? scope -> None.NONE : expression());
            } else if (parts.isEmpty()) {
                parts.add(expression());
            } else {
                throw words.unexpected("']'");
            }
        }
        words.expectOperator("]");
        if (parts.isEmpty() || parts.size() > 3) {
            throw words.unexpected("an index");
        }
        Expression step = parts.size() == 3 ? parts.get(2) : scope -> None.NONE;
        return slice ? scope -> Values.slice(object.value(scope), parts.get(0).value(scope), parts.get(1).value(scope), step.value(scope))
                : scope -> Members.subscript(object.value(scope), parts.getFirst().value(scope));
    }

    private Expression called(Expression function) {
        Given given = given();
        return scope -> {
            Object callee = function.value(scope);
            Arguments arguments = given.in(scope);
            scope.run().enter();
            try {
                return Members.call(callee, arguments);
            } finally {
                scope.run().leave();
            }
        };
    }

    Given given() {
        words.expectOperator("(");
        Given given = new Given(new ArrayList<>(), new LinkedHashMap<>(), new ArrayList<>());
        boolean first = true;
        while (!words.skipOperator(")")) {
            if (!first) {
                words.expectOperator(",");
                if (words.skipOperator(")")) {
                    break;
                }
            }
            first = false;
            if (words.skipOperator("*") || words.skipOperator("**")) {
                given.unpacked().add(expression());
            } else if (words.is(Kind.NAME) && words.ahead().is(Kind.OPERATOR, "=")) {
                String name = words.name();
                words.expectOperator("=");
                given.named().put(name, expression());
            } else if (!given.named().isEmpty()) {
                throw words.unexpected("a name and its value");
            } else {
                given.positional().add(expression());
            }
        }
        return given;
    }

    private Expression filtered(Expression start) {
        Expression value = start;
        while (true) {
            if (words.isOperator("|")) {
                value = filter(value);
            } else if (words.isName("is")) {
                value = tested(value);
            } else if (words.isOperator("(")) {
                value = called(value);
            } else {
                return value;
            }
        }
    }

    /** The filters that follow, each with its bar before it; where the first bar is not written, {@code first} says so. */
    Expression filter(Expression value) {
        words.expectOperator("|");
        return filterNamed(value);
    }

    Expression filterNamed(Expression value) {
        int line = words.now().line();
        StringBuilder name = new StringBuilder(words.name());
        while (words.skipOperator(".")) {
            name.append('.').append(words.name());
        }
        Filters.Filter filter = Filters.named(name.toString());
        Given given = words.isOperator("(") ? given() : new Given(List.of(), Map.of(), List.of());
        if (filter == null) {
            throw new JinjaException("no filter is called " + name, line, false);
        }
        return scope -> filter.apply(value.value(scope), given.in(scope));
    }

    private Expression tested(Expression value) {
        words.expectName("is");
        boolean negated = words.skipName("not");
        int line = words.now().line();
        String name = words.name();
        Given given = new Given(List.of(), Map.of(), List.of());
        if (words.isOperator("(")) {
            given = given();
        } else if (words.is(Kind.STRING) || words.is(Kind.INTEGER) || words.is(Kind.FLOAT) || words.isOperator("[")
                || words.isOperator("{") || words.is(Kind.NAME) && !Set.of("else", "or", "and", "if", "is", "not", "in", "recursive")
                .contains(words.now().text())) {
            given = new Given(List.of(postfix(primary())), Map.of(), List.of());
        }
        Tests.Test test;
        try {
            test = Tests.required(name);
        } catch (JinjaException unknown) {
            throw unknown.at(line);
        }
        Given with = given;
        return scope -> test.holds(value.value(scope), with.in(scope)) != negated;
    }
}
