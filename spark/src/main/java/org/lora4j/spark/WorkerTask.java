package org.lora4j.spark;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.lora4j.LoraException;
import org.lora4j.cli.Main;
import org.lora4j.cli.Membership;
import org.lora4j.io.FolderLock;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/**
 * One worker of a training run: a task of a barrier stage, so that all of them run at the same time or none.
 *
 * <p>A failure that would come again (wrong options, a file that is broken, a run that diverges) is the task's result, and is
 * told to the other workers. A worker that is gone is an exception: the driver then begins the stage again, and the run goes on
 * from its last checkpoint.
 */
final class WorkerTask extends AbstractFunction1<Iterator<Object>, Iterator<Integer>> implements Serializable {

    private static final long serialVersionUID = 1L;

    /** What a worker ends with that has lost another. */
    static final String GONE = "lora4j has lost a worker";

    private static final int SECONDS_FOR_LAST_STEP = 300;

    private final List<String> arguments; // of lora4j, with the command's name
    private final Shipment shipment;
    private final String driver; // where the driver listens
    private final int port;
    private final byte[] secret;

    WorkerTask(List<String> arguments, Shipment shipment, InetSocketAddress driver, byte[] secret) {
        this.arguments = List.copyOf(arguments);
        this.shipment = shipment;
        this.driver = driver.getHostString();
        port = driver.getPort();
        this.secret = secret.clone();
    }

    @Override
    public Iterator<Integer> apply(Iterator<Object> ranks) {
        try {
            return CollectionConverters.asScala(List.of(run()).iterator());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private int run() throws IOException {
        BarrierTaskContext context = BarrierTaskContext.get();
        int rank = context.partitionId();
        String host = SparkEnv.get().blockManager().blockManagerId().host();
        try (Meeting meeting = Meeting.on(host, secret)) {
            List<InetSocketAddress> addresses = new ArrayList<>();
            for (String address : context.allGather(host + " " + meeting.port())) {
                String[] words = address.split(" ");
                addresses.add(new InetSocketAddress(words[0], Integer.parseInt(words[1])));
            }
            try (SocketGroup group = SocketGroup.connect(rank, meeting, addresses)) {
                return rank == 0 ? lead(group, meeting, context.cpus()) : follow(group, host, context.cpus());
            }
        }
    }

    /** Worker 0's words and results go to the driver, who shows them and says when to stop. */
    private int lead(SocketGroup group, Meeting meeting, int cpus) throws IOException {
        try (Voice voice = Voice.callDriver(new InetSocketAddress(driver, port), meeting)) {
            awaitFolder();
            int code = run(group, voice.out(), voice.err(), new Membership(group, voice::isStopped), cpus);
            return end(group, code, "worker 0 has failed");
        }
    }

    /** Of a stage that has failed, worker 0 may still be in the middle of a step. */
    private void awaitFolder() {
        Path out = arguments.stream().filter(word -> word.startsWith("--out=")).map(word -> Path.of(word.substring("--out=".length())))
                .findFirst().orElseThrow();
        for (int waited = 0; waited < SECONDS_FOR_LAST_STEP && Files.isDirectory(out); waited++) {
            try {
                FolderLock.take(out).close();
                return;
            } catch (LoraException taken) {
                try {
                    Thread.sleep(1000);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    private int follow(SocketGroup group, String host, int cpus) throws IOException {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        PrintStream err = new PrintStream(said, true, StandardCharsets.UTF_8);
        int code = run(group, new PrintStream(OutputStream.nullOutputStream()), err, new Membership(group, () -> false), cpus);
        String error = lastLine(said.toString(StandardCharsets.UTF_8));
        return end(group, code, "on " + host + ": " + error);
    }

    private int run(SocketGroup group, PrintStream out, PrintStream err, Membership membership, int cpus) throws IOException {
        List<String> words = new ArrayList<>(shipment.unpack(arguments));
        if (words.stream().noneMatch(word -> word.startsWith("--threads"))) {
            words.add("--threads=" + cpus);
        }
        return Main.run(out, err, membership, words.toArray(String[]::new));
    }

    /**
     * Tells the others of a failure of this worker's own.
     *
     * @return the command's exit code
     * @throws IOException if the run can be tried again: another worker is gone without a word
     */
    private static int end(SocketGroup group, int code, String failure) throws IOException {
        if (code != 0 && !group.isLost()) {
            group.fail(failure);
        } else if (code != 0 && group.reason() == null) {
            throw new IOException(GONE);
        }
        return code;
    }

    /** What an error says stands last. */
    static String lastLine(String text) {
        return Arrays.stream(text.split("\\R")).filter(line -> !line.isBlank()).reduce((first, second) -> second).orElse("no word");
    }
}
