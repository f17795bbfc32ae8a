package org.lora4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;

class KeyValuePoolTest {

    private final Backend backend = Backends.create("reference");

    @Test
    void aRowIsFreeAgainWhenTheLastTrailHasReleasedIt() {
        KeyValuePool pool = new KeyValuePool(backend, 1, 5, 2);
        int[] rows = pool.take(3);
        assertThat(rows).containsExactly(0, 1, 2);
        pool.share(rows, 2);
        pool.release(rows, 3);
        assertThat(pool.free()).isEqualTo(3);
        assertThat(pool.take(3)).as("the smallest free ones").containsExactly(2, 3, 4);
        pool.release(rows, 2);
        assertThat(pool.take(2)).containsExactly(0, 1);
    }

    @Test
    void moreThanIsFreeIsRefusedAndNothingIsTaken() {
        KeyValuePool pool = new KeyValuePool(backend, 1, 4, 2);
        pool.take(3);
        assertThatThrownBy(() -> pool.take(2)).isInstanceOf(IllegalStateException.class).hasMessageContaining("1 free");
        assertThat(pool.free()).isEqualTo(1);
        assertThatThrownBy(() -> pool.release(new int[] {3}, 1)).hasMessageContaining("row 3");
        pool.grow(6);
        assertThat(pool.take(3)).containsExactly(3, 4, 5);
    }

    @Test
    void noRowIsEverGivenToTwoTrails() {
        Random random = new Random(4);
        KeyValuePool pool = new KeyValuePool(backend, 1, 8, 2);
        List<int[]> trails = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            if (random.nextBoolean()) {
                int count = 1 + random.nextInt(6);
                if (pool.free() < count) {
                    pool.grow(pool.capacity() + count);
                }
                Set<Integer> named = new HashSet<>();
                trails.forEach(trail -> {
                    for (int row : trail) {
                        named.add(row);
                    }
                });
                int[] rows = pool.take(count);
                for (int row : rows) {
                    assertThat(named).doesNotContain(row);
                }
                trails.add(rows);
            } else if (!trails.isEmpty()) {
                int[] rows = trails.get(random.nextInt(trails.size()));
                if (random.nextInt(3) == 0) {
                    pool.share(rows, rows.length);
                    trails.add(rows);
                } else {
                    trails.remove(rows);
                    pool.release(rows, rows.length);
                }
            }
        }
        trails.forEach(rows -> pool.release(rows, rows.length));
        assertThat(pool.free()).isEqualTo(pool.capacity());
    }
}
