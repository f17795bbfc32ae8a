package org.lora4j.book;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Makes the site: {@code Book CHECKOUT SITE VERSION}. The Javadoc first, since pages link into it; then the chapters, the
 * sources that they name, and the index for the search. Nothing in it needs a network.
 */
public final class Book {

    /** Where the build leaves what Javadoc said, for the test that nothing is missing. */
    static final String GAPS = "../javadoc-gaps.txt";

    private static final List<String> FONTS = List.of("DejaVuLGCSansMono", "DejaVuLGCSansMono-Oblique", "DejaVuLGCSansMono-Bold");

    private final Path root;
    private final Path site;
    private final String version;

    private Book(Path root, Path site, String version) {
        this.root = root;
        this.site = site;
        this.version = version;
    }

    /** Makes the site of the checkout {@code arguments[0]} in the folder {@code arguments[1]}, whose old content goes. */
    public static void main(String[] arguments) throws IOException {
        new Book(Path.of(arguments[0]).toRealPath(), Path.of(arguments[1]).toAbsolutePath().normalize(), arguments[2]).make();
    }

    private void make() throws IOException {
        clear();
        List<ApiDocs.Module> modules = ApiDocs.Module.all(root);
        ApiDocs api = new ApiDocs(root, modules);
        List<String> gaps = api.gaps(site.resolve("api"));
        Files.writeString(site.resolve(GAPS).normalize(), String.join("\n", gaps));
        clear();
        resource("javadoc.css");
        api.write(version, site.resolve("book/javadoc.css"), site.resolve("api"));

        Contents contents = Contents.read(root);
        Names names = new Names(root, modules, site);
        Template template = new Template(contents, version);
        List<Object> index = new ArrayList<>();
        Map<String, String> copied = new TreeMap<>();
        List<Contents.Chapter> chapters = contents.chapters();
        for (int i = 0; i < chapters.size(); i++) {
            Page page = new Page(root, contents, names, chapters.get(i)).render();
            write(chapters.get(i).page(), template.chapter(page, i));
            index.addAll(page.sections());
            copied.putAll(page.copied());
        }
        for (Map.Entry<String, String> file : copied.entrySet()) {
            Path target = site.resolve(file.getValue());
            Files.createDirectories(target.getParent());
            Files.copy(root.resolve(file.getKey()), target);
        }
        writeSources(names, template);
        names.documented().forEach((name, page) -> index.add(entry(name, page)));
        writeIndex(index);
        resource("book.css");
        resource("book.js");
        for (String font : FONTS) {
            // the JDK's, which its Javadoc brings along: they have every sign that the formulas need, and brackets that meet
            Files.copy(site.resolve("api/resource-files/fonts/" + font + ".woff2"), site.resolve("book/" + font + ".woff2"));
        }
        System.out.println("The book: " + site.resolve("index.html") + " (" + chapters.size() + " chapters, "
                + names.wanted().size() + " sources, " + gaps.size() + " gaps in the Javadoc)");
    }

    private static Map<String, String> entry(String name, String page) {
        Map<String, String> entry = new LinkedHashMap<>();
        entry.put("p", page);
        entry.put("t", name.substring(name.lastIndexOf('.') + 1));
        entry.put("h", name.substring(0, name.lastIndexOf('.')));
        entry.put("x", "");
        return entry;
    }

    private void writeSources(Names names, Template template) throws IOException {
        Set<String> written = new TreeSet<>();
        for (String file : names.wanted()) {
            if (written.add(file)) {
                String body = "<h1>" + Html.escape(Path.of(file).getFileName().toString()) + "</h1><p class=\"where\">"
                        + Html.escape(file) + "</p>" + SourcePage.html(Files.readString(root.resolve(file)));
                String page = names.sourcePage(file);
                write(page, template.plain(Path.of(file).getFileName().toString(), page, body));
            }
        }
    }

    /** As a script and not as JSON: a page from a folder may run the one, and not read the other. */
    private void writeIndex(List<Object> index) throws IOException {
        write("book/index.js", "window.lora4jIndex=" + new ObjectMapper().writeValueAsString(index) + ";");
    }

    private void write(String page, String text) throws IOException {
        Path file = site.resolve(page);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void resource(String name) throws IOException {
        Files.createDirectories(site.resolve("book"));
        try (InputStream in = Book.class.getResourceAsStream(name)) {
            Files.copy(in, site.resolve("book").resolve(name));
        }
    }

    private void clear() throws IOException {
        if (Files.exists(site)) {
            try (Stream<Path> files = Files.walk(site)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
        Files.createDirectories(site);
    }
}
