package org.lora4j.spark;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * What worker 0 prints, on its way to the driver, and the driver's word to stop on its way back. What is sent is a byte that
 * says which stream, a length and that many bytes.
 */
final class Voice implements Closeable {

    private static final byte OUT = 1;
    private static final byte ERR = 2;
    private static final byte STOP = 3;

    private final SocketChannel channel;
    private final DataOutputStream sending;
    private volatile boolean stopped;

    private Voice(SocketChannel channel) {
        this.channel = channel;
        sending = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel)));
    }

    static Voice callDriver(InetSocketAddress driver, Meeting meeting) throws IOException {
        Voice voice = new Voice(SocketChannel.open(driver));
        meeting.introduce(voice.channel, 0);
        Thread.ofVirtual().start(voice::listen);
        return voice;
    }

    private void listen() {
        try (DataInputStream words = new DataInputStream(Channels.newInputStream(channel))) {
            while (words.read() == STOP) {
                stopped = true;
            }
        } catch (IOException e) {
            // the driver is gone, and Spark ends this process
        }
    }

    boolean isStopped() {
        return stopped;
    }

    PrintStream out() {
        return stream(OUT);
    }

    PrintStream err() {
        return stream(ERR);
    }

    private PrintStream stream(byte kind) {
        return new PrintStream(new OutputStream() {

            @Override
            public void write(int one) throws IOException {
                write(new byte[] {(byte) one}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int from, int length) throws IOException {
                synchronized (sending) {
                    sending.write(kind);
                    sending.writeInt(length);
                    sending.write(bytes, from, length);
                    sending.flush();
                }
            }
        }, true, StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    // ------------------------------------------------------------------------------------------------ the driver's side

    /** Shows what a worker says, until it has no more to say. */
    static void show(SocketChannel worker, PrintStream out, PrintStream err) throws IOException {
        try (DataInputStream words = new DataInputStream(Channels.newInputStream(worker))) {
            while (true) {
                PrintStream shown = words.readByte() == OUT ? out : err;
                shown.write(words.readNBytes(words.readInt()));
                shown.flush();
            }
        } catch (EOFException e) {
            // it has ended
        }
    }

    /** Tells a worker to stop after its step. */
    static void stop(SocketChannel worker) throws IOException {
        OutputStream words = Channels.newOutputStream(worker);
        words.write(STOP);
        words.flush();
    }
}
