package org.lora4j.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.Backends;

/**
 * What {@code doctor} found out; its JSON is this record's.
 *
 * @param model what {@code --model} needs, null where none was named
 * @param ready the default backend can run
 */
record Diagnosis(
        Build lora4j, Java java, Machine system, Memory memory, Vectors vectors,
        List<BackendState> backends, List<Embedded> embedded, ModelState model, boolean ready) {

    /** @param location the jar or folder the command line runs from */
    record Build(String version, String location) {
    }

    record Java(String version, String vendor, String home) {
    }

    /** @param processor its name, null where it is not known */
    record Machine(String name, int cores, String processor) {
    }

    /**
     * @param physicalBytes the machine's, or the container's where that is less
     * @param heapBytes     the most Java may use for objects
     */
    record Memory(long physicalBytes, long heapBytes) {
    }

    /**
     * @param bits   the widest vectors the JVM prefers here, 0 if none
     * @param floats how many floats fit
     * @param reason why there are none and what to do; null if there are
     */
    record Vectors(int bits, int floats, String reason) {
    }

    /**
     * @param description what it runs on; null if it cannot run
     * @param reason      why it cannot run and what to do; null if it can
     * @param details     versions, devices, settings
     * @param capacity    how many numbers all tensors together may have; 0 if it cannot run or that is not known
     */
    record BackendState(
            String name, boolean available, String description, String reason, List<BackendProvider.Detail> details,
            long capacity) {
    }

    /**
     * What a LoRA step on a model needs.
     *
     * @param name    as it was named
     * @param step    batch, tokens and rank, in words
     * @param numbers how many numbers it holds
     * @param weights how many of these are the base's
     * @param bytes   what the step takes on a backend of floats, by how the base's weights are held
     */
    record ModelState(String name, String step, long numbers, long weights, Map<String, Long> bytes) {
    }

    /** @param bytes its size, 0 if it is missing */
    record Embedded(String name, String what, String resource, boolean present, long bytes) {
    }

    /** @param model to be looked at, or null */
    static Diagnosis make(ModelState model) {
        List<BackendState> backends = Backends.providers().stream().map(Diagnosis::state).toList();
        return new Diagnosis(
                new Build(Version.current(), location()),
                new Java(Runtime.version().toString(), System.getProperty("java.vendor"), System.getProperty("java.home")),
                new Machine(
                        System.getProperty("os.name") + " " + System.getProperty("os.version") + " " + System.getProperty("os.arch"),
                        Runtime.getRuntime().availableProcessors(),
                        processor()),
                new Memory(physicalMemory(), Runtime.getRuntime().maxMemory()),
                widest(),
                backends,
                List.of(
                        embedded("base-6m", "a small language model for the demo", "org/lora4j/experiments/base-6m/model.safetensors"),
                        embedded("e2e", "the E2E data set", "org/lora4j/experiments/data/e2e/e2e-dataset.zip")),
                model,
                backends.stream().anyMatch(backend -> backend.name().equals(BackendChoice.DEFAULT) && backend.available()));
    }

    private static BackendState state(BackendProvider provider) {
        String reason = provider.unavailable().map(OptionNames::in).orElse(null);
        boolean known = reason == null && provider.capacity() < Long.MAX_VALUE;
        return new BackendState(
                provider.name(), reason == null, reason == null ? provider.describe() : null, reason, provider.details(),
                known ? provider.capacity() : 0);
    }

    private static Vectors widest() {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return new Vectors(0, 0, "this JVM runs without the module jdk.incubator.vector. Start it with "
                    + "--add-modules jdk.incubator.vector, as the lora4j launcher does.");
        }
        return new Vectors(VectorWidth.bits(), VectorWidth.bits() / Float.SIZE, null);
    }

    private static Embedded embedded(String name, String what, String resource) {
        URL url = Diagnosis.class.getClassLoader().getResource(resource);
        if (url == null) {
            return new Embedded(name, what, resource, false, 0);
        }
        try {
            return new Embedded(name, what, resource, true, url.openConnection().getContentLengthLong());
        } catch (IOException e) {
            return new Embedded(name, what, resource, false, 0);
        }
    }

    private static String location() {
        try {
            return Path.of(Diagnosis.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
        } catch (URISyntaxException | RuntimeException e) {
            return "place unknown";
        }
    }

    private static long physicalMemory() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize();
    }

    /** Linux tells it in a file; elsewhere it is not worth starting another program. */
    private static String processor() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name"))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .orElse(null);
        } catch (IOException | RuntimeException e) {
            return null;
        }
    }
}
