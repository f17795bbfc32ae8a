package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Once compiled, a kernel allocates no more than its task objects. A kernel that grows past what the compiler inlines
 * gives the right numbers still, but puts every vector on the heap and is five times slower: this is where it shows.
 */
@EnabledIfSystemProperty(named = "lora4j.test.warm", matches = "true",
        disabledReason = "what the compiler inlines differs from run to run; ask for it by -Dlora4j.test.warm=true")
class WarmKernelsTest {

    private static final long TASK_OBJECTS = 2048;
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    static List<KernelCalls.Call> kernels() {
        return KernelCalls.all();
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void allocatesNoVectors(KernelCalls.Call call) {
        ThreadMXBean thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allowed = call.own() + TASK_OBJECTS;
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        long allocated;
        do {
            for (int i = 0; i < 200; i++) {
                call.code().run();
            }
            long before = thread.getCurrentThreadAllocatedBytes();
            call.code().run();
            allocated = thread.getCurrentThreadAllocatedBytes() - before;
        } while (allocated > allowed && System.nanoTime() < deadline);
        assertThat(allocated).as("bytes allocated by a warm call of %s", call).isLessThanOrEqualTo(allowed);
    }
}
