package org.lora4j.experiments.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Base64;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.experiments.report.RunReport.Base;
import org.lora4j.experiments.report.RunReport.Column;
import org.lora4j.experiments.report.RunReport.Comparison;
import org.lora4j.experiments.report.RunReport.Line;
import org.lora4j.experiments.report.RunReport.Method;
import org.lora4j.experiments.report.RunReport.Sample;
import org.lora4j.experiments.report.RunReport.Score;
import org.lora4j.experiments.report.TrainingCurves.EvaluationPoint;
import org.lora4j.experiments.report.TrainingCurves.TrainingPoint;

class ReportWriterTest {

    private static final Pattern SCRIPT = Pattern.compile("<script([^>]*)>(.*?)</script>", Pattern.DOTALL);
    private static final String HOSTILE = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>&\"{{title}}";
    private static final String HOSTILE_AS_TEXT = "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img";

    @TempDir
    Path folder;

    @Test
    void theHeadlineSaysWhatHappened() {
        String page = ReportWriter.render(full("LoRA on E2E").build());

        assertThat(text(page)).contains("Dev loss fell from 4.41 to 1.76 by training 0.42 % of the parameters for 1 min 51 s.");
        assertThat(page).contains("21 November 2026, 22:55", "LoRA r 4, alpha 32, on q and v of base-6m", "−60 %");
    }

    @Test
    void aRunThatDidNotImproveSaysSo() {
        String page = ReportWriter.render(RunReport.of("t", new Base("b", 100), Method.lora(1, 1, List.of("q"), 10))
                .score(Score.devLoss(2, 2.5)).score(Score.higherIsBetter("BLEU", 60, 66, 2)).build());

        assertThat(text(page)).contains("Dev loss did not improve (2.00 before, 2.50 after) by training 10 % of the parameters.");
        assertThat(page).contains("<span class=\"change worse\">+25 %", "<span class=\"change better\">+10 %");
    }

    @Test
    void whateverAModelOrUserWritesIsTextAndNeverMarkup() {
        RunReport report = full(HOSTILE).subtitle(HOSTILE).command("lora4j " + HOSTILE).environment(HOSTILE, HOSTILE)
                .recipe(HOSTILE, HOSTILE, HOSTILE, HOSTILE).file(HOSTILE, HOSTILE)
                .comparison(new Comparison(HOSTILE, HOSTILE, List.of(new Column(HOSTILE, 0, 1)),
                        List.of(new Line(HOSTILE, List.of(1.0), true)))).score(Score.higherIsBetter(HOSTILE, 1, 2, 0))
                .sample(new Sample("name : " + HOSTILE, HOSTILE, HOSTILE, List.of(HOSTILE))).build();

        String page = ReportWriter.render(report);

        assertThat(page).contains(HOSTILE_AS_TEXT).doesNotContain("<script>alert", "<img", "alert(2)'>");
        assertThat(scripts(page)).hasSize(3);
    }

    @Test
    void thePageAsksForNothingFromElsewhere() {
        String page = ReportWriter.render(full("t").build());

        // the addresses in the licence headers of Chart.js and the library inside it
        assertThat(Pattern.compile("https?://[^\\s\"'`]+").matcher(page).results().map(MatchResult::group).distinct())
                .containsExactlyInAnyOrder("https://www.chartjs.org", "https://github.com/kurkle/color#readme");
        assertThat(SCRIPT.matcher(page).replaceAll("")).doesNotContainPattern("(?i)\\b(src|href|srcset|action)\\s*=")
                .doesNotContainPattern("(?i)url\\(|@import");
        assertThat(page).doesNotContain("sourceMappingURL").contains("default-src 'none'");
    }

    @Test
    void thePolicyLetsJustThePagesOwnScriptsRun() throws GeneralSecurityException {
        String page = ReportWriter.render(full("t").build());

        for (MatchResult script : scripts(page)) {
            if (!script.group(1).contains("application/json")) {
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(script.group(2).getBytes(StandardCharsets.UTF_8));
                assertThat(page).contains("'sha256-" + Base64.getEncoder().encodeToString(digest) + "'");
            }
        }
        assertThat(page).doesNotContainPattern("script-src[^;\"]*unsafe");
    }

    @Test
    void theNumbersAreInThePageAsJson() throws IOException {
        String page = ReportWriter.render(full("t").build());

        JsonNode data = new ObjectMapper().readTree(scripts(page).getFirst().group(2));
        assertThat(data.get("step")).hasSize(3);
        assertThat(data.get("loss").get(0).doubleValue()).isEqualTo(4.5);
        assertThat(data.get("loss").get(1).isNull()).isTrue();
        assertThat(data.get("learningRate").get(0).doubleValue()).isEqualTo(0.01);
        assertThat(data.get("devLoss").get(1).doubleValue()).isEqualTo(1.761);
    }

    @Test
    void theLicenceTravelsWithTheChartLibrary() {
        assertThat(ReportWriter.render(full("t").build()))
                .contains("Copyright (c) 2014-2024 Chart.js Contributors", "Permission is hereby granted, free of charge");
    }

