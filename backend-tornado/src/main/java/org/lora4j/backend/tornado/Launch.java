package org.lora4j.backend.tornado;

import java.util.Arrays;

/**
 * One run of a kernel: the numbers it is run with. By the kernels' convention args[0] is the number of work items of the
 * plain form.
 *
 * @param args     offsets and sizes, at most {@value #ARGS}
 * @param factors  real numbers, at most {@value #FACTORS}
 * @param lists    what the launch reads of whole numbers; never modified
 * @param lengths  how many numbers of each list it reads
 * @param listArgs for each list, the element of args that is to hold its offset in the tables
 */
record Launch(Kernel kernel, int[] args, float[] factors, int[][] lists, int[] lengths, int[] listArgs) {

    /** Room for one launch's args: launch i of a graph has its own from element i·{@value} on. */
    static final int ARGS = 64;
    /** Room for one launch's factors. */
    static final int FACTORS = ARGS / 8;

    private static final int[][] NO_LISTS = {};
    private static final int[] NO_NUMBERS = {};

    Launch {
        if (args.length > ARGS || factors.length > FACTORS) {
            throw new IllegalArgumentException(kernel + " has " + args.length + " args and " + factors.length + " factors");
        }
    }

    static Launch of(Kernel kernel, int[] args, double... factors) {
        return new Launch(kernel, args, floats(factors), NO_LISTS, NO_NUMBERS, NO_NUMBERS);
    }

    /** The same with one list more, whose offset goes into {@code args[arg]}. */
    Launch with(int arg, int[] list, int length) {
        int count = lists.length;
        int[][] moreLists = Arrays.copyOf(lists, count + 1);
        int[] moreLengths = Arrays.copyOf(lengths, count + 1);
        int[] moreArgs = Arrays.copyOf(listArgs, count + 1);
        moreLists[count] = list;
        moreLengths[count] = length;
        moreArgs[count] = arg;
        return new Launch(kernel, args, factors, moreLists, moreLengths, moreArgs);
    }

    Launch with(int arg, int[] list) {
        return with(arg, list, list.length);
    }

    /** The same numbers for another form of the kernel. */
    Launch as(Kernel form) {
        return form == kernel ? this : new Launch(form, args, factors, lists, lengths, listArgs);
    }

    /** Work items of the plain form. */
    int workItems() {
        return args[0];
    }

    static float[] floats(double... numbers) {
        float[] floats = new float[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            floats[i] = (float) numbers[i];
        }
        return floats;
    }
}
