package org.lora4j.spark;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.train.WorkerGroup;
import org.lora4j.train.WorkerLostException;

/**
 * A {@link WorkerGroup} over sockets, one between each two workers. A sum of gradients of N numbers goes in two rounds:
 *
 * <pre>
 *   scatter    worker k owns the numbers ⌊N·k/R⌋ … ⌊N·(k+1)/R⌋ − 1, and is sent them by all, of each micro-batch
 *   add        it adds them in the order of the micro-batches
 *   gather     and sends the sum to all
 * </pre>
 *
 * With one micro-batch a worker, each sends and receives 2·N·(R − 1)/R numbers a step, whatever R is: no machine is a
 * bottleneck. Which worker adds which numbers changes nothing of the sum.
 *
 * <p>A worker that fails says why before it closes its sockets, so that all others fail for the same reason.
 */
final class SocketGroup implements WorkerGroup, Closeable {

    private final int rank;
    private final Link[] links; // by rank; null at this worker's own
    private final ExecutorService senders = Executors.newVirtualThreadPerTaskExecutor();
    private @Nullable String reason; // why another worker has failed, in its words
    private boolean lost;

    private SocketGroup(int rank, Link[] links) {
        this.rank = rank;
        this.links = links;
    }

    /**
     * Connects this worker with all others: it calls those before it, and is called by those behind.
     *
     * @param meeting   where this one listens
     * @param addresses where each of them listens, by rank
     * @throws IOException if one cannot be reached
     */
    static SocketGroup connect(int rank, Meeting meeting, List<InetSocketAddress> addresses) throws IOException {
        Link[] links = new Link[addresses.size()];
        try {
            for (int other = 0; other < rank; other++) {
                SocketChannel channel = SocketChannel.open(addresses.get(other));
                links[other] = new Link(channel);
                meeting.introduce(channel, rank);
            }
            for (int missing = addresses.size() - 1 - rank; missing > 0; missing--) {
                Meeting.Guest guest = meeting.welcome(rank, addresses.size());
                links[guest.rank()] = new Link(guest.channel());
            }
            for (Link link : links) {
                if (link != null) {
                    link.channel().setOption(StandardSocketOptions.TCP_NODELAY, true);
                    link.channel().setOption(StandardSocketOptions.SO_KEEPALIVE, true);
                }
            }
            return new SocketGroup(rank, links);
        } catch (IOException e) {
            for (Link link : links) {
                if (link != null) {
                    link.channel().close();
                }
            }
            throw e;
        }
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return links.length;
    }

    /** Whether another worker is gone or has failed. */
    boolean isLost() {
        return lost;
    }

    /** Why another worker has failed, as it said; null where none has said anything. */
    @Nullable String reason() {
        return reason;
    }

    @Override
    public Sum sum(Contribution own) {
        int from = start(own.length(), rank);
        int to = start(own.length(), rank + 1);

        List<Future<?>> sent = toAll((link, k) -> link.sendPart(own, start(own.length(), k), start(own.length(), k + 1)));
        double[] slice = null;
        double loss = 0;
        boolean stop = false;
        for (int k = 0; k < size(); k++) {
            int batches = start(own.batches(), k + 1) - start(own.batches(), k);
            Link.Part part = k == rank ? Link.Part.of(own, from, to) : receive(k, link -> link.receivePart(batches, to - from, own.single()));
            stop |= part.stop();
            for (int i = 0; i < part.losses().length; i++) {
                loss += part.losses()[i];
                slice = slice == null ? part.numbers()[i] : added(slice, part.numbers()[i], own.single());
            }
        }
        finish(sent);

        double[] mine = slice;
        double[] all = new double[own.length()];
        System.arraycopy(mine, 0, all, from, mine.length);
        sent = toAll((link, k) -> link.sendNumbers(mine, own.single()));
        for (int k = 0; k < size(); k++) {
            if (k != rank) {
                int at = start(own.length(), k);
                int length = start(own.length(), k + 1) - at;
                double[] numbers = receive(k, link -> link.receiveNumbers(length, own.single()));
                System.arraycopy(numbers, 0, all, at, length);
            }
        }
        finish(sent);
        return new Sum(loss, all, stop);
    }

    /** The first of a worker's share of so many things. */
    private int start(int count, int worker) {
        return (int) ((long) count * worker / size());
    }

    /** s ← round(s + g). */
    private static double[] added(double[] sum, double[] numbers, boolean single) {
        for (int i = 0; i < sum.length; i++) {
            double both = sum[i] + numbers[i];
            sum[i] = single ? (float) both : both;
        }
        return sum;
    }

    @Override
    public void agree(String what, String value) {
        List<Future<?>> sent = toAll((link, k) -> link.sendText(Link.AGREE, value));
        for (int k = 0; k < size(); k++) {
            if (k != rank) {
                String theirs = receive(k, link -> link.receiveText(Link.AGREE));
                if (!theirs.equals(value)) {
                    throw new LoraException("workers " + Math.min(k, rank) + " and " + Math.max(k, rank) + " differ in " + what + ": "
                            + difference(k < rank ? theirs : value, k < rank ? value : theirs)
                            + ". They need the same files, and processors of one kind");
                }
            }
        }
        finish(sent);
    }

    /** Where two texts begin to differ. */
    private static String difference(String first, String second) {
        int at = Arrays.mismatch(first.toCharArray(), second.toCharArray());
        int from = Math.max(0, at - 40);
        return "\"…" + first.substring(from, Math.min(first.length(), at + 40)) + "…\" and \"…"
                + second.substring(from, Math.min(second.length(), at + 40)) + "…\"";
    }

    /** Tells all others why this worker fails, and leaves. */
    void fail(String why) {
        for (Link link : links) {
            if (link != null) {
                link.sayGoodbye(why);
            }
        }
        close();
    }

    @Override
    public void close() {
        for (Link link : links) {
            if (link != null) {
                link.close();
            }
        }
        senders.shutdownNow();
    }

    // ------------------------------------------------------------------------------------------------ all links

    @FunctionalInterface
    private interface Sending {
        void send(Link link, int worker) throws IOException;
    }

    @FunctionalInterface
    private interface Receiving<T> {
        T receive(Link link) throws IOException;
    }

    private List<Future<?>> toAll(Sending sending) {
        List<Future<?>> sent = new ArrayList<>();
        for (int k = 0; k < size(); k++) {
            int worker = k;
            if (k != rank) {
                sent.add(senders.submit(() -> {
                    sending.send(links[worker], worker);
                    return null;
                }));
            }
        }
        return sent;
    }

    private <T> T receive(int worker, Receiving<T> receiving) {
        try {
            return receiving.receive(links[worker]);
        } catch (Link.Failed failed) {
            lost = true;
            reason = failed.getMessage();
            throw new WorkerLostException("worker " + worker + " has failed: " + reason);
        } catch (IOException e) {
            throw gone(worker, e);
        }
    }

    private void finish(List<Future<?>> sent) {
        for (int i = 0; i < sent.size(); i++) {
            try {
                sent.get(i).get();
            } catch (ExecutionException e) {
                throw gone(i < rank ? i : i + 1, e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw gone(i < rank ? i : i + 1, e);
            }
        }
    }

    private WorkerLostException gone(int worker, Throwable e) {
        lost = true;
        return new WorkerLostException(e instanceof ClosedByInterruptException || e instanceof InterruptedException
                ? "this worker was told to end" : "worker " + worker + " is gone: " + e);
    }
}
