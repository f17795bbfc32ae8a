package org.lora4j.tokenizer.pipeline;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * SentencePiece's compiled table of replacements ({@code precompiled_charsmap}): the size of a double-array trie in bytes, the
 * trie, then the replacements, each closed by a zero byte.
 *
 * <pre>
 *   cell     bit 31 no child   bits 10–30 offset · 2^(8 if bit 9 is set)   bit 8 has a value   bits 0–7 the byte that leads here
 *   value    the cell behind one with bit 8, at its offset: where in the replacements the text begins
 * </pre>
 *
 * A character with what is written over and under it is looked up as a whole where it has fewer than six bytes, and else, or
 * if there is no entry, character by character. As in the library, the shortest beginning that has an entry counts for all.
 */
public final class CharsMap implements Normalizer {

    private static final Pattern CLUSTER = Pattern.compile("\\X");
    private static final int LONGEST_CLUSTER = 5;
    private static final int NO_VALUE = -1;

    private final int[] trie;
    private final byte[] replacements;
    private final String @Nullable [] ofAscii = new String[128]; // null: stays

    private CharsMap(int[] trie, byte[] replacements) {
        this.trie = trie;
        this.replacements = replacements;
        for (int c = 0; c < 128; c++) {
            ofAscii[c] = lookUp(new byte[] {(byte) c});
        }
    }

    /** @throws IllegalArgumentException if it is no such table */
    public static CharsMap of(byte[] table) {
        ByteBuffer bytes = ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN);
        int size = table.length < 4 ? -1 : bytes.getInt();
        if (size < 4 || size % 4 != 0 || size > table.length - 4) {
            throw new IllegalArgumentException("a table of " + table.length + " bytes that begins with a trie of " + size);
        }
        int[] trie = new int[size / 4];
        bytes.asIntBuffer().get(trie);
        byte[] replacements = new byte[table.length - 4 - size];
        System.arraycopy(table, 4 + size, replacements, 0, replacements.length);
        return new CharsMap(trie, replacements);
    }

    @Override
    public String normalize(String text) {
        StringBuilder result = new StringBuilder(text.length() + 16);
        int at = 0;
        Matcher clusters = null;
        while (at < text.length()) {
            char c = text.charAt(at);
            boolean alone = c < 128 && c != '\r' && (at + 1 == text.length() || text.charAt(at + 1) < 128);
            if (alone) {
                append(result, ofAscii[c], c);
                at++;
                continue;
            }
            clusters = clusters == null ? CLUSTER.matcher(text) : clusters;
            int end = clusters.find(at) ? clusters.end() : text.length();
            appendCluster(result, text.substring(at, end));
            at = end;
        }
        return result.toString();
    }

    private void appendCluster(StringBuilder result, String cluster) {
        byte[] bytes = cluster.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= LONGEST_CLUSTER) {
            String found = lookUp(bytes);
            if (found != null) {
                result.append(found);
                return;
            }
        }
        cluster.codePoints().forEach(c -> append(result,
                c < 128 ? ofAscii[c] : lookUp(Character.toString(c).getBytes(StandardCharsets.UTF_8)), c));
    }

    private static void append(StringBuilder result, @Nullable String replacement, int c) {
        if (replacement == null) {
            result.appendCodePoint(c);
        } else {
            result.append(replacement);
        }
    }

    /** What stands for the shortest beginning that has an entry; null if none has. */
    private @Nullable String lookUp(byte[] key) {
        int cell = 0;
        int at = offset(trie[0]);
        for (byte b : key) {
            int unsigned = b & 0xFF;
            at ^= unsigned;
            if (at >= trie.length || at < 0) {
                return null;
            }
            cell = trie[at];
            if ((cell & 0x8000_00FF) != unsigned) {
                return null;
            }
            at ^= offset(cell);
            if ((cell & 0x100) != 0) {
                int value = at >= 0 && at < trie.length ? trie[at] & 0x7FFF_FFFF : NO_VALUE;
                return value == NO_VALUE ? null : replacement(value);
            }
        }
        return null;
    }

    /**
     * The longest entry that the text goes on with from here.
     *
     * @param part is given what stands for it
     * @return where it ends; {@code at} if there is none
     */
    int longest(String text, int at, String[] part) {
        int node = offset(trie[0]);
        int end = at;
        for (int i = at; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            byte[] bytes = c < 128 ? new byte[] {(byte) c} : Character.toString(c).getBytes(StandardCharsets.UTF_8);
            for (int k = 0; k < bytes.length; k++) {
                node ^= bytes[k] & 0xFF;
                if (node < 0 || node >= trie.length || (trie[node] & 0x8000_00FF) != (bytes[k] & 0xFF)) {
                    return end;
                }
                int cell = trie[node];
                node ^= offset(cell);
                boolean whole = k == bytes.length - 1 && (cell & 0x100) != 0 && node >= 0 && node < trie.length;
                String found = whole ? replacement(trie[node] & 0x7FFF_FFFF) : null;
                if (found != null) {
                    part[0] = found;
                    end = i;
                }
            }
        }
        return end;
    }

    private static int offset(int cell) {
        return (cell >>> 10) << ((cell & 0x200) >>> 6);
    }

    private @Nullable String replacement(int from) {
        if (from > replacements.length) {
            return null;
        }
        int to = from;
        while (to < replacements.length && replacements[to] != 0) {
            to++;
        }
        return new String(replacements, from, to - from, StandardCharsets.UTF_8);
    }
}