    @Test
    void aReportWithNothingMeasuredHasNoEmptySections() {
        String page = ReportWriter.render(RunReport.of("t", new Base("b", 100), Method.lora(1, 1, List.of("q"), 10)).build());

        assertThat(page).doesNotContain("id=\"loss\"", "id=\"samples-heading\"", "id=\"recipe-heading\"", "id=\"command\"");
        assertThat(text(page)).contains("LoRA trained 10 % of the parameters.");
    }

    @Test
    void aRecipeRowIsMarkedWhereItIsNotWhatThePaperSays() {
        String page = ReportWriter.render(full("t").recipe("Rank", "4", "4", "4").recipe("Clip", "", "none", "1.0").build());

        assertThat(Pattern.compile("title=\"not what the paper says\"").matcher(page).results()).hasSize(1);
    }

    @Test
    void aRecipeThatNothingIsPublishedOfStandsAlone() {
        String page = ReportWriter.render(RunReport.of("t", new Base("b", 100), Method.lora(1, 1, List.of("q"), 10))
                .recipe("Rank", "", "", "4").build());

        assertThat(page).contains("id=\"recipe-heading\"", "We used")
                .doesNotContain("Hu et al.", "Paper says", "Scripts say", "not what the paper says");
    }

    @Test
    void theBestOfEveryColumnIsMarkedAmongTheRunsThatCount() {
        String page = ReportWriter.render(full("t").comparison(new Comparison("Runs", "Of a small base.",
                List.of(new Column("Dev loss", 2, -1), new Column("BLEU", 1, 1), new Column("Parameters", 0, 0)),
                List.of(new Line("r 1", List.of(1.5, 40.0, 6144.0), true), new Line("r 4", List.of(1.25, 38.5, 24576.0), true),
                        new Line("the paper", List.of(Double.NaN, 70.4, Double.NaN), false)))).build());

        assertThat(text(page)).contains("Of a small base.", "24,576", "70.4");
        assertThat(Pattern.compile("<td class=\"best\">([\\d.,]+)").matcher(page).results().map(found -> found.group(1)))
                .containsExactly("40.0", "1.25");
        assertThat(page).contains("<tr class=\"other\"><th scope=\"row\">the paper</th>");
    }

    @Test
    void aPageAboutSeveralRunsHasAHeadlineOfItsOwnAndNoTiles() {
        String page = ReportWriter.render(
                RunReport.summary("The rank", new Base("b", 100), "Of 5 runs the best has BLEU 40.1.").build());

        assertThat(page).contains("Of 5 runs the best has BLEU <strong>40.1</strong>.")
                .doesNotContain("class=\"tiles\"");
    }

    @Test
    void aReportTakesThePlaceOfTheOneBefore() throws IOException {
        Path file = folder.resolve("run/report.html");

        ReportWriter.write(full("first").build(), file);
        ReportWriter.write(full("second").build(), file);

        assertThat(Files.readString(file)).contains("<h1>second</h1>").doesNotContain("<h1>first</h1>").endsWith("</html>\n");
        assertThat(file.getParent()).isDirectoryContaining(path -> path.equals(file));
        try (var files = Files.list(file.getParent())) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void aPlaceThatCannotBeWrittenIsAnErrorThatNamesIt() throws IOException {
        Path file = Files.createFile(folder.resolve("taken")).resolve("report.html");

        assertThatThrownBy(() -> ReportWriter.write(full("t").build(), file))
                .isInstanceOf(LoraException.class).hasMessageContaining(file.toString());
    }

    private static RunReport.Builder full(String title) {
        return RunReport.of(title, new Base("base-6m", 5_850_000), Method.lora(4, 32, List.of("q", "v"), 24_576))
                .date(ZonedDateTime.of(2026, 11, 21, 22, 55, 0, 0, ZoneOffset.UTC))
                .curves(new TrainingCurves(
                        List.of(new TrainingPoint(1, 4.5, 0.01, 4000), new TrainingPoint(2, Double.NaN, 0.01, 4000),
                                new TrainingPoint(3, 2, 0, Double.NaN)),
                        List.of(new EvaluationPoint(0, 4.406, 82), new EvaluationPoint(3, 1.761, 5.8))))
                .score(Score.devLoss(4.406, 1.761))
                .trainingTime(Duration.ofSeconds(111))
                .recipe("Learning rate", "2e-4", "2e-4", "1e-2")
                .sample(new Sample("name : Cocum | Type : pub", "The the", "Cocum is a pub.", List.of("A pub: Cocum.")))
                .timing("Training", "111 s").environment("Java", "25").file("Adapter", "adapter").command("lora4j demo");
    }

    private static List<MatchResult> scripts(String page) {
        return SCRIPT.matcher(page).results().toList();
    }

    private static String text(String page) {
        return SCRIPT.matcher(page).replaceAll("").replaceAll("<[^>]+>", "");
    }
}
