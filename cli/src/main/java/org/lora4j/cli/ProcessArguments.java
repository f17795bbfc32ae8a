package org.lora4j.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.lora4j.Names;

/**
 * Whether the command line arrived as it was typed. Java decodes it by the locale, and puts U+FFFD where a byte has no
 * meaning there; taken for text, that would give other results than were asked for, without a word.
 */
final class ProcessArguments {

    private static final char REPLACEMENT = '\uFFFD';

    private ProcessArguments() {
    }

    /** What to say of the first argument that did not arrive; null where all did. */
    static String broken(String... args) {
        return broken(args, "/proc/self/cmdline");
    }

    /** @param commandLine a file with the arguments as bytes, each ended by a zero; need not be there */
    static String broken(String[] args, String commandLine) {
        if (Arrays.stream(args).noneMatch(arg -> arg.indexOf(REPLACEMENT) >= 0)) {
            return null;
        }
        List<byte[]> raw = raw(commandLine);
        for (int i = 0; i < args.length; i++) {
            int at = raw.size() - args.length + i;
            // the character itself may have been typed
            boolean arrived = args[i].indexOf(REPLACEMENT) < 0
                    || at >= 0 && Arrays.equals(args[i].getBytes(StandardCharsets.UTF_8), raw.get(at));
            if (!arrived) {
                return "argument " + (i + 1) + ", " + Names.quoted(args[i]) + ", has bytes that mean nothing in this locale ("
                        + System.getProperty("sun.jnu.encoding") + "), and would be read wrongly. Give it as UTF-8 and choose a "
                        + "UTF-8 locale that is installed, LC_ALL=C.UTF-8 (locale -a lists them)";
            }
        }
        return null;
    }

    private static List<byte[]> raw(String commandLine) {
        List<byte[]> arguments = new ArrayList<>();
        try {
            byte[] bytes = Files.readAllBytes(Path.of(commandLine));
            int from = 0;
            for (int i = 0; i < bytes.length; i++) {
                if (bytes[i] == 0) {
                    arguments.add(Arrays.copyOfRange(bytes, from, i));
                    from = i + 1;
                }
            }
        } catch (IOException e) {
            return List.of(); // not Linux
        }
        return arguments;
    }
}
