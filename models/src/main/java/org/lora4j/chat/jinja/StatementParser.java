package org.lora4j.chat.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lora4j.chat.jinja.Lexer.Kind;
import org.lora4j.chat.jinja.Lexer.Token;
import org.lora4j.chat.jinja.Statement.Flow;

/** Reads a template: its text, what it prints, and its statements. */
final class StatementParser {

    private static final Set<String> ELSEWHERE = Set.of("include", "import", "from", "extends", "block", "autoescape", "trans", "do");

    private final Words words;
    private final ExpressionParser expressions;
    private int loops;

    StatementParser(Words words) {
        this.words = words;
        this.expressions = new ExpressionParser(words);
    }

    Statement template() {
        Statement all = block(Set.of());
        if (!words.is(Kind.END)) {
            throw words.unexpected("the template's end");
        }
        return all;
    }

    /** Everything up to a statement that is called one of these, whose name is read; the rest of its tag is not. */
    private Statement block(Set<String> ends) {
        words.deeper();
        List<Statement> parts = new ArrayList<>();
        while (true) {
            Token token = words.now();
            if (token.kind() == Kind.TEXT) {
                words.next();
                parts.add((scope, out) -> {
                    scope.run().append(out, token.text());
                    return Flow.NEXT;
                });
            } else if (token.kind() == Kind.VARIABLE_BEGIN) {
                words.next();
                Expression value = expressions.tuple(true);
                words.expect(Kind.VARIABLE_END);
                parts.add(at(token.line(), (scope, out) -> {
                    scope.run().append(out, Values.text(value.value(scope)));
                    return Flow.NEXT;
                }));
            } else if (token.kind() == Kind.BLOCK_BEGIN) {
                words.next();
                if (words.is(Kind.NAME) && ends.contains(words.now().text())) {
                    break;
                }
                parts.add(at(token.line(), statement(words.name(), token.line())));
            } else if (ends.isEmpty()) {
                break;
            } else {
                throw words.unexpected(String.join(" or ", ends.stream().sorted().toList()));
            }
        }
        words.shallower();
        List<Statement> fixed = List.copyOf(parts);
        return (scope, out) -> {
            for (Statement part : fixed) {
                Flow flow = part.write(scope, out);
                if (flow != Flow.NEXT) {
                    return flow;
                }
            }
            return Flow.NEXT;
        };
    }

    /** Errors without a place have happened here. */
    private static Statement at(int line, Statement statement) {
        return (scope, out) -> {
            try {
                scope.run().step();
                return statement.write(scope, out);
            } catch (JinjaException e) {
                throw e.at(line);
            }
        };
    }

    /** The block up to {@code end…}, and its tag. */
    private Statement body(String end) {
        Statement body = block(Set.of(end));
        words.expectName(end);
        words.expect(Kind.BLOCK_END);
        return body;
    }

    private static String text(Statement body, Scope scope) {
        StringBuilder out = new StringBuilder();
        body.write(scope, out);
        return out.toString();
    }

    private Statement statement(String name, int line) {
        return switch (name) {
            case "if" -> condition();
            case "for" -> loop();
            case "set" -> assignment();
            case "macro" -> macro();
            case "call" -> call();
            case "filter" -> filter();
            case "with" -> with();
            case "generation" -> generation();
            case "break", "continue" -> jump(name, line);
            default -> throw new JinjaException(ELSEWHERE.contains(name)
                    ? "the statement " + name + " has no meaning in a chat's template" : "no statement is called " + name, line, false);
        };
    }

    private Statement jump(String name, int line) {
        words.expect(Kind.BLOCK_END);
        if (loops == 0) {
            throw new JinjaException(name + " outside of a loop", line, false);
        }
        Flow flow = name.equals("break") ? Flow.BREAK : Flow.CONTINUE;
        return (scope, out) -> flow;
    }

    private Statement condition() {
        Expression test = expressions.tuple(false);
        words.expect(Kind.BLOCK_END);
        Statement then = block(Set.of("elif", "else", "endif"));
        Statement otherwise = (scope, out) -> Flow.NEXT;
        int line = words.now().line();
        String next = words.name();
        if (next.equals("elif")) {
            words.deeper();
            otherwise = at(line, condition());
            words.shallower();
        } else {
            words.expect(Kind.BLOCK_END);
            otherwise = next.equals("else") ? body("endif") : otherwise;
        }
        Statement not = otherwise;
        return (scope, out) -> Values.truth(test.value(scope)) ? then.write(scope, out) : not.write(scope, out);
    }

