package org.lora4j.tokenizer.pipeline;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes a SentencePiece model of BPE with byte fallback, as {@link SentencePieceModel} reads it. */
public final class SentencePieceWriter {

    private static final int VARINT = 0;
    private static final int LENGTH = 2;
    private static final int FOUR_BYTES = 5;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** @param kind the number of a {@link SentencePieceModel.Kind}, from 1 */
    public void piece(String text, float score, int kind) {
        ByteArrayOutputStream piece = new ByteArrayOutputStream();
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        message(piece, 1, utf8);
        number(piece, 2 << 3 | FOUR_BYTES);
        int bits = Float.floatToIntBits(score);
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            piece.write(bits >> shift);
        }
        field(piece, 3, kind);
        message(out, 1, piece.toByteArray());
    }

    /**
     * The file's bytes.
     *
     * @param prefix whether a space is put before every text
     */
    public byte[] bytes(int unknown, boolean prefix) {
        ByteArrayOutputStream trainer = new ByteArrayOutputStream();
        field(trainer, 3, SentencePieceModel.Algorithm.BPE.ordinal() + 1);
        field(trainer, 35, 1);
        field(trainer, 40, unknown);
        ByteArrayOutputStream normalizer = new ByteArrayOutputStream();
        field(normalizer, 3, prefix ? 1 : 0);
        field(normalizer, 4, 0);
        field(normalizer, 5, 1);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(out.toByteArray());
        message(all, 2, trainer.toByteArray());
        message(all, 3, normalizer.toByteArray());
        return all.toByteArray();
    }

    private static void message(ByteArrayOutputStream to, int tag, byte[] bytes) {
        number(to, tag << 3 | LENGTH);
        number(to, bytes.length);
        to.writeBytes(bytes);
    }

    private static void field(ByteArrayOutputStream to, int tag, int value) {
        number(to, tag << 3 | VARINT);
        number(to, value);
    }

    private static void number(ByteArrayOutputStream to, int value) {
        int rest = value;
        while ((rest & ~0x7F) != 0) {
            to.write(rest & 0x7F | 0x80);
            rest >>>= 7;
        }
        to.write(rest);
    }
}
