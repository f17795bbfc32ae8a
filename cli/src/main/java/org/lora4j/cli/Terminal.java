package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What stands behind the standard streams: terminals, which can redraw a line and show colours, or files and pipes.
 * The launcher knows best and says so with {@code -Dlora4j.tty=12 -Dlora4j.columns=80} (the numbers of the streams
 * that are terminals); started without it, Linux is asked through {@code /proc}.
 *
 * @param out     standard output is a terminal
 * @param err     standard error is a terminal
 * @param columns its width
 * @param colours colours are wanted on standard output: it is a terminal and NO_COLOR is not set
 */
record Terminal(boolean out, boolean err, int columns, boolean colours) {

    /** Files or pipes. */
    static final Terminal NONE = new Terminal(false, false, 80, false);

    static Terminal ofProcess() {
        String launcher = System.getProperty("lora4j.tty");
        boolean out = launcher != null ? launcher.contains("1") : isTerminal(1);
        boolean err = launcher != null ? launcher.contains("2") : isTerminal(2);
        String noColor = System.getenv("NO_COLOR");
        boolean colours = out && (noColor == null || noColor.isEmpty()) && !"dumb".equals(System.getenv("TERM"));
        return new Terminal(out, err, Integer.getInteger("lora4j.columns", 80), colours);
    }

    private static boolean isTerminal(int stream) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + stream)).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | RuntimeException e) {
            return false; // not Linux: plain lines suit any place
        }
    }
}
