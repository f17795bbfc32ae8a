package org.lora4j.backend.tornado;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Cuts sequences of kernels into pieces that repeat. A graph is compiled for a sequence of kernels, whatever their operands
 * and sizes, so the layers of a model are one piece that runs many times, forward and backward one each.
 */
final class Segments {

    /** A graph's most tasks: more than a Transformer layer's backward. */
    static final int MOST = 32;

    private final Map<List<Kernel>, Integer> indices = new HashMap<>();
    private final Set<Integer> lengths = new LinkedHashSet<>();

    /** @param pieces each piece's index is what {@link #at} gives back */
    Segments(List<List<Kernel>> pieces) {
        for (int i = 0; i < pieces.size(); i++) {
            indices.putIfAbsent(pieces.get(i), i);
            lengths.add(pieces.get(i).size());
        }
    }

    /** The index of the longest known piece that the sequence has at this place, or −1. */
    int at(List<Kernel> sequence, int from) {
        int best = -1;
        int bestLength = 0;
        for (int length : lengths) {
            if (length > bestLength && from + length <= sequence.size()) {
                Integer index = indices.get(sequence.subList(from, from + length));
                if (index != null) {
                    best = index;
                    bestLength = length;
                }
            }
        }
        return best;
    }

    /** How many launches of a sequence would run as pieces of one kernel. */
    int alone(List<Kernel> sequence, List<List<Kernel>> pieces) {
        int count = 0;
        for (int i = 0; i < sequence.size();) {
            int index = at(sequence, i);
            int length = index < 0 ? 1 : pieces.get(index).size();
            count += length == 1 ? 1 : 0;
            i += length;
        }
        return count;
    }

    /**
     * The pieces of two kernels or more that a sequence is best cut into: where some kernels are followed by the same
     * ones again, one round of them; what is left between such repetitions, whole.
     */
    static List<List<Kernel>> of(List<Kernel> sequence) {
        Set<List<Kernel>> pieces = new LinkedHashSet<>();
        int start = 0;
        int at = 0;
        while (at < sequence.size()) {
            int period = periodAt(sequence, at);
            if (period == 0) {
                at++;
                if (at - start == MOST) {
                    addPiece(pieces, sequence, start, at);
                    start = at;
                }
                continue;
            }
            addPiece(pieces, sequence, start, at);
            List<Kernel> round = List.copyOf(sequence.subList(at, at + period));
            if (period > 1) {
                pieces.add(round);
            }
            while (at + period <= sequence.size() && sequence.subList(at, at + period).equals(round)) {
                at += period;
            }
            start = at;
        }
        addPiece(pieces, sequence, start, sequence.size());
        return new ArrayList<>(pieces);
    }

    private static void addPiece(Set<List<Kernel>> pieces, List<Kernel> sequence, int from, int to) {
        if (to - from > 1) {
            pieces.add(List.copyOf(sequence.subList(from, to)));
        }
    }

    /** The length of the shortest round of kernels that stands here twice in a row, or 0. */
    private static int periodAt(List<Kernel> sequence, int at) {
        for (int period = 4; period <= MOST && at + 2 * period <= sequence.size(); period++) {
            if (sequence.subList(at, at + period).equals(sequence.subList(at + period, at + 2 * period))) {
                return period;
            }
        }
        return 0;
    }
}
