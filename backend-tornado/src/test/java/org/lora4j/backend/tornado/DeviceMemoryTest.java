package org.lora4j.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.lora4j.LoraException;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

class DeviceMemoryTest {

    @Test
    void stretchesDoNotOverlapAndBeginAtMultiplesOf32() {
        DeviceMemory memory = new DeviceMemory();
        Block first = memory.allocate(33).block();
        Block second = memory.allocate(1).block();
        Block third = memory.allocate(32).block();
        assertThat(first.offset()).isZero();
        assertThat(second.offset()).isEqualTo(64);
        assertThat(third.offset()).isEqualTo(96);
        assertThat(memory.used()).isEqualTo(128);
    }

    @Test
    void growingKeepsWhatIsThere() {
        DeviceMemory memory = new DeviceMemory();
        memory.allocate(100);
        memory.values()[99] = 5;
        long large = 3L << 20;
        assertThat(memory.mustGrowFor(large)).isTrue();
        memory.growFor(large);
        assertThat(memory.mustGrowFor(large)).isFalse();
        assertThat(memory.values()[99]).isEqualTo(5);
    }

    @Test
    void moreThanOneArrayHoldsIsRefusedWithTheNumbers() {
        DeviceMemory memory = new DeviceMemory();
        memory.allocate(1000);
        assertThatThrownBy(() -> memory.growFor(Integer.MAX_VALUE - 100L)).isInstanceOf(LoraException.class)
                .hasMessageContainingAll("8.6 GB", "`backend` cpu");
    }

    @Test
    void aTensorThatNobodyHoldsGivesItsPlaceToTheNextWhichIsZero() throws InterruptedException {
        try (TornadoBackend backend = TornadoProvider.inPlainJava(true)) {
            int before = usedAfter(backend, 1);
            for (int i = 0; i < 50 && backend.machine().memory().used() <= before; i++) {
                backend.fill(backend.allocate(Shape.of(1000)), 7);
                System.gc();
                Thread.sleep(5);
                Tensor next = backend.allocate(Shape.of(1000));
                assertThat(backend.readFloats(next)).containsOnly(0);
            }
            // fifty rounds of two tensors, in the place of a few
            assertThat(backend.machine().memory().used()).isLessThan(before + 20 * 1024);
        }
    }

    private static int usedAfter(TornadoBackend backend, int tensors) {
        for (int i = 0; i < tensors; i++) {
            backend.allocate(Shape.of(1000));
        }
        return backend.machine().memory().used();
    }
}