    /** Where a value goes: a name, several in a tuple, or an attribute of a namespace. */
    private BiConsumer<Scope, Object> target(boolean withNamespace) {
        List<BiConsumer<Scope, Object>> targets = new ArrayList<>();
        boolean several = false;
        do {
            if (!targets.isEmpty() && !words.is(Kind.NAME) && !words.isOperator("(")) {
                several = true;
                break;
            }
            several |= !targets.isEmpty();
            targets.add(oneTarget(withNamespace));
        } while (words.skipOperator(","));
        return several ? unpacked(targets) : targets.getFirst();
    }

    private static BiConsumer<Scope, Object> unpacked(List<BiConsumer<Scope, Object>> targets) {
        return (scope, value) -> {
            List<Object> items = Values.items(value);
            if (items.size() != targets.size()) {
                throw new JinjaException("expected " + targets.size() + " values, found " + items.size());
            }
            for (int i = 0; i < items.size(); i++) {
                targets.get(i).accept(scope, items.get(i));
            }
        };
    }

    private BiConsumer<Scope, Object> oneTarget(boolean withNamespace) {
        if (words.skipOperator("(")) {
            BiConsumer<Scope, Object> inside = target(false);
            words.expectOperator(")");
            return inside;
        }
        String name = words.name();
        if (!withNamespace || !words.skipOperator(".")) {
            return (scope, value) -> scope.set(name, value);
        }
        String attribute = words.name();
        return (scope, value) -> {
            if (!(scope.get(name) instanceof Namespace namespace)) {
                throw new JinjaException("only a namespace's attributes can be set, and " + name + " is none");
            }
            namespace.attributes().put(attribute, value);
        };
    }

    private Statement loop() {
        BiConsumer<Scope, Object> target = target(false);
        words.expectName("in");
        Expression items = expressions.tuple(false);
        Expression test = words.skipName("if") ? expressions.expression() : null;
        boolean recursive = words.skipName("recursive");
        words.expect(Kind.BLOCK_END);
        loops++;
        Statement body = block(Set.of("else", "endfor"));
        loops--;
        String next = words.name();
        words.expect(Kind.BLOCK_END);
        Statement otherwise = next.equals("else") ? body("endfor") : (scope, out) -> Flow.NEXT;
        Round round = new Round(target, test, body, otherwise, recursive);
        return (scope, out) -> round.all(scope, out, items.value(scope), 0);
    }

    /** A loop's parts. */
    private record Round(
            BiConsumer<Scope, Object> target, @Nullable Expression test, Statement body, Statement otherwise, boolean recursive) {

        Flow all(Scope scope, StringBuilder out, Object given, int depth) {
            List<Object> items = Values.items(given);
            if (test != null) {
                List<Object> chosen = new ArrayList<>();
                for (Object item : items) {
                    scope.run().step();
                    Scope inner = scope.inner();
                    target.accept(inner, item);
                    if (Values.truth(test.value(inner))) {
                        chosen.add(item);
                    }
                }
                items = chosen;
            }
            if (items.isEmpty()) {
                return otherwise.write(scope.inner(), out);
            }
            Function<Object, Object> again = more -> {
                StringBuilder deeper = new StringBuilder();
                all(scope, deeper, more, depth + 1);
                return deeper.toString();
            };
            Loop loop = new Loop(items, depth, recursive ? again : null);
            for (int i = 0; i < items.size(); i++) {
                scope.run().step();
                loop.at(i);
                Scope inner = scope.inner();
                inner.set("loop", loop);
                target.accept(inner, items.get(i));
                if (body.write(inner, out) == Flow.BREAK) {
                    break;
                }
            }
            return Flow.NEXT;
        }
    }

    private Statement assignment() {
        BiConsumer<Scope, Object> target = target(true);
        if (words.skipOperator("=")) {
            Expression value = expressions.tuple(true);
            words.expect(Kind.BLOCK_END);
            return (scope, out) -> {
                target.accept(scope, value.value(scope));
                return Flow.NEXT;
            };
        }
        Expression filtered = scope -> scope.get(WRITTEN);
        while (words.isOperator("|")) {
            filtered = expressions.filter(filtered);
        }
        words.expect(Kind.BLOCK_END);
        Statement body = body("endset");
        Expression made = filtered;
        return (scope, out) -> {
            Scope inner = scope.inner();
            inner.set(WRITTEN, text(body, scope.inner()));
            target.accept(scope, made.value(inner));
            return Flow.NEXT;
        };
    }

