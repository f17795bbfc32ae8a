package org.lora4j.family;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tensor.Buffer;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * How many numbers a LoRA step holds: the very step is taken, on a backend that counts what is allocated and computes
 * nothing. So it is exact, whatever the model does, and takes milliseconds.
 *
 * @param weights   of the frozen base
 * @param adapter   A and B, their gradients and two moments
 * @param workspace activations and scratch of the largest batch
 */
public record MemoryNeed(long weights, long adapter, long workspace) {

    /**
     * Of q and v, as the paper trains its language models.
     *
     * @param batch  sequences of a step
     * @param length their tokens
     * @param rank   r
     * @throws LoraException if a tensor of the step would have more rows than can be counted
     */
    public static MemoryNeed ofStep(ModelConfig config, int batch, int length, int rank) {
        try {
            return count(config, batch, length, rank);
        } catch (ArithmeticException e) { // Math.…Exact: beyond 2^31 rows or 2^63 numbers
            throw new LoraException("a step of " + batch + " × " + length + " tokens on a model " + config.sizes().width()
                    + " wide with " + config.sizes().vocabulary() + " tokens has more numbers than a tensor can hold: it runs "
                    + "nowhere", e);
        }
    }

    private static MemoryNeed count(ModelConfig config, int batch, int length, int rank) {
        Counter counter = new Counter();
        Backend backend = counter.backend();
        LanguageModel model = Families.of(config.names()).empty(config, backend);
        long weights = counter.taken();
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(rank, rank).withParts("q", "v"), 0);
        AdamW adamW = new AdamW(backend, adapter.trainable(), AdamW.Settings.AUTHORS);
        long trained = counter.taken();
        int tokens = Math.multiplyExact(batch, length);
        int[] ids = new int[tokens];
        model.lossAndGradients(new Batch(batch, length, ids, null, ids), 1, 0, 0, Workspace.forTraining(backend, tokens, 0));
        adamW.step(1);
        return new MemoryNeed(weights, trained, counter.taken());
    }

    /** All of it. */
    public long numbers() {
        return weights + adapter + workspace;
    }

    /** Answers for a backend. */
    private static final class Counter implements InvocationHandler {

        private record Nothing(long capacity) implements Buffer {
        }

        private long count;

        Backend backend() {
            return (Backend) Proxy.newProxyInstance(Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, this);
        }

        /** What was allocated since this was last asked. */
        long taken() {
            long taken = count;
            count = 0;
            return taken;
        }

        @Override
        public Object invoke(Object proxy, Method method, Object[] args) throws Throwable {
            return switch (method.getName()) {
                case "allocate" -> {
                    count += ((Shape) args[0]).size();
                    yield new Tensor((Shape) args[0], new Nothing(((Shape) args[0]).size()));
                }
                case "allocateInts" -> new IntTensor((Shape) args[0], new Nothing(((Shape) args[0]).size()));
                case "name", "describe", "toString" -> "a counter";
                case "sum", "sumOfSquares" -> 0.0;
                case "allocations" -> 0L;
                case "upload", "read", "freeze" -> null;
                default -> method.isDefault() ? InvocationHandler.invokeDefault(proxy, method, args) : null;
            };
        }
    }
}
