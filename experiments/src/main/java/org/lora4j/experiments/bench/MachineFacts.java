package org.lora4j.experiments.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What Linux says of the first core's caches and of large pages; nothing elsewhere. */
public final class MachineFacts {

    private static final Path CACHES = Path.of("/sys/devices/system/cpu/cpu0/cache");
    private static final Path LARGE_PAGES = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
    private static final Pattern CHOSEN = Pattern.compile("\\[(\\w+)]");

    private MachineFacts() {
    }

    /** By name: {@code L1 data cache → 48K} and the like, {@code large pages → madvise}. */
    public static Map<String, String> read() {
        Map<String, String> facts = new LinkedHashMap<>(caches(CACHES));
        String pages = text(LARGE_PAGES);
        Matcher chosen = CHOSEN.matcher(pages);
        if (chosen.find()) {
            facts.put("large pages", chosen.group(1));
        }
        return facts;
    }

    static Map<String, String> caches(Path folder) {
        Map<String, String> caches = new TreeMap<>();
        for (int i = 0; Files.isDirectory(folder.resolve("index" + i)); i++) {
            Path cache = folder.resolve("index" + i);
            String type = text(cache.resolve("type"));
            if (!type.equals("Instruction")) {
                caches.put("L" + text(cache.resolve("level")) + (type.equals("Data") ? " data" : "") + " cache",
                        text(cache.resolve("size")));
            }
        }
        return caches;
    }

    private static String text(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "";
        }
    }
}
