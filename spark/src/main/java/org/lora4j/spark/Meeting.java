package org.lora4j.spark;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * Where a worker waits for the others. Whoever calls says the run's secret first, which the driver drew and Spark brought to
 * its executors alone; a stranger who does not know it is sent away.
 */
final class Meeting implements Closeable {

    /** Bytes of a secret. */
    static final int SECRET = 32;

    private final ServerSocketChannel server;
    private final byte[] secret;

    /** Someone who called. */
    record Guest(int rank, SocketChannel channel) {
    }

    private Meeting(ServerSocketChannel server, byte[] secret) {
        this.server = server;
        this.secret = secret;
    }

    /** @param host of this machine, by which the others reach it */
    static Meeting on(String host, byte[] secret) throws IOException {
        return new Meeting(ServerSocketChannel.open().bind(new InetSocketAddress(host, 0)), secret);
    }

    int port() throws IOException {
        return ((InetSocketAddress) server.getLocalAddress()).getPort();
    }

    /** Says who calls. */
    void introduce(SocketChannel channel, int rank) throws IOException {
        ByteBuffer words = ByteBuffer.allocate(SECRET + Integer.BYTES).put(secret).putInt(rank).flip();
        while (words.hasRemaining()) {
            channel.write(words);
        }
    }

    /** The next caller who knows the secret. */
    Guest welcome(int host, int size) throws IOException {
        while (true) {
            SocketChannel channel = server.accept();
            ByteBuffer words = ByteBuffer.allocate(SECRET + Integer.BYTES);
            try {
                while (words.hasRemaining()) {
                    if (channel.read(words) < 0) {
                        throw new EOFException();
                    }
                }
                int rank = words.flip().getInt(SECRET);
                if (MessageDigest.isEqual(Arrays.copyOf(words.array(), SECRET), secret) && rank > host && rank < size) {
                    return new Guest(rank, channel);
                }
            } catch (EOFException e) {
                // a stranger who said nothing
            }
            channel.close();
        }
    }

    boolean isOpen() {
        return server.isOpen();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
