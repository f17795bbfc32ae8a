package org.lora4j.experiments.report;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import java.io.StringReader;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.Map;

/** A page without scripts: a template of its own between the beginning and the end that all of them have. */
final class StaticPage {

    private static final Mustache.Compiler COMPILER = Mustache.compiler()
            .escapeHTML(true)
            .strictSections(true)
            .emptyStringIsFalse(true)
            .withLoader(name -> new StringReader(ReportWriter.resource(name + ".html")));

    private final String kind;
    private final Template template;
    private final String css;
    private final String beside;

    /**
     * A kind of page.
     *
     * @param kind     what its eyebrow says
     * @param template the file's name
     * @param css      what it needs besides the styles of all pages
     * @param beside   the files in which its numbers stand beside it, such as {@code .json}; empty for none
     */
    StaticPage(String kind, String template, String css, String beside) {
        this.kind = kind;
        this.template = template(template);
        this.css = ReportWriter.resource("report.css") + css;
        this.beside = beside;
    }

    /** A file of this package, which may take in others: escaped, and with nothing it names left out. */
    static Template template(String name) {
        return COMPILER.compile(ReportWriter.resource(name));
    }

    /**
     * The page.
     *
     * @param title   of the browser's tab
     * @param command the command line that does it again
     * @param facts   by their names, in the order of the page
     * @param values  of the page's own template
     */
    String render(String title, String command, Map<String, String> facts, Map<String, Object> values) {
        Map<String, Object> context = new HashMap<>(values);
        context.put("page", Map.of("kind", kind, "title", title, "css", css, "scripts", "", "date", LocalDate.now().toString(),
                "command", command, "hasFacts", !facts.isEmpty(), "facts", facts.entrySet(), "beside", beside));
        return template.execute(context);
    }
}
