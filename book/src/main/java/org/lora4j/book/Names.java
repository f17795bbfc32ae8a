package org.lora4j.book;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where in the site the names lead that pages write in backticks: a class, or a member of it, to the Javadoc; a test, or a
 * method of it, to its source; a package to its summary; a file of the sources to its page.
 */
final class Names {

    private static final Pattern CLASS = Pattern.compile("((?:[a-z0-9]+\\.)*)([A-Z]\\w*)((?:\\.\\w+)*)(?:\\(.*\\))?");
    private static final Pattern PACKAGE = Pattern.compile("org\\.lora4j(?:\\.[a-z0-9]+)*");
    private static final Pattern ID = Pattern.compile("\\bid=\"([^\"]+)\"");

    /** A class of ours, in a file of its name. */
    record Source(String file, String pack, String simple, String module, boolean test) {
    }

    private final Path root;
    private final Path site;
    private final Map<String, List<Source>> sources = new TreeMap<>();
    private final Map<String, String> packages = new TreeMap<>();
    private final Set<String> wanted = new TreeSet<>();
    private final Map<Path, Set<String>> anchors = new TreeMap<>();

    Names(Path root, List<ApiDocs.Module> modules, Path site) throws IOException {
        this.root = root;
        this.site = site;
        try (Stream<Path> folders = Files.list(root)) {
            for (Path folder : folders.filter(f -> Files.exists(f.resolve("pom.xml"))).sorted().toList()) {
                String module = modules.stream().filter(m -> m.folder().equals(folder.getFileName().toString()))
                        .map(ApiDocs.Module::name).findFirst().orElse("");
                collect(folder.resolve("src/main/java"), module, false);
                collect(folder.resolve("src/test/java"), module, true);
            }
        }
    }

    private void collect(Path folder, String module, boolean test) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
                String pack = folder.relativize(file.getParent()).toString().replace('/', '.').replace('\\', '.');
                String simple = file.getFileName().toString().replace(".java", "");
                String relative = root.relativize(file).toString().replace('\\', '/');
                if (simple.equals("package-info")) {
                    if (!test) {
                        packages.put(pack, module);
                    }
                } else if (!simple.equals("module-info")) {
                    sources.computeIfAbsent(simple, s -> new ArrayList<>()).add(new Source(relative, pack, simple, module, test));
                }
            }
        }
    }

    /** The page and anchor that what stands in backticks leads to, from the site's root; empty if it is no name of ours. */
    Optional<String> link(String code) throws IOException {
        if (PACKAGE.matcher(code).matches() && packages.containsKey(code)) {
            return there("api/" + packages.get(code) + "/" + code.replace('.', '/') + "/package-summary.html");
        }
        if (code.matches("[a-z-]+/src/(?:main|test)/[\\w./-]*\\.java") && Files.exists(root.resolve(code))) {
            return Optional.of(sourcePage(code));
        }
        Matcher name = CLASS.matcher(code);
        if (!name.matches()) {
            return Optional.empty();
        }
        String pack = name.group(1).isEmpty() ? "" : name.group(1).substring(0, name.group(1).length() - 1);
        String[] members = name.group(3).isEmpty() ? new String[0] : name.group(3).substring(1).split("\\.");
        for (Source source : sources.getOrDefault(name.group(2), List.of())) {
            if (!pack.isEmpty() && !pack.equals(source.pack())) {
                continue;
            }
            Optional<String> found = source.test() ? test(source, members) : main(source, members);
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    private Optional<String> test(Source source, String[] members) throws IOException {
        if (members.length == 0) {
            return Optional.of(sourcePage(source.file()));
        }
        String method = members[members.length - 1];
        return SourcePage.has(Files.readString(root.resolve(source.file())), method)
                ? Optional.of(sourcePage(source.file()) + "#" + method) : Optional.empty();
    }

    private Optional<String> main(Source source, String[] members) throws IOException {
        String type = "api/" + source.module() + "/" + source.pack().replace('.', '/') + "/" + source.simple();
        int nested = 0;
        while (nested < members.length && Files.exists(site.resolve(type + "." + members[nested] + ".html"))) {
            type += "." + members[nested++];
        }
        Optional<String> page = there(type + ".html");
        if (page.isEmpty() || nested == members.length) {
            return page;
        }
        String member = members[nested];
        return Optional.of(page.get() + anchors(page.get()).stream()
                .filter(id -> id.equals(member) || id.startsWith(member + "(")).findFirst().map(id -> "#" + id).orElse(""));
    }

    private Optional<String> there(String page) {
        return Files.exists(site.resolve(page)) ? Optional.of(page) : Optional.empty();
    }

    private Set<String> anchors(String page) throws IOException {
        Path file = site.resolve(page);
        if (!anchors.containsKey(file)) {
            Set<String> found = new TreeSet<>();
            ID.matcher(Files.readString(file)).results().forEach(id -> found.add(id.group(1)));
            anchors.put(file, found);
        }
        return anchors.get(file);
    }

    /** The page of a source file, which is written once a link leads to it. */
    String sourcePage(String file) {
        wanted.add(file);
        return "sources/" + file + ".html";
    }

    /** The source files that a link leads to. */
    Set<String> wanted() {
        return wanted;
    }

    /** The classes that have a page in the Javadoc, by name, with that page; for the search. */
    Map<String, String> documented() {
        Map<String, String> documented = new TreeMap<>();
        sources.values().forEach(list -> list.stream().filter(source -> !source.test()).forEach(source ->
                there("api/" + source.module() + "/" + source.pack().replace('.', '/') + "/" + source.simple() + ".html")
                        .ifPresent(page -> documented.put(source.pack() + "." + source.simple(), page))));
        return documented;
    }
}
