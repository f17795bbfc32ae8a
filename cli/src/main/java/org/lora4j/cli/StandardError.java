package org.lora4j.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Gives the process its own standard error back. Java announces an incubating module on standard error and cannot be
 * told not to, so the launcher starts it with a filter there and the true standard error on another descriptor, whose
 * number is in {@code -Dlora4j.stderr}. Without that, or where it does not work, everything goes on through the filter,
 * which passes all other lines.
 */
final class StandardError {

    private static final int STDERR = 2;

    private StandardError() {
    }

    static void restore() {
        Integer saved = Integer.getInteger("lora4j.stderr");
        if (saved == null) {
            return;
        }
        try {
            Linker linker = Linker.nativeLinker();
            MethodHandle dup2 = linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("dup2"),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
            int ignored = (int) dup2.invokeExact((int) saved, STDERR);
        } catch (Throwable unavailable) { // no reason not to go on
            System.err.flush();
        }
    }
}
