package org.lora4j.select;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * A piece of a regular expression, as {@link RegexParser} made it. It matches from one place of the text on and asks what comes
 * after it to match the rest; where that fails it tries its next way, in the order in which Python's {@code re} does.
 *
 * <p>Every way that is tried is a step, and steps are counted: an expression from a file may be made to take forever, also
 * without looking at a single character, as {@code ((.*)*)*x} does.
 */
sealed interface RegexNode {

    /** @return whether this matches at {@code at} and {@code next} matches what follows */
    boolean match(Run run, int at, Next next);

    /** What has to match after a node. */
    @FunctionalInterface
    interface Next {
        boolean from(int at);
    }

    /** One attempt: the text as code points, what the groups hold, and the steps that are left. */
    final class Run {

        final int[] text;
        final int[] starts;
        final int[] ends;
        private long stepsLeft;

        Run(int[] text, int groups, long mostSteps) {
            this.text = text;
            this.starts = new int[groups + 1];
            this.ends = new int[groups + 1];
            this.stepsLeft = mostSteps;
            Arrays.fill(starts, -1);
            Arrays.fill(ends, -1);
        }

        void step() {
            if (--stepsLeft < 0) {
                throw new TooManySteps();
            }
        }

        boolean isSet(int group) {
            return ends[group] >= 0;
        }
    }

    /** The steps are used up. */
    final class TooManySteps extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TooManySteps() {
            super(null, null, false, false);
        }
    }

    /** One character of a set. */
    record One(IntPredicate set) implements RegexNode {
        @Override
        public boolean match(Run run, int at, Next next) {
            run.step();
            return at < run.text.length && set.test(run.text[at]) && next.from(at + 1);
        }
    }

    /** One after the other; none of them is the empty text. */
    record Sequence(List<RegexNode> nodes) implements RegexNode {
        @Override
        public boolean match(Run run, int at, Next next) {
            return from(0, run, at, next);
        }

        private boolean from(int index, Run run, int at, Next next) {
            run.step();
            return index == nodes.size() ? next.from(at)
                    : nodes.get(index).match(run, at, after -> from(index + 1, run, after, next));
        }
    }

    /** The first that matches, and what follows with it. */
    record Either(List<RegexNode> nodes) implements RegexNode {
        @Override
        public boolean match(Run run, int at, Next next) {
            for (RegexNode node : nodes) {
                run.step();
                if (node.match(run, at, next)) {
                    return true;
                }
            }
            return false;
        }
    }

    /** What it matches can be asked for. */
    record Group(int number, RegexNode node) implements RegexNode {
        @Override
        public boolean match(Run run, int at, Next next) {
            int start = run.starts[number];
            int end = run.ends[number];
            boolean matched = node.match(run, at, after -> {
                int innerStart = run.starts[number];
                int innerEnd = run.ends[number];
                run.starts[number] = at;
                run.ends[number] = after;
                if (next.from(after)) {
                    return true;
                }
                run.starts[number] = innerStart;
                run.ends[number] = innerEnd;
                return false;
            });
            if (!matched) {
                run.starts[number] = start;
                run.ends[number] = end;
            }
            return matched;
        }
    }

    /**
     * The text of a group once more; nothing where the group has matched nothing yet.
     *
     * @param width how many characters the group matches, −1 where it varies
     */
    record Again(int group, boolean anyCase, int width) implements RegexNode {
        @Override
        public boolean match(Run run, int at, Next next) {
            run.step();
            if (!run.isSet(group)) {
                return false;
            }
            int length = run.ends[group] - run.starts[group];
            if (at + length > run.text.length) {
                return false;
            }
            for (int i = 0; i < length; i++) {
                run.step();
                int a = run.text[run.starts[group] + i];
                int b = run.text[at + i];
                if (a != b && !(anyCase && RegexScanner.folded(a) == RegexScanner.folded(b))) {
                    return false;
                }
            }
            return next.from(at + length);
        }
    }

    /** How often at least and at most, and whether as often or as seldom as possible comes first. */
    record Repeat(RegexNode node, int least, int most, boolean lazy) implements RegexNode {
        @Override
        public boolean match(Run run, int at, Next next) {
            return node instanceof One(IntPredicate set) ? ofOne(set, run, at, next) : rest(0, run, at, -1, next);
        }

        /** Single characters need no memory of how they were matched. */
        private boolean ofOne(IntPredicate set, Run run, int at, Next next) {
            int available = run.text.length - at;
            int possible = 0;
            int wanted = Math.min(lazy ? least : most, available);
            while (possible < wanted && set.test(run.text[at + possible])) {
                run.step();
                possible++;
            }
            if (possible < least) {
                return false;
            }
            if (!lazy) {
                for (int count = possible; count >= least; count--) {
                    run.step();
                    if (next.from(at + count)) {
                        return true;
                    }
                }
                return false;
            }
            for (int count = possible; ; count++) {
                run.step();
                if (next.from(at + count)) {
                    return true;
                }
                if (count >= most || count >= available || !set.test(run.text[at + count])) {
                    return false;
                }
            }
        }

        private boolean rest(int count, Run run, int at, int before, Next next) {
            run.step();
            // a round that matched nothing is the last, or there would be no end of them
            boolean more = count < least || count < most && at != before;
            Next round = after -> rest(count + 1, run, after, at, next);
            if (lazy) {
                return count >= least && next.from(at) || more && node.match(run, at, round);
            }
            return more && node.match(run, at, round) || count >= least && next.from(at);
        }
    }

    /** The first way in which the node matches, and no other: {@code (?>…)}, {@code a*+}. */
    record Atomic(RegexNode node) implements RegexNode {
        @Override
        public boolean match(Run run, int at, Next next) {
            int[] starts = run.starts.clone();
            int[] ends = run.ends.clone();
            int[] found = {-1};
            boolean matched = node.match(run, at, after -> {
                found[0] = after;
                return true;
            });
            if (matched && next.from(found[0])) {
                return true;
            }
            System.arraycopy(starts, 0, run.starts, 0, starts.length);
            System.arraycopy(ends, 0, run.ends, 0, ends.length);
            return false;
        }
    }

    /** Whether the node matches here, or right before here, without being passed. */
    record Look(RegexNode node, int behind, boolean negative) implements RegexNode {
        @Override
        public boolean match(Run run, int at, Next next) {
            run.step();
            int[] starts = run.starts.clone();
            int[] ends = run.ends.clone();
            int from = at - behind;
            boolean matched = from >= 0 && node.match(run, from, after -> behind == 0 || after == at);
            if (matched != negative && next.from(at)) {
                return true;
            }
            System.arraycopy(starts, 0, run.starts, 0, starts.length);
            System.arraycopy(ends, 0, run.ends, 0, ends.length);
            return false;
        }
    }

    /** One thing where a group has matched, another where it has not. */
    record IfGroup(int group, RegexNode yes, RegexNode no) implements RegexNode {
        @Override
        public boolean match(Run run, int at, Next next) {
            run.step();
            return (run.isSet(group) ? yes : no).match(run, at, next);
        }
    }

    /** A place between two characters. */
    record Anchor(Place place) implements RegexNode {
        @Override
        public boolean match(Run run, int at, Next next) {
            run.step();
            return place.isAt(run.text, at) && next.from(at);
        }

        /** Which places count. */
        @FunctionalInterface
        interface Place {
            boolean isAt(int[] text, int at);
        }
    }
}
