package org.lora4j.io;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What lies in the place of a file whose download went wrong: a Git LFS pointer, which a clone without LFS leaves, or a page that
 * a server sent instead, to ask for a login or to say that there is nothing. Every reader asks here before it complains about its
 * own format.
 */
public final class DownloadErrors {

    /** How many bytes of a file's beginning tell. */
    public static final int BEGINNING = 512;

    private static final String POINTER = "version https://";
    private static final Pattern PAGE = Pattern.compile("(?s)(?:<!--.*?-->\\s*)*<(?:!doctype\\s+html|html|head|body|title)\\b.*");
    private static final Pattern XML = Pattern.compile("(?s)<\\?xml\\b.*");

    private DownloadErrors() {
    }

    /**
     * Refuses a file that was downloaded wrongly, such as a website's page or a pointer of Git LFS, and says what it is.
     *
     * @throws FormatException if the file begins as no file that is wanted does
     */
    public static void refuse(Path file, byte[] beginning) {
        describe(beginning).ifPresent(problem -> {
            throw new FormatException(file, problem);
        });
    }

    /** What it is and what to do, {@code is a Git LFS pointer, …}; empty for anything else. */
    public static Optional<String> describe(byte[] beginning) {
        String text = new String(beginning, 0, Math.min(beginning.length, BEGINNING), StandardCharsets.ISO_8859_1)
                .replaceFirst("^\u00ef\u00bb\u00bf", "").stripLeading();
        if (text.startsWith(POINTER) && text.contains("spec/v") || text.startsWith(POINTER + "git-lfs")) {
            return Optional.of("is a Git LFS pointer, not the file itself; fetch it with git lfs pull or download it");
        }
        String lower = text.toLowerCase(Locale.ROOT);
        if (PAGE.matcher(lower).matches() || XML.matcher(lower).matches() && lower.contains("<html")) {
            return Optional.of("is an HTML page, not the file itself: a server sent it instead. Download the file again, by its raw "
                    + "address and logged in where that is needed");
        }
        if (XML.matcher(lower).matches()) {
            return Optional.of("is an XML page, such as a server's error message, not the file itself. Download the file again");
        }
        return Optional.empty();
    }
}
