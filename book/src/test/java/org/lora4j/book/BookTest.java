package org.lora4j.book;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The site that the build has just made: whatever is linked is there, and whatever is there is linked. */
class BookTest {

    private static final Path ROOT = Path.of("..");
    private static final Path SITE = Path.of("target/site");
    private static final Pattern TAG = Pattern.compile("<(?:a|link|script|img)\\b[^>]*?\\b(?:href|src)=\"([^\"]*)\"");
    private static final Pattern ID = Pattern.compile("\\bid=\"([^\"]+)\"");

    private final Map<Path, Set<String>> anchors = new HashMap<>();

    @Test
    void everyLinkOfEveryPageLeadsSomewhere() throws IOException {
        Set<String> dead = new TreeSet<>();
        int[] links = {0};
        for (Path page : pages(SITE)) {
            boolean ours = !SITE.relativize(page).startsWith("api");
            for (String link : links(page)) {
                links[0]++;
                if (!isThere(page, link, ours)) {
                    dead.add(SITE.relativize(page) + " → " + link);
                }
            }
        }
        assertThat(dead).isEmpty();
        assertThat(links[0]).isGreaterThan(20_000);
    }

    @Test
    void nothingIsFetchedFromElsewhere() throws IOException {
        for (Path page : ours()) {
            assertThat(Files.readString(page)).as(page.toString())
                    .doesNotContainPattern("<(?:script|link|img)\\b[^>]*(?:src|href)=\"(?:https?:)?//");
        }
        assertThat(Files.readString(SITE.resolve("book/book.css"))).doesNotContain("url(http", "@import");
    }

    @Test
    void everyPageOfTheDocumentationIsAChapter() throws IOException {
        Contents contents = Contents.read(ROOT);
        Set<String> missing = new TreeSet<>();
        try (Stream<Path> files = Files.walk(ROOT.resolve("docs"))) {
            files.filter(file -> file.toString().endsWith(".md"))
                    .map(file -> ROOT.relativize(file).toString().replace('\\', '/'))
                    .filter(file -> contents.of(file) == null).forEach(missing::add);
        }
        assertThat(missing).as("not in docs/README.md, nor in the README.md of its folder").isEmpty();
        assertThat(contents.chapters()).allSatisfy(chapter -> assertThat(SITE.resolve(chapter.page())).exists());
    }

    @Test
    void eachChapterLeadsToTheNextAndBack() throws IOException {
        List<Contents.Chapter> chapters = Contents.read(ROOT).chapters();
        for (int i = 0; i < chapters.size(); i++) {
            String page = Files.readString(SITE.resolve(chapters.get(i).page()));
            assertThat(page.contains("rel=\"prev\"")).isEqualTo(i > 0);
            assertThat(page.contains("rel=\"next\"")).isEqualTo(i < chapters.size() - 1);
            assertThat(page).contains("<meta name=\"viewport\"", "aria-current=\"page\"", "class=\"skip\"");
        }
    }

    @Test
    void everyPageOfMathematicsLeadsToItsCodeAndItsTests() throws IOException {
        for (Contents.Chapter chapter : Contents.read(ROOT).chapters()) {
            if (chapter.file().startsWith("docs/maths/") && !chapter.file().endsWith("README.md")) {
                String page = Files.readString(SITE.resolve(chapter.page()));
                assertThat(page).as(chapter.file()).contains("<figure class=\"formula");
                String alive = page.substring(page.indexOf("<div class=\"alive\">"), page.indexOf("</div>",
                        page.indexOf("<div class=\"alive\">")));
                assertThat(alive).contains("<b>Code</b> <a href=\"../api/org.lora4j.core/",
                        "<b>Tests</b> <a href=\"../sources/");
            }
        }
        assertThat(Files.readString(SITE.resolve("paper.html"))).contains(
                "href=\"api/org.lora4j.core/org/lora4j/tuning/lora/LoraLinear.html\"",
                "href=\"sources/core/src/test/java/org/lora4j/tuning/lora/LoraLinearTest.java.html#equation3\"");
    }

