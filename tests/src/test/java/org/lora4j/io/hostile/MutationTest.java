package org.lora4j.io.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.LoraException;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.AdapterFormat;
import org.lora4j.adapters.LoralibFormat;
import org.lora4j.adapters.PeftConfig;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.analysis.UpdateSpectrum;
import org.lora4j.io.DType;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.Safetensors;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.io.ShardedTensors;
import org.lora4j.io.TensorSource;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.io.torch.TorchFile;
import org.lora4j.io.torch.TorchResources;
import org.lora4j.io.torch.TorchWriter;
import org.lora4j.tensor.Shape;

/**
 * Random damage to real files, for every reader: each is read, or refused with one line that names the file; nothing else
 * is thrown, nothing takes long, nothing takes memory that the file does not justify.
 *
 * <p>A build tries a few hundred of each kind. {@code -Dlora4j.mutations=100000} tries that many, and
 * {@code -Dlora4j.mutate=json} only the kinds whose name has that in it.
 */
class MutationTest {

    private static final int MUTATIONS = Integer.getInteger("lora4j.mutations", 400);
    /** What one attempt may allocate beside four times its file: parsers' buffers, messages, stack traces, regular expressions. */
    private static final long FIXED = 2 << 20;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @TempDir
    static Path folder;

    private boolean wasRefused;

    /** A file, what of it is damaged, how it is put together again, and what reads it. */
    record Kind(String name, byte[] original, Rebuild rebuild, Path file, Consumer<Path> reader) {

        @Override
        public String toString() {
            return name;
        }
    }

