package org.lora4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;
import org.lora4j.train.WorkerGroup.Contribution;
import org.lora4j.train.WorkerGroup.Partial;
import org.lora4j.train.WorkerGroup.Sum;
import org.lora4j.train.WorkerLostException;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class SocketGroupTest {

    private static final byte[] SECRET = new byte[Meeting.SECRET];

    @FunctionalInterface
    private interface Work<T> {
        T of(SocketGroup group) throws Exception;
    }

    /** Runs the same on so many workers, each in a thread of its own. */
    private static <T> List<Future<T>> run(int workers, Work<T> work) throws Exception {
        List<Meeting> meetings = new ArrayList<>();
        List<InetSocketAddress> addresses = new ArrayList<>();
        for (int rank = 0; rank < workers; rank++) {
            meetings.add(Meeting.on("127.0.0.1", SECRET));
            addresses.add(new InetSocketAddress("127.0.0.1", meetings.getLast().port()));
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(workers)) {
            List<Callable<T>> tasks = new ArrayList<>();
            for (int rank = 0; rank < workers; rank++) {
                int own = rank;
                tasks.add(() -> {
                    try (Meeting meeting = meetings.get(own); SocketGroup group = SocketGroup.connect(own, meeting, addresses)) {
                        return work.of(group);
                    }
                });
            }
            return threads.invokeAll(tasks);
        }
    }

    private static double[] gradient(int batch, int length, boolean single) {
        Random random = new Random(batch);
        double[] gradient = new double[length];
        for (int i = 0; i < length; i++) {
            gradient[i] = single ? (float) random.nextGaussian() * (float) Math.pow(10, random.nextInt(8)) : random.nextGaussian();
        }
        return gradient;
    }

    private static Contribution contribution(SocketGroup group, int batches, int length, boolean single, boolean stop) {
        List<Partial> partials = new ArrayList<>();
        for (int batch = group.first(batches); batch < group.end(batches); batch++) {
            partials.add(new Partial(1.0 / (batch + 1), gradient(batch, length, single)));
        }
        return new Contribution(partials, batches, length, single, stop);
    }

    @ParameterizedTest
    @CsvSource({"2, 2, 1001, true", "2, 5, 1001, true", "3, 7, 100003, true", "4, 4, 1001, false", "4, 3, 1001, true", "5, 8, 3, true"})
    void theSumIsThatOfOneMachineBitForBit(int workers, int batches, int length, boolean single) throws Exception {
        double[] expected = gradient(0, length, single);
        double loss = 1;
        for (int batch = 1; batch < batches; batch++) {
            double[] next = gradient(batch, length, single);
            for (int i = 0; i < length; i++) {
                expected[i] = single ? (float) expected[i] + (float) next[i] : expected[i] + next[i];
            }
            loss += 1.0 / (batch + 1);
        }
        for (Future<Sum> sum : run(workers, group -> group.sum(contribution(group, batches, length, single, false)))) {
            assertThat(sum.get().gradient()).isEqualTo(expected);
            assertThat(sum.get().loss()).isEqualTo(loss);
            assertThat(sum.get().stop()).isFalse();
        }
    }

    @Test
    void oneWorkerThatIsAskedToStopStopsAll() throws Exception {
        for (Future<Sum> sum : run(3, group -> group.sum(contribution(group, 3, 5, true, group.rank() == 1)))) {
            assertThat(sum.get().stop()).isTrue();
        }
    }

    @Test
    void workersThatDifferAreToldInWhat() throws Exception {
        for (Future<?> worker : run(2, group -> {
            group.agree("the data", "the same");
            group.agree("the values after step 7", "0x1.8p" + group.rank());
            return null;
        })) {
            assertThatThrownBy(worker::get).cause().isInstanceOf(LoraException.class).hasMessageContaining("the values after step 7")
                    .hasMessageContaining("workers 0 and 1");
        }
    }

    @Test
    void aWorkerThatFailsSaysWhyToTheOthers() throws Exception {
        List<Future<Sum>> workers = run(3, group -> {
            group.agree("the beginning", "");
            if (group.rank() == 1) {
                group.fail("the disk is full");
                return null;
            }
            return group.sum(contribution(group, 3, 200_000, true, false));
        });
        for (int rank : new int[] {0, 2}) {
            assertThatThrownBy(workers.get(rank)::get).isInstanceOf(ExecutionException.class).cause()
                    .isInstanceOf(WorkerLostException.class).hasMessageContaining("worker");
        }
        assertThat(workers).anySatisfy(worker -> assertThatThrownBy(worker::get).cause().hasMessageContaining("the disk is full"));
    }

    @Test
    void aWorkerThatIsGoneIsNoticed() throws Exception {
        List<Future<Boolean>> workers = run(2, group -> {
            group.agree("the beginning", "");
            if (group.rank() == 1) {
                return true; // its sockets are closed without a word
            }
            assertThatThrownBy(() -> group.sum(contribution(group, 2, 10, true, false))).isInstanceOf(WorkerLostException.class);
            return group.isLost() && group.reason() == null;
        });
        assertThat(workers.getFirst().get()).isTrue();
    }

    @Test
    void aStrangerIsSentAway() throws Exception {
        try (Meeting meeting = Meeting.on("127.0.0.1", SECRET);
                SocketChannel stranger = SocketChannel.open(new InetSocketAddress("127.0.0.1", meeting.port()));
                SocketChannel friend = SocketChannel.open(new InetSocketAddress("127.0.0.1", meeting.port()))) {
            byte[] guess = SECRET.clone();
            guess[5] ^= 1;
            stranger.write(ByteBuffer.allocate(Meeting.SECRET + 4).put(guess).putInt(1).flip());
            meeting.introduce(friend, 2);
            assertThat(meeting.welcome(0, 3).rank()).isEqualTo(2);
            assertThat(stranger.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
    }
}
