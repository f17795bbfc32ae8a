package org.lora4j.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.tokenizer.pipeline.ByteAlphabet;
import org.lora4j.tokenizer.pipeline.MergeTable;

/** What the two files of a byte-level BPE say, read and checked: every byte has a token, every merge gives one. */
final class BpeFiles {

    private static final ObjectMapper JSON =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final String VERSION_LINE = "#version";

    /** No vocabulary is this large; an id beyond it would only make us allocate a huge table. */
    static final int MAX_ID = 1 << 24;

    private final String vocabName;
    private final Map<String, Integer> ids;
    private final byte[] @Nullable [] bytesOfId; // null where the vocabulary has a gap
    private final int[] idOfByte = new int[256];
    private final MergeTable merges;
    private final List<Merge> mergeList;
    private final String fingerprint;

    private BpeFiles(String vocabName, Map<String, Integer> ids, String mergesName, List<Merge> mergeList) {
        this.vocabName = vocabName;
        this.ids = Collections.unmodifiableMap(ids);
        this.bytesOfId = bytesOfIds();
        for (int b = 0; b < 256; b++) {
            Integer id = ids.get(ByteAlphabet.letter(b));
            if (id == null) {
                throw new LoraException(String.format("%s: no token '%s' for the byte %02X; byte-level BPE needs all 256. "
                        + "Is this the vocabulary of another kind of tokenizer?", vocabName, ByteAlphabet.letter(b), b));
            }
            idOfByte[b] = id;
        }
        this.mergeList = List.copyOf(mergeList);
        this.merges = new MergeTable(mergeList.size());
        for (int rank = 0; rank < mergeList.size(); rank++) {
            Merge merge = mergeList.get(rank);
            merges.put(idInMerge(merge.left, merge, mergesName), idInMerge(merge.right, merge, mergesName), rank,
                    idInMerge(merge.left + merge.right, merge, mergesName));
        }
        this.fingerprint = fingerprint(ids, mergeList);
    }

    /** @param line of a file of merges, or the place in a list */
    record Merge(String left, String right, int line) {
    }

    /** @param vocabName and mergesName for error messages: what a line's number is put behind */
    static BpeFiles of(String vocabName, Map<String, Integer> ids, String mergesName, List<Merge> merges) {
        return new BpeFiles(vocabName, ids, mergesName, merges);
    }

    static BpeFiles read(String vocabName, Reader vocab, String mergesName, Reader merges) throws IOException {
        return new BpeFiles(vocabName, readVocab(vocabName, vocab), mergesName, readMerges(mergesName, merges));
    }

    private static Map<String, Integer> readVocab(String name, Reader reader) throws IOException {
        try {
            return JSON.readValue(reader, new TypeReference<>() { });
        } catch (JsonProcessingException e) {
            int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
            throw new LoraException(name + ", line " + line + ": expected a JSON object of token → id, found: "
                    + e.getOriginalMessage(), e);
        }
    }

    private static List<Merge> readMerges(String name, Reader reader) throws IOException {
        BufferedReader lines = new BufferedReader(reader);
        List<Merge> merges = new ArrayList<>();
        int number = 0;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            number++;
            // only the first line can be a comment: "# #" joins two number signs
            if (line.isEmpty() || number == 1 && line.startsWith(VERSION_LINE)) {
                continue;
            }
            String[] pair = line.split(" ", -1);
            if (pair.length != 2 || pair[0].isEmpty() || pair[1].isEmpty()) {
                throw new LoraException(name + ", line " + number + ": expected two tokens with one space between them, such as"
                        + " 'Ġ t', found '" + line + "'");
            }
            merges.add(new Merge(pair[0], pair[1], number));
        }
        return merges;
    }

    private int idInMerge(String token, Merge merge, String mergesName) {
        Integer id = ids.get(token);
        if (id == null) {
            throw new LoraException(mergesName + ", line " + merge.line + ": '" + merge.left + "' and '" + merge.right
                    + "' join to '" + merge.left + merge.right + "', but '" + token + "' is not in " + vocabName
                    + ". Do the two files belong together?");
        }
        return id;
    }

    private byte[][] bytesOfIds() {
        ids.forEach((token, id) -> {
            if (id == null || id < 0 || id > MAX_ID) {
                throw new LoraException(vocabName + ": token '" + token + "' has id " + id + ", expected 0 to " + MAX_ID);
            }
        });
        int size = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        byte[][] bytes = new byte[size][];
        ids.forEach((token, id) -> {
            if (bytes[id] != null) {
                throw new LoraException(vocabName + ": two tokens have id " + id + ", one of them is '" + token + "'");
            }
            bytes[id] = ByteAlphabet.bytes(token);
        });
        return bytes;
    }

    private static String fingerprint(Map<String, Integer> ids, List<Merge> merges) {
        Hasher hash = Hashing.sha256().newHasher();
        ids.entrySet().stream().sorted(Map.Entry.comparingByValue())
                .forEach(entry -> hash.putString(entry.getValue() + " " + entry.getKey() + "\n", StandardCharsets.UTF_8));
        merges.forEach(merge -> hash.putString(merge.left + " " + merge.right + "\n", StandardCharsets.UTF_8));
        return hash.hash().toString();
    }

    String vocabName() {
        return vocabName;
    }

    Map<String, Integer> ids() {
        return ids;
    }

    int vocabSize() {
        return bytesOfId.length;
    }

    int idOfByte(int unsignedByte) {
        return idOfByte[unsignedByte];
    }

    /** Null where the vocabulary has no such id. */
    byte @Nullable [] bytesOf(int id) {
        return id < bytesOfId.length ? bytesOfId[id] : null;
    }

    MergeTable merges() {
        return merges;
    }

    /** In order of rank. */
    List<Merge> mergeList() {
        return mergeList;
    }

    String fingerprint() {
        return fingerprint;
    }
}