    /** No name that a template can write. */
    private static final String WRITTEN = " written";

    private Statement filter() {
        Expression value = expressions.filterNamed(scope -> scope.get(WRITTEN));
        while (words.isOperator("|")) {
            value = expressions.filter(value);
        }
        words.expect(Kind.BLOCK_END);
        Statement body = body("endfilter");
        Expression made = value;
        return (scope, out) -> {
            Scope inner = scope.inner();
            inner.set(WRITTEN, text(body, scope.inner()));
            scope.run().append(out, Values.text(made.value(inner)));
            return Flow.NEXT;
        };
    }

    private Statement with() {
        Map<String, Expression> values = new LinkedHashMap<>();
        while (words.is(Kind.NAME)) {
            String name = words.name();
            words.expectOperator("=");
            values.put(name, expressions.expression());
            if (!words.skipOperator(",")) {
                break;
            }
        }
        words.expect(Kind.BLOCK_END);
        Statement body = body("endwith");
        return (scope, out) -> {
            Scope inner = scope.inner();
            values.forEach((name, value) -> inner.set(name, value.value(scope)));
            return body.write(inner, out);
        };
    }

    /** What the model itself writes, see {@link Run#mark}. */
    private Statement generation() {
        words.expect(Kind.BLOCK_END);
        Statement body = body("endgeneration");
        return (scope, out) -> {
            String part = text(body, scope.inner());
            scope.run().mark(part);
            scope.run().append(out, part);
            return Flow.NEXT;
        };
    }

    // ------------------------------------------------------------------------------------------------ macros

    /** The parameters of a macro, with a value for those that may be left out. */
    private Map<String, @Nullable Expression> parameters() {
        Map<String, @Nullable Expression> parameters = new LinkedHashMap<>();
        words.expectOperator("(");
        while (!words.skipOperator(")")) {
            if (!parameters.isEmpty()) {
                words.expectOperator(",");
            }
            String name = words.name();
            parameters.put(name, words.skipOperator("=") ? expressions.expression() : null);
        }
        return parameters;
    }

    private Callable macro(String name, Map<String, @Nullable Expression> parameters, Statement body, Scope around) {
        return given -> {
            Scope inner = around.inner();
            List<Object> positional = given.positional();
            Map<String, Object> named = new LinkedHashMap<>(given.named());
            inner.set("caller", named.containsKey("caller") ? named.remove("caller") : Undefined.name("caller"));
            int at = 0;
            for (Map.Entry<String, @Nullable Expression> parameter : parameters.entrySet()) {
                Object value = at < positional.size() ? positional.get(at) : named.remove(parameter.getKey());
                Expression otherwise = parameter.getValue();
                inner.set(parameter.getKey(), value != null ? value : otherwise != null ? otherwise.value(inner)
                        : new Undefined("parameter '" + parameter.getKey() + "' was not provided"));
                at++;
            }
            inner.set("varargs", new Tuple(positional.subList(Math.min(at, positional.size()), positional.size())));
            inner.set("kwargs", named);
            around.run().enter();
            try {
                return text(body, inner);
            } finally {
                around.run().leave();
            }
        };
    }

    private Statement macro() {
        String name = words.name();
        Map<String, @Nullable Expression> parameters = parameters();
        words.expect(Kind.BLOCK_END);
        int around = loops;
        loops = 0;
        Statement body = body("endmacro");
        loops = around;
        return (scope, out) -> {
            scope.set(name, macro(name, parameters, body, scope));
            return Flow.NEXT;
        };
    }

    private Statement call() {
        Map<String, @Nullable Expression> parameters = words.isOperator("(") ? parameters() : Map.of();
        String name = words.name();
        Expression callee = scope -> scope.get(name);
        while (words.skipOperator(".")) {
            Expression object = callee;
            String attribute = words.name();
            callee = scope -> Members.attribute(object.value(scope), attribute);
        }
        Given given = expressions.given();
        words.expect(Kind.BLOCK_END);
        Statement body = body("endcall");
        Expression function = callee;
        return (scope, out) -> {
            Arguments arguments = given.in(scope);
            Map<String, Object> named = new LinkedHashMap<>(arguments.named());
            named.put("caller", macro("caller", parameters, body, scope));
            scope.run().append(out, Values.text(Members.call(function.value(scope), new Arguments(arguments.positional(), named))));
            return Flow.NEXT;
        };
    }
}
