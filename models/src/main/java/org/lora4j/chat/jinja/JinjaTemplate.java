package org.lora4j.chat.jinja;

import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A template of Jinja's language, with the settings of Transformers: {@code trim_blocks}, {@code lstrip_blocks}, loop controls,
 * {@code {% generation %}}, a {@code tojson} that escapes no HTML, {@code raise_exception} and {@code strftime_now}.
 *
 * <p>What a template can reach are the values it is given and their methods that change nothing. Templates come from strangers:
 * steps, depth and the length of texts are bounded, so one that does not end is an error.
 *
 * <p>Not there: other templates ({@code include}, {@code import}, {@code extends}, {@code block}), escaping by type
 * ({@code Markup}), filters for web pages.
 */
public final class JinjaTemplate {

    private final Statement statement;

    private JinjaTemplate(Statement statement) {
        this.statement = statement;
    }

    /**
     * Reads a template.
     *
     * @throws JinjaException that names the line where it is no template
     */
    public static JinjaTemplate of(String source) {
        return new JinjaTemplate(new StatementParser(new Words(Lexer.tokens(source))).template());
    }

    /**
     * What a template has written.
     *
     * @param text   all of it
     * @param marked from and to, in chars, of each {@code generation} block
     */
    public record Rendering(String text, List<int[]> marked) {
    }

    /**
     * Runs the template.
     *
     * @param variables values as {@link Values} has them
     * @param now       for {@code strftime_now}
     * @throws JinjaException where it fails, or the template itself refuses what it is given
     */
    public Rendering render(Map<String, Object> variables, LocalDateTime now) {
        Map<String, Object> all = new HashMap<>(Globals.of(now));
        all.putAll(variables);
        Run run = new Run();
        try {
            statement.write(new Scope(run, all), run.root());
        } catch (StackOverflowError e) {
            throw new JinjaException("the template, or what it is given, is nested too deeply");
        }
        return new Rendering(run.root().toString(), List.copyOf(run.marked()));
    }
}
