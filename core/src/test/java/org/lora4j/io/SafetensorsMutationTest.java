package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Random damage to a valid file: it reads, or it is a FormatException; nothing else, not for long, not with much memory. */
class SafetensorsMutationTest {

    private static final int MUTATIONS = 4_000;
    /** What one attempt may allocate: the parser's buffers, messages, stack traces, and some times the 1 kB file. */
    private static final long ALLOWED_BYTES = 2 << 20;

    /** Pieces that mean something in a header, to be put in anywhere. */
    private static final String[] PIECES = {"{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "null", "-1", "0", "1e999",
        "9223372036854775807", "18446744073709551616", "4294967296", "\"F64\"", "\"BOOL\"", "\"I8\"", "\"__metadata__\":",
        "\"dtype\":", "\"shape\":", "\"data_offsets\":", "[0,0]", "\n", "\0", " ", "\u00e9", "\ud83d\ude00"};

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final byte[] original = TestFiles.resource("all_types.safetensors");
    private final int headerLength = Byte.toUnsignedInt(original[0]) | Byte.toUnsignedInt(original[1]) << 8;

    @TempDir
    Path folder;

    @Test
    @Timeout(120)
    void everyMutationIsReadOrRefused() {
        SplittableRandom random = new SplittableRandom(42);
        int refused = 0;
        long most = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] mutated = original;
            for (int damage = 1 + random.nextInt(4) / 3; damage > 0; damage--) {
                mutated = mutate(mutated, random);
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            refused += isRefused(TestFiles.write(folder.resolve("mutated.safetensors"), mutated)) ? 1 : 0;
            most = Math.max(most, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(most).isLessThan(ALLOWED_BYTES);
        // most damage is seen, and damage to data, which nobody can see, is read
        assertThat(refused).isBetween(MUTATIONS / 2, MUTATIONS - MUTATIONS / 20);
    }

    private static boolean isRefused(Path file) {
        try (Safetensors tensors = Safetensors.open(file)) {
            for (String name : tensors.names()) {
                switch (tensors.dtype(name)) {
                    case I64, I32, U8 -> tensors.longs(name);
                    case BOOL -> tensors.booleans(name);
                    default -> tensors.doubles(name);
                }
            }
            return false;
        } catch (FormatException e) {
            assertThat(e.getMessage()).startsWith(file.toString()).hasLineCount(1).hasSizeLessThan(1000);
            return true;
        }
    }

    private byte[] mutate(byte[] file, SplittableRandom random) {
        byte[] copy = file.clone();
        // mostly in the header, where the meaning is
        int at = random.nextInt(random.nextInt(4) == 0 ? file.length : Math.min(file.length, 8 + headerLength));
        return switch (random.nextInt(8)) {
            case 0 -> with(copy, at, (byte) random.nextInt());
            case 1 -> with(copy, at, (byte) (copy[at] ^ 1 << random.nextInt(8)));
            case 2 -> with(copy, copy.length - 1 - random.nextInt(Math.min(copy.length, 150)), (byte) random.nextInt());
            case 3 -> Arrays.copyOf(copy, Math.max(1, random.nextInt(copy.length)));
            case 4 -> Arrays.copyOf(copy, copy.length + random.nextInt(1, 40));
            case 5 -> with(copy, Math.min(copy.length - 1, random.nextInt(8)), (byte) random.nextInt());
            case 6 -> insert(copy, at, PIECES[random.nextInt(PIECES.length)], random.nextInt(6));
            default -> repeat(copy, at, random);
        };
    }

    private static byte[] with(byte[] file, int at, byte value) {
        file[at] = value;
        return file;
    }

    /** Puts a piece in the place of some bytes, and mends the header's length, or else all would end there. */
    private static byte[] insert(byte[] file, int at, String piece, int replaced) {
        return splice(file, at, Math.min(replaced, file.length - at), piece.getBytes(StandardCharsets.UTF_8));
    }

    /** Doubles a part of the file, such as a whole tensor's entry. */
    private static byte[] repeat(byte[] file, int at, SplittableRandom random) {
        return splice(file, at, 0, Arrays.copyOfRange(file, at, Math.min(file.length, at + random.nextInt(1, 80))));
    }

    private static byte[] splice(byte[] file, int at, int removed, byte[] added) {
        byte[] result = new byte[file.length - removed + added.length];
        System.arraycopy(file, 0, result, 0, at);
        System.arraycopy(added, 0, result, at, added.length);
        System.arraycopy(file, at + removed, result, at + added.length, file.length - at - removed);
        if (at >= 8 && result.length >= 8) {
            int length = Byte.toUnsignedInt(result[0]) + (Byte.toUnsignedInt(result[1]) << 8) + added.length - removed;
            result[0] = (byte) length;
            result[1] = (byte) (length >> 8);
        }
        return result;
    }
}
