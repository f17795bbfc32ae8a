package org.lora4j.spark;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.lora4j.train.WorkerGroup.Contribution;
import org.lora4j.train.WorkerGroup.Partial;

/** The socket to one other worker. One thread sends at a time, and one receives. */
final class Link {

    /** Of each of a worker's micro-batches, the loss and the numbers of one slice. */
    record Part(double[] losses, double[][] numbers, boolean stop) {

        static Part of(Contribution own, int from, int to) {
            int count = own.partials().size();
            double[] losses = new double[count];
            double[][] numbers = new double[count][];
            for (int i = 0; i < count; i++) {
                losses[i] = own.partials().get(i).loss();
                numbers[i] = Arrays.copyOfRange(own.partials().get(i).gradient(), from, to);
            }
            return new Part(losses, numbers, own.stop());
        }
    }

    /** What another worker said before it left. */
    static final class Failed extends IOException {

        private static final long serialVersionUID = 1L;

        Failed(String why) {
            super(why);
        }
    }

    private static final byte SUM = 'S';
    static final byte AGREE = 'A';
    private static final byte FAILED = 'F';

    private static final int BUFFER = 1 << 16;
    private static final long PATIENCE_MS = 2000;

    private final SocketChannel channel;
    private final ByteBuffer out = ByteBuffer.allocateDirect(BUFFER);
    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER).flip();

    Link(SocketChannel channel) {
        this.channel = channel;
    }

    SocketChannel channel() {
        return channel;
    }

    void sendPart(Contribution own, int from, int to) throws IOException {
        begin(SUM);
        out.put((byte) (own.stop() ? 1 : 0));
        for (Partial partial : own.partials()) {
            room(Double.BYTES);
            out.putDouble(partial.loss());
            put(partial.gradient(), from, to, own.single());
        }
        flush();
    }

    Part receivePart(int count, int length, boolean single) throws IOException {
        expect(SUM);
        need(1);
        boolean stop = in.get() != 0;
        double[] losses = new double[count];
        double[][] numbers = new double[count][];
        for (int i = 0; i < count; i++) {
            need(Double.BYTES);
            losses[i] = in.getDouble();
            numbers[i] = take(length, single);
        }
        return new Part(losses, numbers, stop);
    }

    void sendNumbers(double[] numbers, boolean single) throws IOException {
        begin(SUM);
        put(numbers, 0, numbers.length, single);
        flush();
    }

    double[] receiveNumbers(int length, boolean single) throws IOException {
        expect(SUM);
        return take(length, single);
    }

    void sendText(byte kind, String text) throws IOException {
        begin(kind);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.putInt(bytes.length);
        for (int at = 0; at < bytes.length; at += BUFFER / 2) {
            int length = Math.min(BUFFER / 2, bytes.length - at);
            room(length);
            out.put(bytes, at, length);
        }
        flush();
    }

    String receiveText(byte kind) throws IOException {
        expect(kind);
        return text();
    }

    private String text() throws IOException {
        need(Integer.BYTES);
        byte[] bytes = new byte[in.getInt()];
        for (int at = 0; at < bytes.length;) {
            need(1);
            int length = Math.min(in.remaining(), bytes.length - at);
            in.get(bytes, at, length);
            at += length;
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Says why this worker leaves, and waits a moment for the other to have read it. */
    void sayGoodbye(String why) {
        Thread farewell = Thread.ofVirtual().start(() -> {
            try {
                out.clear();
                sendText(FAILED, why);
                channel.shutdownOutput();
                while (channel.read(in.clear()) >= 0) { // what was on its way; or the system would drop our word too
                    in.clear();
                }
            } catch (IOException e) {
                close(); // the other is gone already
            }
        });
        try {
            farewell.join(PATIENCE_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // it is of no use any more
        }
    }

    private void begin(byte kind) throws IOException {
        room(1 + 1 + Integer.BYTES);
        out.put(kind);
    }

    private void expect(byte kind) throws IOException {
        need(1);
        byte found = in.get();
        if (found == FAILED) {
            throw new Failed(text());
        }
        if (found != kind) {
            throw new IOException("it speaks of '" + (char) found + "' where '" + (char) kind + "' was to come");
        }
    }

    private void put(double[] numbers, int from, int to, boolean single) throws IOException {
        for (int i = from; i < to; i++) {
            if (out.remaining() < Double.BYTES) {
                flush();
            }
            if (single) {
                out.putFloat((float) numbers[i]);
            } else {
                out.putDouble(numbers[i]);
            }
        }
    }

    private double[] take(int length, boolean single) throws IOException {
        double[] numbers = new double[length];
        for (int i = 0; i < length; i++) {
            need(single ? Float.BYTES : Double.BYTES);
            numbers[i] = single ? in.getFloat() : in.getDouble();
        }
        return numbers;
    }

    private void room(int bytes) throws IOException {
        if (out.remaining() < bytes) {
            flush();
        }
    }

    private void flush() throws IOException {
        out.flip();
        while (out.hasRemaining()) {
            channel.write(out);
        }
        out.clear();
    }

    private void need(int bytes) throws IOException {
        if (in.remaining() >= bytes) {
            return;
        }
        in.compact();
        while (in.position() < bytes) {
            if (channel.read(in) < 0) {
                throw new EOFException("its socket is closed");
            }
        }
        in.flip();
    }
}
