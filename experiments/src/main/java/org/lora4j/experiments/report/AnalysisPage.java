package org.lora4j.experiments.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.lora4j.experiments.analysis.Analysis;
import org.lora4j.experiments.analysis.AnalysisCsv;
import org.lora4j.experiments.analysis.AnalysisJson;
import org.lora4j.io.AtomicFile;

/** Writes an analysis as one HTML file without scripts, and its numbers beside it as JSON and CSV. */
public final class AnalysisPage {

    private static final StaticPage PAGE = new StaticPage("analysis", "analysis.html", ReportWriter.resource("analysis.css") + HeatMapSvg.css(), ".json and .csv");

    private AnalysisPage() {
    }

    /** What is written for this page, which ends in .html. */
    public static List<Path> files(Path page) {
        String stem = page.getFileName().toString().replaceFirst("\\.html$", "");
        return List.of(page, page.resolveSibling(stem + ".json"), page.resolveSibling(stem + ".csv"));
    }

    /**
     * Replaces the page and the files of the same name that end in .json and .csv.
     *
     * @param command the command line that does it again
     */
    public static void write(Analysis analysis, String command, Path page) {
        List<Path> files = files(page);
        write(files.get(0), render(analysis, command));
        write(files.get(1), json(analysis));
        write(files.get(2), AnalysisCsv.of(analysis));
    }

    private static void write(Path file, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(file, out -> out.write(bytes));
    }

    private static String json(Analysis analysis) {
        try {
            return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(AnalysisJson.of(analysis)) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The page. */
    public static String render(Analysis analysis, String command) {
        AnalysisView view = new AnalysisView(analysis);
        return PAGE.render(view.title() + " · what ΔW does", command, view.facts(), view.values());
    }
}
