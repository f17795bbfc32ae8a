package org.lora4j.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class RegionTest {

    @Test
    void partsOfAFusedMatrixDoNotOverlap() {
        Region q = new Region(100, 100 + 9 * 36 + 12, 36, 12);
        Region k = new Region(112, 112 + 9 * 36 + 12, 36, 12);
        Region v = new Region(124, 124 + 9 * 36 + 12, 36, 12);
        assertThat(q.overlaps(k)).isFalse();
        assertThat(v.overlaps(q)).isFalse();
        assertThat(q.overlaps(new Region(100, 460))).isTrue();
        assertThat(q.overlaps(q)).isTrue();
    }

    @Property
    void whatHasAnElementInCommonOverlaps(
            @ForAll @IntRange(max = 40) int from, @ForAll @IntRange(max = 40) int otherFrom,
            @ForAll @IntRange(min = 1, max = 9) int stride, @ForAll @IntRange(min = 1, max = 9) int otherStride,
            @ForAll @IntRange(min = 1, max = 9) int width, @ForAll @IntRange(min = 1, max = 9) int otherWidth,
            @ForAll @IntRange(min = 1, max = 5) int rows, @ForAll @IntRange(min = 1, max = 5) int otherRows) {
        Region region = region(from, Math.max(stride, width), width, rows);
        Region other = region(otherFrom, Math.max(otherStride, otherWidth), otherWidth, otherRows);
        Set<Integer> common = elements(region);
        common.retainAll(elements(other));
        if (!common.isEmpty()) {
            assertThat(region.overlaps(other)).isTrue();
        }
        assertThat(region.overlaps(other)).isEqualTo(other.overlaps(region));
    }

    private static Region region(int from, int stride, int width, int rows) {
        return new Region(from, from + (rows - 1) * stride + width, stride, width);
    }

    private static Set<Integer> elements(Region region) {
        Set<Integer> elements = new HashSet<>();
        for (int row = region.from(); row < region.to(); row += region.stride()) {
            for (int i = 0; i < region.width(); i++) {
                elements.add(row + i);
            }
        }
        return elements;
    }
}
