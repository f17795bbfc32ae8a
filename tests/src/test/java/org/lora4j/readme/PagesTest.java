package org.lora4j.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What pages name is there: on all of them linked pages, headings, files of the sources and packages; on those for an
 * auditor, {@code docs/paper.md} and {@code docs/maths}, also every class and test in backticks, {@code LoraLinearTest} or
 * {@code LoraLinearTest.equation3}.
 */
class PagesTest {

    private static final Path ROOT = Path.of("..");
    private static final Path DOCS = ROOT.resolve("docs");

    /** In backticks: the packages, if any, a name with a capital letter and a small one, and what of it. */
    private static final Pattern NAME =
            Pattern.compile("`((?:[a-z0-9]+\\.)*)([A-Z]\\w*[a-z]\\w*)((?:\\.\\w+)*)(?:\\([^`]*\\))?`");
    private static final Pattern PACKAGE = Pattern.compile("`(org\\.lora4j(?:\\.[a-z0-9]+)*)(?:\\.([A-Z]\\w*))?[^`]*`");
    private static final Pattern SOURCE_FILE = Pattern.compile("[a-z-]+/src/(?:main|test)/[\\w./-]*\\w");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)]+)\\)");
    private static final Pattern EXTENDS = Pattern.compile("interface \\w+ extends ([\\w\\s,]+?)\\s*\\{");
    private static final Map<String, List<Path>> SOURCES = sources();

    static List<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(DOCS.resolve("paper.md")));
        pages.addAll(maths());
        return pages;
    }

    static List<Path> maths() throws IOException {
        try (Stream<Path> files = Files.list(DOCS.resolve("maths"))) {
            return files.filter(file -> !file.endsWith("README.md")).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void everyClassAndTestThatIsNamedIsThere(Path page) throws IOException {
        List<MatchResult> names = NAME.matcher(Files.readString(page)).results().toList();
        assertThat(names).hasSizeGreaterThan(3);
        Set<String> missing = new TreeSet<>();
        for (MatchResult name : names) {
            if (!isThere(name.group(1), name.group(2), name.group(3))) {
                missing.add(name.group());
            }
        }
        assertThat(missing).as("named in " + page + " and not in the sources").isEmpty();
    }

    @Test
    void everyPackageThatAnyPageNamesIsThereAndHasTheClass() throws IOException {
        Set<String> packages = new TreeSet<>();
        for (List<Path> files : SOURCES.values()) {
            files.forEach(file -> packages.add(file.getParent().toString().replace(File.separatorChar, '.')));
        }
        Set<String> missing = new TreeSet<>();
        for (Path page : all()) {
            for (MatchResult name : PACKAGE.matcher(Files.readString(page)).results().toList()) {
                if (packages.stream().noneMatch(there -> there.endsWith("." + name.group(1)))
                        || name.group(2) != null && !isThere(name.group(1) + ".", name.group(2), "")) {
                    missing.add(page + ": " + name.group());
                }
            }
        }
        assertThat(missing).isEmpty();
    }

    static List<Path> all() throws IOException {
        List<Path> all = new ArrayList<>(
                Stream.of("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/README.md", "tests/golden/README.md")
                        .map(ROOT::resolve).toList());
        try (Stream<Path> files = Files.walk(DOCS)) {
            files.filter(file -> file.toString().endsWith(".md")).forEach(all::add);
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("all")
    void everyPageAndHeadingThatIsLinkedIsThere(Path page) throws IOException {
        Set<String> missing = new TreeSet<>();
        for (MatchResult link : LINK.matcher(Files.readString(page)).results().toList()) {
            String[] target = link.group(1).split("#", 2);
            Path file = target[0].isEmpty() ? page : page.resolveSibling(target[0]);
            if (!target[0].startsWith("http")
                    && (!Files.exists(file) || target.length > 1 && !headings(file).contains(target[1]))) {
                missing.add(link.group(1));
            }
        }
        assertThat(missing).as("linked from " + page).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("all")
    void everyFileOfTheSourcesThatIsNamedIsThere(Path page) throws IOException {
        List<String> files = SOURCE_FILE.matcher(Files.readString(page)).results().map(MatchResult::group).toList();
        assertThat(files).allSatisfy(file -> assertThat(ROOT.resolve(file)).exists());
    }

    @ParameterizedTest
    @MethodSource("maths")
    void aPageOfMathematicsNamesItsClassesAndItsTests(Path page) throws IOException {
        String text = Files.readString(page);
        assertThat(text).contains("## In the code", "## How it is tested");
        int tests = text.indexOf("## How it is tested");
        assertThat(files(text.substring(text.indexOf("## In the code"), tests))).as("classes").anyMatch(PagesTest::isMain);
        assertThat(files(text.substring(tests))).as("tests").anyMatch(file -> !isMain(file));
        assertThat(Files.readString(DOCS.resolve("maths/README.md"))).contains("(" + page.getFileName() + ")");
    }

    @Test
    void thePagesHaveLinksToEveryPageOfMathematics() throws IOException {
        String paper = Files.readString(DOCS.resolve("paper.md"));
        assertThat(maths()).filteredOn(page -> !page.endsWith("dora.md")) // which is another paper's
                .allSatisfy(page -> assertThat(paper).contains("(maths/" + page.getFileName()));
        assertThat(Files.readString(DOCS.resolve("README.md"))).contains("(paper.md)");
    }

    @Test
    void aNameThatIsNotThereIsFound() throws IOException {
        assertThat(isThere("", "LoraLinearTest", ".equation3")).isTrue();
        assertThat(isThere("", "LoraLinearTest", ".equation4")).isFalse();
        assertThat(isThere("", "LoraLinearest", "")).isFalse();
        assertThat(isThere("org.lora4j.nn.", "LoraLinear", "")).as("it is in another package").isFalse();
        assertThat(headings(DOCS.resolve("maths/lora.md"))).contains("alpha-and-r").doesNotContain("alpha-and-s");
    }

    private static Set<Path> files(String text) {
        Set<Path> files = new LinkedHashSet<>();
        NAME.matcher(text).results().forEach(name -> files.addAll(SOURCES.getOrDefault(name.group(2), List.of())));
        return files;
    }

    private static boolean isMain(Path file) {
        return file.toString().contains("/src/main/".replace('/', File.separatorChar));
    }

    /** Whether there is such a class, in this package if one is given, and each of its members is written in it or in an interface of it. */
    private static boolean isThere(String packages, String name, String members) throws IOException {
        for (Path file : SOURCES.getOrDefault(name, List.of())) {
            String text = Files.readString(file);
            boolean inPackage = packages.isEmpty()
                    || text.contains("package " + packages.substring(0, packages.length() - 1) + ";");
            if (isMain(file)) {
                text += interfaces(text);
            }
            String known = text;
            if (inPackage && Stream.of(members.split("\\.")).skip(1).allMatch(member -> has(known, isMain(file), member))) {
                return true;
            }
        }
        return false;
    }

    /** The sources of the interfaces that an interface extends. */
    private static String interfaces(String text) throws IOException {
        StringBuilder inherited = new StringBuilder();
        Matcher extending = EXTENDS.matcher(text);
        if (extending.find()) {
            for (String parent : extending.group(1).split("\\s*,\\s*")) {
                for (Path file : SOURCES.getOrDefault(parent.strip(), List.of())) {
                    inherited.append(Files.readString(file));
                }
            }
        }
        return inherited.toString();
    }

    /** A member of a test must be a test's method. */
    private static boolean has(String text, boolean main, String member) {
        return Pattern.compile(main ? "\\b" + member + "\\b" : "\\bvoid " + member + "\\(").matcher(text).find();
    }

    /** The anchors of a page: its headings as GitHub makes them. */
    private static Set<String> headings(Path page) throws IOException {
        Set<String> anchors = new LinkedHashSet<>();
        for (String line : Files.readAllLines(page)) {
            if (line.startsWith("#")) {
                anchors.add(line.replaceFirst("^#+ ", "").toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-'));
            }
        }
        return anchors;
    }

    /** The files of all modules by their classes' names. */
    private static Map<String, List<Path>> sources() {
        Map<String, List<Path>> sources = new HashMap<>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (Path module : modules.filter(folder -> Files.exists(folder.resolve("pom.xml"))).toList()) {
                for (String part : List.of("src/main/java", "src/test/java")) {
                    collect(module.resolve(part), sources);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sources;
    }

    private static void collect(Path folder, Map<String, List<Path>> sources) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            files.filter(file -> file.toString().endsWith(".java")).forEach(file ->
                    sources.computeIfAbsent(file.getFileName().toString().replace(".java", ""), n -> new ArrayList<>())
                            .add(file));
        }
    }
}
