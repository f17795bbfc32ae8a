package org.lora4j.io;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.FilterReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * Text as other programs leave it: UTF-8, perhaps with a byte order mark, which is no text, and perhaps packed by gzip.
 * Bytes that are something else are called what they are: a Git LFS pointer, a web page, UTF-16, a Parquet file, …
 */
public final class TextInput {

    private static final char BYTE_ORDER_MARK = '\uFEFF';
    private static final String GZIP_ENDING = ".gz";

    /** More than any of the signatures needs; a tar archive has its own at 257. */
    private static final int LOOK_AHEAD = 512;
    private static final int TAR_AT = 257;

    private static final Map<String, String> SIGNATURES = signatures();

    private TextInput() {
    }

    /** What the first bytes, read as Latin-1, are → what to say of the file. */
    private static Map<String, String> signatures() {
        Map<String, String> signatures = new LinkedHashMap<>();
        signatures.put("\u00ff\u00fe", "UTF-16 text. Save it as UTF-8");
        signatures.put("\u00fe\u00ff", "UTF-16 text. Save it as UTF-8");
        signatures.put("PAR1", "a Parquet file. Write its rows as JSON lines");
        signatures.put("ARROW1", "an Arrow file. Write its rows as JSON lines");
        signatures.put("PK\u0003\u0004", "a zip archive. Unpack it");
        signatures.put("BZh", "packed by bzip2. Unpack it, or pack it with gzip");
        signatures.put("\u00fd7zXZ", "packed by xz. Unpack it, or pack it with gzip");
        signatures.put("(\u00b5/\u00fd", "packed by zstd. Unpack it, or pack it with gzip");
        signatures.put("%PDF-", "a PDF file");
        return signatures;
    }

    /**
     * The text's reader. It throws a {@link LoraException} at a NUL character, which no text has, and a
     * {@link java.nio.charset.CharacterCodingException} where the bytes are not UTF-8.
     *
     * @param name for error messages
     * @param in   closed with the reader
     * @throws LoraException if it is recognised as something else
     */
    public static BufferedReader open(String name, InputStream in) throws IOException {
        InputStream bytes = new BufferedInputStream(in);
        String start = start(bytes);
        while (start.startsWith("\u001f\u008b")) {
            bytes = new BufferedInputStream(new GZIPInputStream(bytes));
            start = start(bytes);
        }
        String problem = DownloadErrors.describe(start.getBytes(StandardCharsets.ISO_8859_1)).orElse(null);
        if (problem != null) {
            throw new LoraException(Names.oneLine(name + ": " + problem));
        }
        String other = whatElse(start);
        if (other != null) {
            throw new LoraException(Names.oneLine(name + ": is " + other));
        }
        // a decoder of its own, because the one that a charset's name gives replaces what is malformed
        BufferedReader reader = new BufferedReader(
                new WithoutNul(name, new InputStreamReader(bytes, StandardCharsets.UTF_8.newDecoder())));
        reader.mark(1);
        if (reader.read() != BYTE_ORDER_MARK) {
            reader.reset();
        }
        return reader;
    }

    /** The text's reader; see {@link #open(String, InputStream)}. */
    public static BufferedReader open(Path file) throws IOException {
        InputStream in = Files.newInputStream(file);
        try {
            return open(file.toString(), in);
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
    }

    /** The whole text; see {@link #open(String, InputStream)}. */
    public static String read(String name, InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        try (Reader reader = open(name, in)) {
            char[] some = new char[1 << 14];
            for (int n = reader.read(some); n >= 0; n = reader.read(some)) {
                text.append(some, 0, n);
            }
        }
        return text.toString();
    }

    /** The name without {@code .gz}: its ending says what the text is. */
    public static String unpackedName(String name) {
        return name.toLowerCase(Locale.ROOT).endsWith(GZIP_ENDING)
                ? name.substring(0, name.length() - GZIP_ENDING.length()) : name;
    }

    /** Without the byte order mark. */
    static String withoutMark(String text) {
        return text.startsWith(String.valueOf(BYTE_ORDER_MARK)) ? text.substring(1) : text;
    }

    private static String start(InputStream bytes) throws IOException {
        bytes.mark(LOOK_AHEAD);
        String start = new String(bytes.readNBytes(LOOK_AHEAD), StandardCharsets.ISO_8859_1);
        bytes.reset();
        return start;
    }

    /**
     * What the bytes are if they are no text, as in "is …", or null.
     *
     * @param start the first bytes, read as Latin-1
     */
    static @Nullable String whatElse(String start) {
        for (Map.Entry<String, String> signature : SIGNATURES.entrySet()) {
            if (start.startsWith(signature.getKey())) {
                return signature.getValue();
            }
        }
        if (start.startsWith("ustar", TAR_AT)) {
            return "a tar archive. Unpack it";
        }
        return null;
    }

    /** Counts lines, so as to name the one with a NUL. */
    private static final class WithoutNul extends FilterReader {

        private final String name;
        private int line = 1;

        WithoutNul(String name, Reader in) {
            super(in);
            this.name = name;
        }

        @Override
        public int read() throws IOException {
            char[] one = new char[1];
            return read(one, 0, 1) < 0 ? -1 : one[0];
        }

        @Override
        public int read(char[] text, int from, int length) throws IOException {
            int n = super.read(text, from, length);
            for (int i = from; i < from + n; i++) {
                if (text[i] == '\n') {
                    line++;
                } else if (text[i] == 0) {
                    throw new LoraException(Names.oneLine(name + ", line " + line + ": has a NUL character, so it is no text in "
                            + "UTF-8, or was damaged. If it is UTF-16, save it as UTF-8"));
                }
            }
            return n;
        }
    }
}
