package org.lora4j.experiments.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.samskivert.mustache.Template;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.lora4j.io.AtomicFile;

/**
 * Writes a {@link RunReport} as one HTML file that needs nothing else: no server, no network, and for all but the
 * interactive curves no scripts.
 *
 * <p>What a model writes may look like HTML. The template escapes every value it places; the numbers for the curves
 * travel as JSON without a single {@code <}; and the page's own security policy lets no script run but its own two, named by
 * their hashes, and nothing be fetched from anywhere.
 */
public final class ReportWriter {

    private static final String CHART_JS = "META-INF/resources/webjars/chart.js/4.5.1/";

    private static final Template TEMPLATE = StaticPage.template("report.html");

    private ReportWriter() {}

    /** Replaces {@code file} in one step, so that there is never half a page. */
    public static void write(RunReport report, Path file) {
        byte[] page = render(report).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(file, out -> out.write(page));
    }

    /** The page. */
    public static String render(RunReport report) {
        String chart = chartJs();
        String script = resource("report.js");
        Map<String, Object> assets = new HashMap<>();
        assets.put("chartJs", chart);
        assets.put("script", script);
        assets.put("data", json(ReportView.chartData(report.curves())));
        Map<String, Object> context = new HashMap<>();
        context.put("page", Map.of("title", report.title(), "css", resource("report.css"),
                "scripts", "; script-src " + hash(chart) + " " + hash(script)));
        context.put("assets", assets);
        context.put("report", ReportView.of(report));
        return TEMPLATE.execute(context);
    }

    /** As a script element may hold it: with {@code <} written as an escape, neither its end nor a comment can begin. */
    private static String json(Object data) {
        try {
            return new ObjectMapper().writeValueAsString(data).replace("<", "\\u003c");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The library with its licence in front, which must travel with every copy, and without the link to its source map. */
    private static String chartJs() {
        String licence = chartJs("LICENSE.md");
        String code = chartJs("dist/chart.umd.min.js").replaceAll("(?m)^//# sourceMappingURL=.*$", "");
        return "/*\nChart.js, and @kurkle/color within it, which has the same licence:\n\n" + licence.strip() + "\n*/\n"
                + code.strip();
    }

    private static String hash(String script) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(script.getBytes(StandardCharsets.UTF_8));
            return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A file of this package. Its line ends are LF whatever the checkout did, as a browser sees them when it checks a script's hash. */
    static String resource(String name) {
        return text(name, ReportWriter.class.getResourceAsStream(name));
    }

    /** A file of Chart.js, which lies in a module of its own. */
    private static String chartJs(String name) {
        return text(name, ReportWriter.class.getClassLoader().getResourceAsStream(CHART_JS + name));
    }

    private static String text(String name, InputStream from) {
        try (InputStream in = from) {
            if (in == null) {
                throw new IllegalStateException("not on the class path: " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
