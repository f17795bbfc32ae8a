package org.lora4j.io.hostile;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Damages bytes as disks, networks and enemies do: bits, numbers that mean something, pieces cut, doubled and moved. */
final class Mutator {

    private static final long[] NUMBERS = {0, 1, -1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, Integer.MAX_VALUE, 0x80000000L,
        0xFFFFFFFFL, 1L << 32, 1L << 40, Long.MAX_VALUE, Long.MIN_VALUE, 0x7FFFFFFFFFFFFFF8L};
    private static final String[] PIECES = {"{", "}", "[", "]", ",", ":", "\"", "\\u0000", "null", "true", "-1", "0", "1e999",
        "1e-400", "9223372036854775807", "18446744073709551616", "\"../x\"", "[[[[", "{\"a\":{\"a\":", "\"LORA\"", "\u00e9", "\0",
        "(", "t", "R", "cposix\nsystem\n", "X\u0001\0\0\0a", "}", "]", ")", "s", "u", "h\0", "Q", "0", "2", "b", ".", "(?:(",
        "(a+)+$", "\n"};

    private final SplittableRandom random;

    Mutator(long seed) {
        random = new SplittableRandom(seed);
    }

    byte[] mutated(byte[] original) {
        byte[] bytes = original;
        for (int damage = 1 + random.nextInt(4) / 2; damage > 0; damage--) {
            bytes = mutatedOnce(bytes);
        }
        return bytes;
    }

    private byte[] mutatedOnce(byte[] bytes) {
        if (bytes.length < 2) {
            return new byte[] {(byte) random.nextInt()};
        }
        int at = random.nextInt(bytes.length);
        int length = Math.min(bytes.length - at, 1 + random.nextInt(random.nextInt(8) == 0 ? bytes.length : 40));
        return switch (random.nextInt(9)) {
            case 0 -> with(bytes, at, (byte) random.nextInt());
            case 1 -> with(bytes, at, (byte) (bytes[at] ^ 1 << random.nextInt(8)));
            case 2, 3 -> number(bytes, at);
            case 4 -> Arrays.copyOf(bytes, at);
            case 5 -> Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(64));
            case 6 -> splice(bytes, at, random.nextInt(3) * length,
                    PIECES[random.nextInt(PIECES.length)].getBytes(StandardCharsets.UTF_8));
            case 7 -> splice(bytes, random.nextInt(bytes.length), 0, Arrays.copyOfRange(bytes, at, at + length));
            default -> splice(bytes, at, length, new byte[0]);
        };
    }

    private byte[] number(byte[] bytes, int at) {
        byte[] number = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(NUMBERS[random.nextInt(NUMBERS.length)])
                .array();
        byte[] copy = bytes.clone();
        System.arraycopy(number, 0, copy, at, Math.min(1 << random.nextInt(4), copy.length - at));
        return copy;
    }

    private static byte[] with(byte[] bytes, int at, byte value) {
        byte[] copy = bytes.clone();
        copy[at] = value;
        return copy;
    }

    private static byte[] splice(byte[] bytes, int at, int removed, byte[] added) {
        int cut = Math.min(removed, bytes.length - at);
        byte[] result = new byte[bytes.length - cut + added.length];
        System.arraycopy(bytes, 0, result, 0, at);
        System.arraycopy(added, 0, result, at, added.length);
        System.arraycopy(bytes, at + cut, result, at + added.length, bytes.length - at - cut);
        return result;
    }
}
