package org.lora4j.book;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The Javadoc of all modules together, made by the JDK's own tool. */
final class ApiDocs {

    /** What doclint misses that this project does without: a tag for each value, where the sentence says it. */
    private static final Pattern OF_STYLE = Pattern.compile(
            "no @param|no @return|no @throws|use of default constructor|\\[incubating]|^\\d+ warnings?$");
    private static final Pattern MESSAGE = Pattern.compile("(?:warning|error): ");
    private static final String TORNADO = "gpu-llama3";

    private final Path root;
    private final List<Module> modules;

    ApiDocs(Path root, List<Module> modules) {
        this.root = root;
        this.modules = modules;
    }

    /**
     * Writes the pages, with every class and not only those that are exported, and the sources.
     *
     * @param style a style sheet that comes behind the tool's own
     */
    void write(String version, Path style, Path out) {
        List<String> said = run(List.of("-d", out.toString(), "-Xdoclint:all,-missing", "-linksource", "-notimestamp",
                "--add-stylesheet", style.toString(),
                "--show-packages", "all", "--show-types", "package", "--show-members", "protected",
                "-windowtitle", "lora4j " + version, "-doctitle", "lora4j " + version,
                "-header", "<a href=\"{@docRoot}/../index.html\">The book</a>"));
        List<String> errors = said.stream().filter(line -> line.contains("error: ")).toList();
        if (!errors.isEmpty()) {
            throw new IllegalStateException("javadoc failed:\n" + String.join("\n", errors));
        }
    }

    /**
     * What of the exported packages has no sentence, or a wrong one.
     *
     * @param scratch a folder for what javadoc writes meanwhile
     * @return a line each, as doclint says it
     */
    List<String> gaps(Path scratch) {
        return run(List.of("-d", scratch.toString(), "-Xdoclint:all", "-Xmaxwarns", "100000")).stream()
                .filter(line -> !OF_STYLE.matcher(line).find()).toList();
    }

    private List<String> run(List<String> options) {
        List<String> arguments = new ArrayList<>(options);
        arguments.addAll(List.of("-quiet", "-encoding", "UTF-8", "--source", "25", "--enable-preview"));
        // what is on our class path: modules for the modules, but for TornadoVM's interface, which is in none
        List<String> jars = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> entry.endsWith(".jar") && !Path.of(entry).getFileName().toString().startsWith("lora4j-"))
                .toList();
        arguments.addAll(List.of("--module-path", joined(jars.stream().filter(jar -> !jar.contains(TORNADO))),
                "--class-path", joined(jars.stream().filter(jar -> jar.contains(TORNADO))),
                "--add-modules", "jdk.incubator.vector", "--add-reads", "org.lora4j.backend.tornado=ALL-UNNAMED"));
        for (Module module : modules) {
            arguments.add("--module-source-path");
            arguments.add(module.name() + "=" + root.resolve(module.folder()).resolve("src/main/java"));
        }
        arguments.addAll(List.of("--module", modules.stream().map(Module::name).collect(Collectors.joining(","))));
        StringWriter said = new StringWriter();
        PrintWriter writer = new PrintWriter(said);
        ToolProvider.findFirst("javadoc")
                .orElseThrow(() -> new IllegalStateException("this Java has no javadoc: a JDK is needed"))
                .run(writer, writer, arguments.toArray(String[]::new));
        return said.toString().lines().filter(line -> MESSAGE.matcher(line).find())
                .map(line -> line.replace(root + File.separator, "")).toList();
    }

    private static String joined(Stream<String> entries) {
        return entries.collect(Collectors.joining(File.pathSeparator));
    }

    /** A Maven module with a descriptor. */
    record Module(String folder, String name) {

        private static final Pattern DECLARATION = Pattern.compile("(?m)^(?:open )?module ([\\w.]+) \\{");

        /** All that the checkout has. */
        static List<Module> all(Path root) throws IOException {
            List<Module> modules = new ArrayList<>();
            try (Stream<Path> folders = Files.list(root)) {
                for (Path folder : folders.sorted().toList()) {
                    Path descriptor = folder.resolve("src/main/java/module-info.java");
                    if (Files.exists(descriptor)) {
                        var declared = DECLARATION.matcher(Files.readString(descriptor));
                        if (declared.find()) {
                            modules.add(new Module(folder.getFileName().toString(), declared.group(1)));
                        }
                    }
                }
            }
            return modules;
        }
    }
}
