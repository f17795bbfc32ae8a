package org.lora4j.book;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The chapters in reading order, as {@code docs/README.md} lists them: its second headings are the parts, the first link of
 * each item is a chapter. Of a chapter that is a folder's {@code README.md}, the pages that it lists come right after it.
 */
final class Contents {

    private static final String COVER = "docs/README.md";
    private static final Pattern ITEM = Pattern.compile("^(?:[*-]|\\d+\\.) \\[([^\\]]+)\\]\\(([^)#]+\\.md)\\)");

    /** A page of the book. Paths are relative to the checkout and to the site, with {@code /}. */
    record Chapter(String file, String page, String title, int depth) {
    }

    /** Chapters under one heading. */
    record Part(String title, List<Chapter> chapters) {
    }

    private final List<Part> parts = new ArrayList<>();
    private final Map<String, Chapter> chapters = new LinkedHashMap<>();

    private Contents() {
    }

    static Contents read(Path root) throws IOException {
        Contents contents = new Contents();
        contents.part("lora4j");
        contents.add(root, COVER, 0);
        for (String line : Files.readAllLines(root.resolve(COVER))) {
            Matcher item = ITEM.matcher(line);
            if (line.startsWith("## ")) {
                contents.part(line.substring(3));
            } else if (item.find()) {
                contents.addWithItsOwn(root, resolve(COVER, item.group(2)));
            }
        }
        contents.parts.removeIf(part -> part.chapters().isEmpty());
        return contents;
    }

    private void part(String title) {
        parts.add(new Part(title, new ArrayList<>()));
    }

    private void addWithItsOwn(Path root, String file) throws IOException {
        add(root, file, 0);
        if (file.endsWith("/README.md") && file.startsWith("docs/")) {
            for (String line : Files.readAllLines(root.resolve(file))) {
                Matcher item = ITEM.matcher(line);
                if (item.find()) {
                    add(root, resolve(file, item.group(2)), 1);
                }
            }
        }
    }

    private void add(Path root, String file, int depth) throws IOException {
        if (chapters.containsKey(file)) {
            return;
        }
        String title = Files.readAllLines(root.resolve(file)).stream().filter(line -> line.startsWith("# ")).findFirst()
                .orElseThrow(() -> new IllegalArgumentException(file + " has no title: a line that begins with \"# \""))
                .substring(2).replace("`", "");
        Chapter chapter = new Chapter(file, page(file), title, depth);
        chapters.put(file, chapter);
        parts.getLast().chapters().add(chapter);
    }

    /** What a link in a file means, from the checkout's root. */
    static String resolve(String file, String link) {
        return Path.of(file).resolveSibling(link).normalize().toString().replace('\\', '/');
    }

    private static String page(String file) {
        String name = file.startsWith("docs/") ? file.substring(5) : file;
        if (name.equals("README.md")) {
            return file.equals(COVER) ? "index.html" : "lora4j.html";
        }
        boolean ours = file.startsWith("docs/");
        name = name.endsWith("/README.md") ? name.replace("/README.md", ours ? "/index" : "") : name.replace(".md", "");
        return name.replace('/', ours ? '/' : '-').toLowerCase(Locale.ROOT) + ".html";
    }

    List<Part> parts() {
        return parts;
    }

    List<Chapter> chapters() {
        return List.copyOf(chapters.values());
    }

    /** The chapter made of a file, or null. */
    Chapter of(String file) {
        return chapters.get(file);
    }
}
