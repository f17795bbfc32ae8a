package org.lora4j.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.BooleanSupplier;
import org.lora4j.LoraException;

/** Machines that train together, found by {@link ServiceLoader}. The command line knows none of them by name. */
public interface Cluster {

    /**
     * What is to be done.
     *
     * @param master    of the cluster, as it names its masters
     * @param workers   how many share the micro-batches of a step
     * @param arguments of {@code lora4j train}, without those that name the cluster; files by absolute paths
     * @param shipped   of these files, those that are sent to the workers, who do not see them
     */
    record Work(String master, int workers, List<String> arguments, List<Path> shipped) {
    }

    /**
     * Runs a training command on all workers, of which each is given a part of the micro-batches.
     *
     * @param out gets the results that worker 0 prints
     * @param err gets its remarks and progress
     * @param stop whether the run is to end after its step; asked again and again
     * @return its {@link ExitCode}
     */
    int train(Work work, PrintStream out, PrintStream err, BooleanSupplier stop);

    /**
     * The one that is on the class path.
     *
     * @throws LoraException if there is none
     */
    static Cluster find() {
        return ServiceLoader.load(Cluster.class).findFirst().orElseThrow(() -> new LoraException(
                "--spark: Apache Spark is not on the class path. In a checkout, ./lora4j puts it there by itself; elsewhere submit "
                        + "lora4j-spark's jar with spark-submit, see docs/spark.md"));
    }
}
