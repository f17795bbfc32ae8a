package org.lora4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Where a command prints. What was asked for goes to standard output, everything about the work (progress, remarks,
 * errors) to standard error, so that a pipe gets results only. Safe to use while a {@link Progress} is shown.
 *
 * <p>All that is printed goes through {@link Shown}, so that no name in a file can give orders to a terminal. A text that
 * a model wrote is the result itself: it is cleaned on its way to a terminal, and left as it is for a file or a pipe.
 *
 * <p>Results that cannot be written end the command with {@link ResultsLostException}; remarks that cannot be are let go.
 */
public final class Ui {

    private static final String ERASE_LINE = "\r\u001b[K";

    private final PrintStream out;
    private final PrintStream err;
    private final Terminal terminal;
    private final Set<String> said = ConcurrentHashMap.newKeySet();
    private boolean quiet;
    private boolean verbose;
    private Set<String> options = Set.of();
    private BarProgress bar;
    private final Membership membership;

    Ui(PrintStream out, PrintStream err, Terminal terminal) {
        this(out, err, terminal, Membership.NONE);
    }

    Ui(PrintStream out, PrintStream err, Terminal terminal, Membership membership) {
        this.membership = membership;
        this.out = out;
        this.err = err;
        this.terminal = terminal;
    }

    /** This process's own streams. */
    static Ui ofProcess() {
        Ui ui = new Ui(StandardOutput.ofProcess(), System.err, Terminal.ofProcess());
        if (ui.terminal.err()) {
            // Ctrl-C leaves the bar where it is; the shell's prompt belongs on a line of its own
            Runtime.getRuntime().addShutdownHook(new Thread(ui::abandonBar, "lora4j-terminal"));
        }
        return ui;
    }

    /** Of a group of workers, where this process is one of them. */
    Membership membership() {
        return membership;
    }

    /** Sets what {@code --quiet} and {@code --verbose} said. */
    void listenTo(boolean quiet, boolean verbose) {
        this.quiet = quiet;
        this.verbose = verbose;
    }

    /** The options of the command that runs: in remarks and errors they stand for the library's settings. */
    void speakOf(Set<String> options) {
        this.options = Set.copyOf(options);
    }

    // ------------------------------------------------------------------------------------------------ results

    /** A line of the result, on standard output. What would break it is shown as an escape. */
    public void print(String line) {
        printLine(Shown.styledLine(line));
    }

    /**
     * A text that is the result, which may have several lines.
     *
     * @param before a line's beginning that is not part of it, perhaps styled
     */
    public void printText(String before, String text) {
        printLine((before.isEmpty() ? "" : Shown.styledText(before, terminal.out())) + generated(text));
    }

    /**
     * The beginning of a line whose text follows by {@link #printPart}.
     *
     * @param before what is not part of the text, perhaps styled; empty for nothing
     */
    public void beginText(String before) {
        out.print(before.isEmpty() ? "" : Shown.styledText(before, terminal.out()));
        requireWritten();
    }

    /** Part of a text that is the result, such as one token of a text that is being generated; shown at once. */
    public void printPart(String text) {
        out.print(generated(text));
        requireWritten();
    }

    private String generated(String text) {
        return terminal.out() ? Shown.text(text) : text;
    }

    private void printLine(String line) {
        eraseBar();
        out.println(line);
        redrawBar();
        requireWritten();
    }

    /** @throws ResultsLostException if something printed so far did not get to standard output */
    void requireWritten() {
        if (out.checkError()) { // flushes
            throw out instanceof StandardOutput known
                    ? new ResultsLostException(known.failure(), known.isReaderGone()) : new ResultsLostException(null, false);
        }
    }

    /** A result for programs, on standard output: a map, a list, a record or a Jackson tree. */
    public void printJson(Object value) {
        try {
            printLine(Shown.json(new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(value)));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** A result for programs that read a JSON object a line. */
    public void printJsonLine(Object value) {
        try {
            printLine(Shown.json(new ObjectMapper().writeValueAsString(value)));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    // ------------------------------------------------------------------------------------------------ remarks

    /** A remark about the work, on standard error; not with {@code --quiet}. */
    public void info(String line) {
        if (!quiet) {
            errLine(line);
        }
    }

    /** A remark for the curious, on standard error; only with {@code --verbose}. */
    public void detail(String line) {
        if (verbose) {
            errLine(line);
        }
    }

    /** Something the user should know although the work goes on. */
    public void warn(String line) {
        errLine("lora4j: warning: " + line);
    }

    /** The same, where a line that was said before is not said again. */
    public void warnOnce(String line) {
        if (said.add(line)) {
            warn(line);
        }
    }

    /** What went wrong, in one line. */
    void error(String line) {
        errLine("lora4j: " + line);
    }

    /** The stack trace, for {@code --verbose}. */
    void stackTrace(Throwable thrown) {
        StringWriter trace = new StringWriter();
        thrown.printStackTrace(new PrintWriter(trace));
        err.println(Shown.text(trace.toString()));
    }

    /** Shows how far some work is: a bar on a terminal, plain lines elsewhere, nothing with {@code --quiet}. */
    public Progress progress(String task) {
        if (quiet) {
            return Progress.SILENT;
        }
        return terminal.err() ? new BarProgress(this, task) : new LineProgress(this, task);
    }

    // ------------------------------------------------------------------------------------------------ looks

    /** Bold on a terminal, for text that goes to {@link #print}. */
    public String bold(String text) {
        return style(text, "1");
    }

    /** Dimmed on a terminal. */
    public String dim(String text) {
        return style(text, "2");
    }

    /** Green on a terminal. */
    public String good(String text) {
        return style(text, "32");
    }

    /** Red on a terminal. */
    public String bad(String text) {
        return style(text, "31");
    }

    private String style(String text, String code) {
        return terminal.colours() ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
    }

    boolean isQuiet() {
        return quiet;
    }

    boolean isVerbose() {
        return verbose;
    }

    Terminal terminal() {
        return terminal;
    }

    /** Whether standard error can show characters beyond ASCII. */
    boolean isUnicode() {
        Charset charset = err.charset();
        return charset.equals(StandardCharsets.UTF_8) || charset.newEncoder().canEncode('█');
    }

    /** For results that another process of the same program has made ready to show. */
    PrintStream resultStream() {
        return out;
    }

    /** For remarks of such a process. */
    PrintStream remarkStream() {
        return err;
    }

    PrintWriter outWriter() {
        return new PrintWriter(out, true);
    }

    PrintWriter errWriter() {
        return new PrintWriter(err, true);
    }

    void flush() {
        out.flush();
        err.flush();
    }

    // ------------------------------------------------------------------------------------------------ the bar's line

    private synchronized void errLine(String line) {
        eraseBar();
        err.println(Shown.message(OptionNames.in(line, options)));
        redrawBar();
    }

    synchronized void show(BarProgress shown) {
        bar = shown;
    }

    /** Draws the bar's text over its last one. */
    synchronized void drawBar(String text) {
        if (bar != null) {
            err.print(ERASE_LINE + Shown.line(text));
            err.flush();
        }
    }

    /** The bar stays as it is, and the next line goes below it. */
    synchronized void leaveBar() {
        if (bar != null) {
            bar = null;
            err.println();
        }
    }

    private synchronized void eraseBar() {
        if (bar != null) {
            err.print(ERASE_LINE);
            err.flush();
        }
    }

    private synchronized void redrawBar() {
        if (bar != null) {
            err.print(Shown.line(bar.lastText()));
            err.flush();
        }
    }

    private void abandonBar() {
        leaveBar();
    }
}
