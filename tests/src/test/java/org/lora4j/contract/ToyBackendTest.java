package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.Backends;
import org.lora4j.backend.Checks;
import org.lora4j.backend.ForwardingBackend;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Sampling;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.gpt2.RandomGpt2;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/**
 * A backend is added by a class, a provider and a line in a file of services: one whose products are its own, found by its
 * name, held to the contract of products, and running a model.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ToyBackendTest implements Subject {

    private final Backend backend = new ToyBackend();

    @AfterAll
    void close() {
        backend.close();
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public double unitRoundoff() {
        return 0x1p-53;
    }

    @Override
    public double underflow() {
        return Double.MIN_VALUE;
    }

    @Nested
    class Products extends ProductContract {
        Products() {
            super(ToyBackendTest.this);
        }
    }

    @Test
    void itIsFoundByItsNameAndWritesWhatReferenceWrites(@TempDir Path folder) throws Exception {
        Path services = Files.createDirectories(folder.resolve("META-INF/services"));
        Files.writeString(services.resolve(BackendProvider.class.getName()), ToyProvider.class.getName());

        List<int[]> written = withServices(folder, () -> {
            assertThat(Backends.providers()).extracting(BackendProvider::name).contains("toy", "reference");
            try (Backend toy = Backends.create("toy")) {
                assertThat(toy).isInstanceOf(ToyBackend.class);
                return write(toy);
            }
        });

        try (Backend reference = Backends.create("reference")) {
            assertThat(written.getFirst()).hasSize(12).isEqualTo(write(reference).getFirst());
        }
    }

    private static List<int[]> write(Backend backend) {
        Gpt2Config config = Gpt2Config.of(97, 32, 16, 2, 2);
        return new Generator(RandomGpt2.create(config, backend, 5)).generate(
                List.of(new int[] {3, 14, 15, 92}), 12, Set.of(), Sampling.GREEDY, (sequence, id) -> { });
    }

    /** What a program that has another jar on its class path finds. */
    private static <T> T withServices(Path folder, Callable<T> action) throws Exception {
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (URLClassLoader services = new URLClassLoader(new URL[] {folder.toUri().toURL()}, before)) {
            Thread.currentThread().setContextClassLoader(services);
            return action.call();
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }

    /** Adds up products from the last term to the first; all else is the reference's. */
    static final class ToyBackend extends ForwardingBackend {

        ToyBackend() {
            super(Backends.create("reference"));
        }

        @Override
        public String name() {
            return "toy";
        }

        @Override
        public void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta) {
            Checks.matmul(a, b, c);
            double[] left = readDoubles(a.tensor());
            double[] right = readDoubles(b.tensor());
            double[] out = readDoubles(c.tensor());
            for (int i = 0; i < c.rows(); i++) {
                for (int j = 0; j < c.columns(); j++) {
                    double sum = 0;
                    for (int k = a.columns() - 1; k >= 0; k--) {
                        sum += left[at(a, i, k)] * right[at(b, k, j)];
                    }
                    int place = at(c, i, j);
                    out[place] = alpha * sum + (beta == 0 ? 0 : beta * out[place]);
                }
            }
            upload(out, c.tensor());
        }

        @Override
        public void linear(MatrixView x, MatrixView w, @Nullable Tensor bias, MatrixView y) {
            Checks.linear(x, w, bias, y);
            matmul(x, w.t(), y, 1, 0);
            if (bias != null) {
                delegate.addRow(new MatrixView(bias, 0, 1, y.columns(), y.columns(), false), 1, y);
            }
        }

        private static int at(MatrixView view, int row, int column) {
            int i = view.transposed() ? column : row;
            int j = view.transposed() ? row : column;
            return Math.toIntExact(view.offset() + (long) i * view.rowStride() + j);
        }
    }

    /** What the file of services names. */
    public static final class ToyProvider implements BackendProvider {

        @Override
        public String name() {
            return "toy";
        }

        @Override
        public Optional<String> unavailable() {
            return Optional.empty();
        }

        @Override
        public String describe() {
            return "sums from behind";
        }

        @Override
        public Backend create(BackendOptions options) {
            return new ToyBackend();
        }
    }
}
