package org.lora4j.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** The process's standard output, which remembers why writing failed: a {@link PrintStream} only says that it did. */
final class StandardOutput extends PrintStream {

    private final Remembering remembering;

    /** With the encoding that Java was started with. */
    static StandardOutput ofProcess() {
        return new StandardOutput(new FileOutputStream(FileDescriptor.out), System.out.charset());
    }

    StandardOutput(OutputStream to, Charset charset) {
        this(new Remembering(to), charset);
    }

    private StandardOutput(Remembering remembering, Charset charset) {
        super(new BufferedOutputStream(remembering), false, charset);
        this.remembering = remembering;
    }

    /** The first failure; null while there is none. */
    IOException failure() {
        return remembering.failure;
    }

    /** Whether the failure was that nobody reads on. The system may say so in the user's language. */
    boolean isReaderGone() {
        IOException failure = failure();
        return failure != null
                && (String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT).contains("broken pipe") || isPipe());
    }

    /** Nothing but a reader that is gone makes writing to a pipe fail. */
    private boolean isPipe() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return remembering.to instanceof FileOutputStream && (target.startsWith("pipe:") || target.startsWith("socket:"));
        } catch (IOException | RuntimeException e) {
            return false; // not Linux
        }
    }

    private static final class Remembering extends OutputStream {

        private final OutputStream to;
        private volatile IOException failure;

        Remembering(OutputStream to) {
            this.to = to;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            try {
                to.write(bytes, from, length);
            } catch (IOException e) {
                failure = failure == null ? e : failure;
                throw e;
            }
        }

        @Override
        public void flush() throws IOException {
            to.flush();
        }
    }
}
