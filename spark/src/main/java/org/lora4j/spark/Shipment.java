package org.lora4j.spark;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.lora4j.LoraException;
import org.lora4j.io.FileErrors;

/**
 * Files of the driver's machine that are sent to each executor once, by Spark's broadcast, in which executors pass pieces on to
 * each other. On an executor they lie in a temporary folder until its process ends.
 */
final class Shipment implements Serializable {

    private static final long serialVersionUID = 1L;

    /** Of one array; a file has as many as it needs. */
    private static final int PIECE = 64 << 20;

    /** Where the shipments that have arrived in this process lie. */
    private static final Map<Long, Path> ARRIVED = new ConcurrentHashMap<>();

    private final Map<String, Long> contents; // a path on the driver's machine → its broadcast's number
    private final Map<Long, Broadcast<TreeMap<String, List<byte[]>>>> packed;

    private Shipment(Map<String, Long> contents, Map<Long, Broadcast<TreeMap<String, List<byte[]>>>> packed) {
        this.contents = contents;
        this.packed = packed;
    }

    /** Packs files and folders; the arguments that name them will name the copies. */
    static Shipment of(JavaSparkContext spark, List<Path> paths) {
        Map<String, Long> contents = new TreeMap<>();
        Map<Long, Broadcast<TreeMap<String, List<byte[]>>>> packed = new TreeMap<>();
        for (Path path : paths) {
            Broadcast<TreeMap<String, List<byte[]>>> broadcast = spark.broadcast(pack(path));
            contents.put(path.toString(), broadcast.id());
            packed.put(broadcast.id(), broadcast);
        }
        return new Shipment(contents, packed);
    }

    private static TreeMap<String, List<byte[]>> pack(Path path) {
        TreeMap<String, List<byte[]>> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(path)) {
            for (Path file : (Iterable<Path>) all.filter(Files::isRegularFile)::iterator) {
                List<byte[]> pieces = new ArrayList<>();
                try (var in = Files.newInputStream(file)) {
                    for (byte[] piece = in.readNBytes(PIECE); piece.length > 0; piece = in.readNBytes(PIECE)) {
                        pieces.add(piece);
                    }
                }
                files.put(path.equals(file) ? "" : path.relativize(file).toString(), pieces);
            }
            return files;
        } catch (IOException e) {
            throw FileErrors.reading(path, e);
        }
    }

    /** The arguments, with what was sent in its new place. */
    List<String> unpack(List<String> arguments) throws IOException {
        List<String> unpacked = new ArrayList<>();
        for (String argument : arguments) {
            int value = argument.indexOf('=') + 1;
            Long number = contents.get(argument.substring(value));
            unpacked.add(number == null ? argument : argument.substring(0, value) + place(number, argument.substring(value)));
        }
        return unpacked;
    }

    private Path place(long number, String path) {
        return ARRIVED.computeIfAbsent(number, missing -> {
            try {
                Path folder = Files.createTempDirectory("lora4j-");
                Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
                Path target = folder.resolve(Path.of(path).getFileName());
                for (Map.Entry<String, List<byte[]>> file : packed.get(number).value().entrySet()) {
                    Path copy = file.getKey().isEmpty() ? target : target.resolve(file.getKey());
                    Files.createDirectories(copy.getParent());
                    try (var out = Files.newOutputStream(copy)) {
                        for (byte[] piece : file.getValue()) {
                            out.write(piece);
                        }
                    }
                }
                return target;
            } catch (IOException e) {
                throw new LoraException("a copy of " + path + " cannot be written to this machine's temporary folder: " + e, e);
            }
        });
    }

    /** Removes a folder and all that is in it. */
    static void delete(Path folder) {
        try {
            if (Files.exists(folder)) {
                MoreFiles.deleteRecursively(folder, RecursiveDeleteOption.ALLOW_INSECURE);
            }
        } catch (IOException e) {
            // the system clears its temporary folder
        }
    }
}