    @Test
    void theSearchKnowsEverySectionAndEveryClass() throws IOException {
        String script = Files.readString(SITE.resolve("book/index.js"));
        JsonNode index = new ObjectMapper().readTree(script.substring("window.lora4jIndex=".length(), script.length() - 1));
        Set<String> pages = new HashSet<>();
        for (JsonNode entry : index) {
            String target = entry.get("p").asText();
            assertThat(isThere(SITE.resolve("index.html"), target, true)).as(target).isTrue();
            pages.add(target.split("#")[0]);
        }
        assertThat(pages).contains("maths/lora.html", "api/org.lora4j.core/org/lora4j/tuning/lora/LoraLinear.html");
        Contents.read(ROOT).chapters().forEach(chapter -> assertThat(pages).contains(chapter.page()));
    }

    @Test
    void nothingThatIsExportedIsWithoutAWord() throws IOException {
        assertThat(Files.readAllLines(Path.of("target/javadoc-gaps.txt"))).as("what doclint says of exported packages").isEmpty();
    }

    @Test
    void tablesOfResultsAreDrawnToo() throws IOException {
        assertThat(Files.readString(SITE.resolve("results.html"))).contains("<figure class=\"bars\"><svg", "dev loss by adapted",
                "<figure class=\"bars lines\"><svg", "dev loss over parameters", "BLEU over parameters");
    }

    @Test
    void aFormulaKeepsItsColumns() {
        String formula = "h_p ← h_p + s·u_p·B_pᵀ   exp(x)   ⎡1  2⎤  for x̂";
        String shown = Formula.html(formula);
        String columns = shown.replaceAll("<sub style=\"width:(\\d+)ch\"><i>(.*?)</i></sub>", "_$2").replaceAll("<[^>]+>", "");
        assertThat(columns).isEqualTo(formula);
        assertThat(shown).contains("<sub style=\"width:2ch\"><i>p</i></sub>", "<b>exp</b>", "<span class=\"w\">for</span>");
        assertThat(Formula.is(formula)).isTrue();
        assertThat(Formula.is("./lora4j train --model DIR --data x")).isFalse();
    }

    private static List<Path> ours() throws IOException {
        return pages(SITE).stream().filter(page -> !SITE.relativize(page).startsWith("api")).toList();
    }

    private static List<Path> pages(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".html")).sorted().toList();
        }
    }

    private static Set<String> links(Path page) throws IOException {
        Set<String> links = new TreeSet<>();
        Matcher tag = TAG.matcher(Files.readString(page));
        while (tag.find()) {
            links.add(tag.group(1));
        }
        return links;
    }

    private boolean isThere(Path page, String link, boolean withAnchor) throws IOException {
        if (link.matches("(?:https?|mailto|javascript):.*")) {
            return true;
        }
        String[] target = link.replace("&amp;", "&").split("#", 2);
        String name = URLDecoder.decode(target[0].replaceFirst("\\?.*", "").replace("+", "%2B"), StandardCharsets.UTF_8);
        Path file = (name.isEmpty() ? page : page.resolveSibling(name)).normalize();
        if (!Files.isRegularFile(file)) {
            return false;
        }
        return !withAnchor || target.length == 1 || target[1].isEmpty() || !file.toString().endsWith(".html")
                || anchors(file).contains(URLDecoder.decode(target[1].replace("+", "%2B"), StandardCharsets.UTF_8));
    }

    private Set<String> anchors(Path file) throws IOException {
        if (!anchors.containsKey(file)) {
            Set<String> found = new HashSet<>();
            ID.matcher(Files.readString(file)).results().forEach(id -> found.add(id.group(1)));
            anchors.put(file, found);
        }
        return anchors.get(file);
    }
}
