package org.lora4j.tokenizer.pipeline;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a SentencePiece model file ({@code spm.model}, {@code spiece.model}, {@code tokenizer.model}) says: a protocol buffer of
 *
 * <pre>
 *   1  pieces           1 the piece   2 its score   3 its kind
 *   2  trainer_spec     3 unigram or BPE   24 white space at the end of words   35 byte fallback   40 id of the unknown
 *   3  normalizer_spec  2 charsmap    3 add_dummy_prefix   4 remove_extra_whitespaces   5 escape_whitespaces
 * </pre>
 */
public final class SentencePieceModel {

    /** What a piece is for. */
    public enum Kind {
        NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE
    }

    /** Which algorithm cuts texts. */
    public enum Algorithm {
        UNIGRAM, BPE, WORD, CHAR
    }

    private static final int VARINT = 0;
    private static final int EIGHT_BYTES = 1;
    private static final int LENGTH = 2;
    private static final int FOUR_BYTES = 5;

    private final List<String> pieces = new ArrayList<>();
    private final List<Float> scores = new ArrayList<>();
    private final List<Kind> kinds = new ArrayList<>();
    private Algorithm algorithm = Algorithm.UNIGRAM;
    private boolean byteFallback;
    private boolean suffix;
    private int unknown;
    private byte[] charsMap = new byte[0];
    private boolean dummyPrefix = true;
    private boolean removesSpaces = true;
    private boolean escapesSpaces = true;

    private SentencePieceModel() {
    }

    /** A field of a message; numbers are in {@code number}, the rest in {@code bytes}. */
    private record Field(int tag, long number, @Nullable ByteBuffer bytes) {
    }

    @FunctionalInterface
    private interface Fields {
        void accept(Field field);
    }

    /** @throws IllegalArgumentException that says what is wrong, in words for a message */
    public static SentencePieceModel read(byte[] file) {
        SentencePieceModel model = new SentencePieceModel();
        forEach(ByteBuffer.wrap(file), field -> {
            switch (field.tag) {
                case 1 -> model.readPiece(message(field));
                case 2 -> forEach(message(field), model::readTrainer);
                case 3 -> forEach(message(field), model::readNormalizer);
                default -> { } // tests of its own, and how to undo the normalisation
            }
        });
        if (model.pieces.isEmpty()) {
            throw new IllegalArgumentException("has no pieces");
        }
        return model;
    }

    private void readPiece(ByteBuffer piece) {
        String[] text = {""};
        float[] score = {0};
        Kind[] kind = {Kind.NORMAL};
        forEach(piece, field -> {
            switch (field.tag) {
                case 1 -> text[0] = text(message(field));
                case 2 -> score[0] = Float.intBitsToFloat((int) field.number);
                case 3 -> kind[0] = oneOf(Kind.values(), field.number - 1, "a kind of piece");
                default -> { }
            }
        });
        if (!Float.isFinite(score[0])) {
            throw new IllegalArgumentException("piece " + pieces.size() + " has the score " + score[0]);
        }
        pieces.add(text[0]);
        scores.add(score[0]);
        kinds.add(kind[0]);
    }

    private void readTrainer(Field field) {
        switch (field.tag) {
            case 3 -> algorithm = oneOf(Algorithm.values(), field.number - 1, "an algorithm");
            case 24 -> suffix = field.number != 0;
            case 35 -> byteFallback = field.number != 0;
            case 40 -> unknown = (int) field.number;
            default -> { }
        }
    }

    private void readNormalizer(Field field) {
        switch (field.tag) {
            case 2 -> {
                ByteBuffer bytes = message(field);
                charsMap = new byte[bytes.remaining()];
                bytes.get(charsMap);
            }
            case 3 -> dummyPrefix = field.number != 0;
            case 4 -> removesSpaces = field.number != 0;
            case 5 -> escapesSpaces = field.number != 0;
            default -> { }
        }
    }

    // ------------------------------------------------------------------------------------------------ protocol buffer

    private static void forEach(ByteBuffer message, Fields use) {
        message.order(ByteOrder.LITTLE_ENDIAN);
        while (message.hasRemaining()) {
            int at = message.position();
            long key = varint(message);
            int tag = (int) (key >>> 3);
            Field field = switch ((int) key & 7) {
                case VARINT -> new Field(tag, varint(message), null);
                case EIGHT_BYTES -> new Field(tag, require(message, 8).getLong(), null);
                case FOUR_BYTES -> new Field(tag, require(message, 4).getInt(), null);
                case LENGTH -> new Field(tag, 0, slice(message, varint(message)));
                default -> throw new IllegalArgumentException("has a field of no known kind at byte " + at + " of a message");
            };
            use.accept(field);
        }
    }

    private static long varint(ByteBuffer message) {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int b = require(message, 1).get();
            value |= (long) (b & 0x7F) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("has a number that does not end");
    }

    private static ByteBuffer require(ByteBuffer message, long bytes) {
        if (bytes < 0 || bytes > message.remaining()) {
            throw new IllegalArgumentException("ends in the middle: " + bytes + " more bytes were to come, and there are "
                    + message.remaining());
        }
        return message;
    }

    private static ByteBuffer slice(ByteBuffer message, long length) {
        require(message, length);
        ByteBuffer slice = message.slice(message.position(), (int) length);
        message.position(message.position() + (int) length);
        return slice;
    }

    private static ByteBuffer message(Field field) {
        if (field.bytes == null) {
            throw new IllegalArgumentException("has a number in field " + field.tag + ", expected a message or text");
        }
        return field.bytes;
    }

    private static String text(ByteBuffer bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("has a piece that is not UTF-8", e);
        }
    }

    private static <E> E oneOf(E[] values, long index, String what) {
        if (index < 0 || index >= values.length) {
            throw new IllegalArgumentException("has " + what + " of number " + (index + 1) + ", expected 1 to " + values.length);
        }
        return values[(int) index];
    }

    // ------------------------------------------------------------------------------------------------ what it says

    /** In order of ids. */
    public List<String> pieces() {
        return pieces;
    }

    public float score(int id) {
        return scores.get(id);
    }

    public Kind kind(int id) {
        return kinds.get(id);
    }

    public Algorithm algorithm() {
        return algorithm;
    }

    public boolean byteFallback() {
        return byteFallback;
    }

    public boolean hasSuffix() {
        return suffix;
    }

    public int unknown() {
        return unknown;
    }

    /** The table of replacements; empty for none. */
    public byte[] charsMap() {
        return charsMap;
    }

    public boolean dummyPrefix() {
        return dummyPrefix;
    }

    public boolean removesSpaces() {
        return removesSpaces;
    }

    public boolean escapesSpaces() {
        return escapesSpaces;
    }
}