    @FunctionalInterface
    interface Rebuild {
        byte[] of(byte[] damaged);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    @Timeout(value = 20, unit = TimeUnit.MINUTES)
    void everyMutationIsReadOrRefused(Kind kind) throws IOException {
        Mutator mutator = new Mutator(kind.name().hashCode());
        int refused = 0;
        long most = 0;
        long longest = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] bytes = kind.rebuild().of(mutator.mutated(kind.original()));
            Files.write(kind.file(), bytes);
            long start = System.nanoTime();
            long allocated = allocated(kind, bytes, i);
            if (allocated > FIXED) { // not because a class was loaded or a buffer grew just now
                allocated = allocated(kind, bytes, i);
            }
            refused += wasRefused ? 1 : 0;
            longest = Math.max(longest, System.nanoTime() - start);
            if (allocated > FIXED) {
                throw new AssertionError(kind + ", mutation " + i + ", kept as " + kept(bytes) + ", takes " + allocated
                        + " bytes beside four times its own");
            }
            most = Math.max(most, allocated);
        }
        System.out.printf("%-28s %,d mutations, %,d refused, at most %,d kB beyond 4 times the file, %d ms%n", kind,
                MUTATIONS, refused, most >> 10, longest / 1_000_000);
        assertThat(longest).isLessThan(TimeUnit.SECONDS.toNanos(10));
        // most damage is seen; damage to numbers alone nobody can see
        assertThat(refused).isBetween(MUTATIONS / 20, MUTATIONS);
    }

    /** Reads the file and says how much that allocated beside four times the file's size. */
    private long allocated(Kind kind, byte[] bytes, int number) throws IOException {
        long before = threads.getCurrentThreadAllocatedBytes();
        wasRefused = false;
        try {
            kind.reader().accept(kind.file());
        } catch (LoraException e) {
            wasRefused = true;
            assertThat(e.getMessage()).contains(folder.toString()).hasLineCount(1).hasSizeLessThan(2000);
        } catch (Throwable e) {
            throw new AssertionError(kind + ", mutation " + number + ", kept as " + kept(bytes), e);
        }
        return threads.getCurrentThreadAllocatedBytes() - before - 4L * bytes.length;
    }

    private static Path kept(byte[] bytes) throws IOException {
        return Files.write(Files.createTempFile("mutation-", ".bin"), bytes);
    }

    // ------------------------------------------------------------------------------------------------ the files

    static Stream<Kind> kinds() throws IOException {
        return all().filter(kind -> kind.name().contains(System.getProperty("lora4j.mutate", "")));
    }

    private static Stream<Kind> all() throws IOException {
        Path peft = folder.resolve("peft");
        Path bin = folder.resolve("peft-bin");
        StoredAdapter adapter = LoralibFormat.toPeft(LoralibFormat.read(loralib()), LoralibFormat.Options.alpha(32));
        AdapterFiles.write(adapter, AdapterFormat.PEFT, peft, new ArrayList<>());
        AdapterFiles.write(adapter, AdapterFormat.PEFT_BIN, bin, new ArrayList<>());
        AdapterFiles.write(adapter, AdapterFormat.GGUF, folder.resolve("adapter.gguf"), new ArrayList<>());
        byte[] zip = TorchResources.resource("tensors.pt");
        byte[] safetensors = Files.readAllBytes(peft.resolve("adapter_model.safetensors"));
        byte[] config = Files.readAllBytes(peft.resolve("adapter_config.json"));
        return Stream.of(
                plain("safetensors", allTypes(), "x.safetensors", file -> readAll(Safetensors.open(file))),
                plain("torch zip", zip, "x.pt", file -> readAll(TorchFile.open(file))),
                plain("torch legacy", TorchResources.resource("tensors_legacy.pt"), "legacy.pt",
                        file -> readAll(TorchFile.open(file))),
                new Kind("pickle of protocol 2", pickle(zip), damaged -> withPickle(zip, damaged),
                        folder.resolve("pickle.pt"), file -> readAll(TorchFile.open(file))),
                new Kind("pickle of protocol 4", pickle(TorchResources.resource("tensors_protocol_4.pt")),
                        damaged -> withPickle(zip, damaged), folder.resolve("pickle4.pt"),
                        file -> readAll(TorchFile.open(file))),
                plain("gguf", Files.readAllBytes(folder.resolve("adapter.gguf")), "x.gguf",
                        file -> readAll(GgufFile.open(file))),
                plain("gguf adapter", Files.readAllBytes(folder.resolve("adapter.gguf")), "adapter-x.gguf",
                        MutationTest::readAdapter),
                plain("loralib", Files.readAllBytes(folder.resolve("lora.pt")), "lora-x.pt", MutationTest::readAdapter),
                new Kind("adapter_config.json", config, damaged -> damaged, peft.resolve("adapter_config.json"),
                        file -> readConfig(file, peft)),
                new Kind("adapter_model.safetensors", safetensors, damaged -> damaged,
                        copyOf(peft, "peft-2").resolve("adapter_model.safetensors"),
                        file -> readAdapter(file.getParent())),
                new Kind("adapter_model.bin", Files.readAllBytes(bin.resolve("adapter_model.bin")), damaged -> damaged,
                        bin.resolve("adapter_model.bin"), file -> readAdapter(file.getParent())),
                new Kind("model.safetensors.index.json", index(), damaged -> damaged,
                        folder.resolve("sharded/model.safetensors.index.json"),
                        file -> readAll(ShardedTensors.open(file))));
    }

    private static Kind plain(String name, byte[] original, String file, Consumer<Path> reader) {
        return new Kind(name, original, damaged -> damaged, folder.resolve(file), reader);
    }

    private static void readAll(TensorSource source) {
        try (source) {
            for (String name : source.names()) {
                NamedTensor.copyOf(source, name);
            }
        }
    }

    private static void readConfig(Path file, Path adapter) {
        PeftConfig config = PeftConfig.read(file);
        config.requireSupported();
        config.targets().orElseThrow().matching(List.of("transformer.h.0.attn.c_attn", "transformer.wte"));
        readAdapter(adapter);
    }

    private static void readAdapter(Path path) {
        StoredAdapter adapter = AdapterFiles.read(path, LoralibFormat.Options.alpha(32));
        adapter.updates().forEach(update -> {
            try {
                UpdateSpectrum.of(update.a().doubles(), update.b().doubles(), update.rank(), adapter.scaling(update));
            } catch (LoraException e) { // values that are not finite; the command adds the file's name
                throw new LoraException(path + ": " + e.getMessage(), e);
            }
        });
    }

    private static byte[] allTypes() {
        return bytes(out -> {
            SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
            try (TorchFile file = TorchFile.open(TorchResources.copy("tensors.pt", folder))) {
                file.names().forEach(name -> writer.add(NamedTensor.copyOf(file, name)));
            }
            writer.writeTo(out);
        });
    }

    private static Path loralib() throws IOException {
        var writer = new TorchWriter("lora");
        for (String module : List.of("transformer.h.0.attn.c_attn", "transformer.h.1.attn.c_attn")) {
            writer.add(random(module + ".lora_A", 4, 6)).add(random(module + ".lora_B", 12, 2));
        }
        writer.add(random("transformer.wte.lora_A", 2, 10)).add(random("transformer.wte.lora_B", 6, 2));
        Path file = folder.resolve("lora.pt");
        writer.write(file);
        return file;
    }

    private static NamedTensor random(String name, int rows, int columns) {
        return NamedTensor.of(name, DType.F32, Shape.of(rows, columns),
                new Random(1).doubles((long) rows * columns, -1, 1).toArray());
    }

    private static byte[] index() throws IOException {
        Path sharded = Files.createDirectories(folder.resolve("sharded"));
        for (int i = 1; i <= 2; i++) {
            new SafetensorsWriter().add(random("w" + i, 2, 3)).add(random("b" + i, 1, 3))
                    .write(sharded.resolve("model-0000" + i + "-of-00002.safetensors"));
        }
        return """
                {"metadata": {"total_size": 96}, "weight_map": {"w1": "model-00001-of-00002.safetensors",
                 "b1": "model-00001-of-00002.safetensors", "w2": "model-00002-of-00002.safetensors",
                 "b2": "model-00002-of-00002.safetensors"}}""".getBytes(StandardCharsets.UTF_8);
    }

    private static Path copyOf(Path from, String name) throws IOException {
        Path to = Files.createDirectories(folder.resolve(name));
        for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
            Files.copy(from.resolve(file), to.resolve(file));
        }
        return to;
    }

    // ------------------------------------------------------------------------------------------------ zips

    private static byte[] pickle(byte[] zip) {
        try (var file = new ZipFile(Files.write(Files.createTempFile(folder, "pickle", ".zip"), zip).toFile())) {
            ZipEntry entry = file.stream().filter(e -> e.getName().endsWith("data.pkl")).findFirst().orElseThrow();
            return file.getInputStream(entry).readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, byte[]> others;

    /** The same archive with another pickle and its checksum, so that the damage reaches the interpreter. */
    private static byte[] withPickle(byte[] zip, byte[] pickle) {
        if (others == null) {
            others = new LinkedHashMap<>();
            try (var file = new ZipFile(
                    Files.write(Files.createTempFile(folder, "others", ".zip"), zip).toFile())) {
                for (ZipEntry entry : file.stream().map(ZipEntry.class::cast).toList()) {
                    others.put(entry.getName(), file.getInputStream(entry).readAllBytes());
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return bytes(out -> {
            ZipOutputStream archive = new ZipOutputStream(out);
            archive.setMethod(ZipOutputStream.STORED);
            for (Map.Entry<String, byte[]> record : others.entrySet()) {
                byte[] content = record.getKey().endsWith("data.pkl") ? pickle : record.getValue();
                ZipEntry entry = new ZipEntry(record.getKey());
                CRC32 crc = new CRC32();
                crc.update(content);
                entry.setCrc(crc.getValue());
                entry.setSize(content.length);
                archive.putNextEntry(entry);
                archive.write(content);
            }
            archive.finish();
        });
    }

    private interface Writes {
        void to(ByteArrayOutputStream out) throws IOException;
    }

    private static byte[] bytes(Writes writes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            writes.to(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
