package org.lora4j.generate;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.tokenizer.Tokenizer;

/**
 * A text that appears while its tokens are chosen. A piece is given out as soon as nothing can change it any more: a
 * character whose bytes are all there, and no beginning of a stop string. So a character is never split, and of a stop
 * string nothing is ever shown:
 *
 * <pre>
 *   all pieces together = decodeText(all tokens), up to the stop string that is complete first; of several that end at the same
 *                         character the longest
 * </pre>
 *
 * <p>That does not depend on how the text is cut into tokens. A stop string is looked for in what was written, not in the
 * prompt.
 */
public final class TextStream {

    private final Tokenizer tokenizer;
    private final List<String> stops;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE);
    private final StringBuilder held = new StringBuilder();
    private byte[] bytes = new byte[0];
    private boolean stopped;
    private int last = -1;

    /**
     * Makes text of tokens that come one by one.
     *
     * @param stops strings that end the text, perhaps none
     * @throws LoraException if one is empty
     */
    public TextStream(Tokenizer tokenizer, List<String> stops) {
        if (stops.contains("")) {
            throw new LoraException("`stop` \"\": expected a text that ends what is written");
        }
        this.tokenizer = tokenizer;
        this.stops = List.copyOf(stops);
    }

    /** Takes the next token; the piece of text that is certain now, often empty. */
    public String add(int id) {
        if (stopped || tokenizer.isSpecial(id)) {
            return "";
        }
        byte[] more = tokenizer.decodeBytesBehind(last, id);
        last = id;
        return take(more, false);
    }

    /** Whether a stop string was found: the text is complete. */
    public boolean isStopped() {
        return stopped;
    }

    /** What was held back, when no token comes any more; call once. */
    public String finish() {
        return stopped ? "" : take(new byte[0], true) + rest();
    }

    private String take(byte[] more, boolean end) {
        ByteBuffer in = ByteBuffer.allocate(bytes.length + more.length).put(bytes).put(more).flip();
        CharBuffer out = CharBuffer.allocate(in.remaining() + 2);
        decoder.decode(in, out, end);
        if (end) {
            decoder.flush(out);
        }
        bytes = new byte[in.remaining()];
        in.get(bytes);
        out.flip();
        while (out.hasRemaining()) {
            held.append(out.get());
            String stop = completed();
            if (stop != null) {
                stopped = true;
                held.setLength(held.length() - stop.length());
                return rest();
            }
        }
        return released();
    }

    /** The longest stop string with which what is held ends, or null. */
    private @Nullable String completed() {
        String longest = null;
        for (String stop : stops) {
            int from = held.length() - stop.length();
            if (from >= 0 && held.indexOf(stop, from) == from && (longest == null || stop.length() > longest.length())) {
                longest = stop;
            }
        }
        return longest;
    }

    /** All that is held but what a stop string may begin with. */
    private String released() {
        int keep = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > keep; length--) {
                if (stop.startsWith(held.substring(held.length() - length))) {
                    keep = length;
                }
            }
        }
        String piece = held.substring(0, held.length() - keep);
        held.delete(0, piece.length());
        return piece;
    }

    private String rest() {
        String rest = held.toString();
        held.setLength(0);
        return rest;
    }
}
