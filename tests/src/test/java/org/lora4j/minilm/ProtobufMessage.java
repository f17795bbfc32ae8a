package org.lora4j.minilm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A message in Protocol Buffers' wire format, without its schema: fields in their order, of which a number says what they mean.
 *
 * <pre>
 *   field     key, then what its type says          key = number·8 + type
 *   type 0    a varint: seven bits a byte, the lowest first, the high bit says that another follows
 *   type 1    eight bytes                           type 5    four bytes
 *   type 2    a length (a varint), and so many bytes: a text, a message, a packed list
 * </pre>
 *
 * <p>Little-endian. Types 3 and 4, groups, have been out of use for longer than ONNX exists, and are refused.
 */
final class ProtobufMessage {

    private final List<Field> fields = new ArrayList<>();

    /**
     * @param number what it means
     * @param value  of types 0, 1 and 5
     * @param bytes  of type 2, else empty; a view
     */
    record Field(int number, long value, ByteBuffer bytes) {

        String text() {
            return StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
        }

        ProtobufMessage message() {
            return of(bytes);
        }

        /** A list of whole numbers, packed or a single one of many fields. */
        List<Long> varints() {
            if (!bytes.hasRemaining()) {
                return List.of(value);
            }
            List<Long> values = new ArrayList<>();
            for (ByteBuffer rest = bytes.duplicate(); rest.hasRemaining();) {
                values.add(varint(rest));
            }
            return values;
        }
    }

    private ProtobufMessage() {
    }

    /** @throws IllegalArgumentException if it is no such message */
    static ProtobufMessage of(ByteBuffer bytes) {
        ByteBuffer rest = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        ProtobufMessage message = new ProtobufMessage();
        while (rest.hasRemaining()) {
            long key = varint(rest);
            int number = Math.toIntExact(key >>> 3);
            ByteBuffer none = ByteBuffer.allocate(0);
            message.fields.add(switch ((int) (key & 7)) {
                case 0 -> new Field(number, varint(rest), none);
                case 1 -> new Field(number, require(rest, 8).getLong(), none);
                case 2 -> new Field(number, 0, taken(rest, varint(rest)));
                case 5 -> new Field(number, require(rest, 4).getInt(), none);
                default -> throw new IllegalArgumentException("field " + number + " has wire type " + (key & 7));
            });
        }
        return message;
    }

    /** The fields of this number, in their order. */
    List<Field> all(int number) {
        return fields.stream().filter(field -> field.number() == number).toList();
    }

    /** The text of the last field of this number; empty without one. */
    String text(int number) {
        List<Field> found = all(number);
        return found.isEmpty() ? "" : found.getLast().text();
    }

    /** The number in the last field of this number; 0 without one. */
    long value(int number) {
        List<Field> found = all(number);
        return found.isEmpty() ? 0 : found.getLast().value();
    }

    private static ByteBuffer taken(ByteBuffer from, long count) {
        if (count < 0 || count > from.remaining()) {
            throw new IllegalArgumentException("a field of " + count + " bytes, and " + from.remaining() + " are left");
        }
        ByteBuffer bytes = from.slice(from.position(), (int) count).order(ByteOrder.LITTLE_ENDIAN);
        from.position(from.position() + (int) count);
        return bytes;
    }

    private static ByteBuffer require(ByteBuffer from, int count) {
        if (from.remaining() < count) {
            throw new IllegalArgumentException("a number of " + count + " bytes, and " + from.remaining() + " are left");
        }
        return from;
    }

    private static long varint(ByteBuffer from) {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte next = require(from, 1).get();
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("a number of more than ten bytes");
    }
}
