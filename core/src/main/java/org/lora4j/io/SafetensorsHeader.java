package org.lora4j.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.tensor.Shape;

/**
 * Reads and checks the JSON header of a safetensors file; {@link Safetensors} says what is in it.
 *
 * <p>It is read token by token, so that a header costs memory for what it declares and not for a tree of it, and so that
 * a key that comes twice is seen.
 */
final class SafetensorsHeader {

    /** The key that holds text pairs instead of a tensor. */
    static final String METADATA = "__metadata__";

    /** More axes than any framework has: bounds what a header of {@code 1,1,1,…} can make us hold. */
    private static final int MOST_AXES = 64;

    /** Names are not kept beyond this parse: a shared table of them would grow with every hostile file. */
    private static final JsonFactory JSON =
            JsonFactory.builder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build();

    private final Path file;
    private final JsonParser json;
    private final long dataStart;
    private final long dataSize;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private @Nullable Map<String, String> metadata;

    private SafetensorsHeader(Path file, JsonParser json, long dataStart, long dataSize) {
        this.file = file;
        this.json = json;
        this.dataStart = dataStart;
        this.dataSize = dataSize;
    }

    /**
     * @param header    the bytes between the length and the data
     * @param dataStart where the data begin, from the beginning of the file
     * @param dataSize  how many bytes there are from there to the end
     * @throws FormatException if anything about it is wrong
     */
    static SafetensorsHeader parse(Path file, byte[] header, long dataStart, long dataSize) {
        // the decoder is told to be UTF-8 and strict; left alone, the parser would also take UTF-16 and UTF-32
        var text = new InputStreamReader(new ByteArrayInputStream(header), StandardCharsets.UTF_8.newDecoder());
        try (JsonParser json = JSON.createParser(text)) {
            var parsed = new SafetensorsHeader(file, json, dataStart, dataSize);
            parsed.readAll();
            parsed.checkCoverage();
            return parsed;
        } catch (CharacterCodingException e) {
            throw new FormatException(file, "the header is not UTF-8 text; the file is damaged or not safetensors", e);
        } catch (JsonProcessingException e) {
            String place = e.getLocation() == null ? "" : ", at character " + e.getLocation().getCharOffset();
            throw new FormatException(file, "the header is not JSON: " + e.getOriginalMessage() + place
                    + "; the file is damaged or not safetensors", e);
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }

    /** The tensors by name, in the order in which their bytes lie in the file. */
    Map<String, TensorInfo> tensors() {
        return tensors;
    }

    Map<String, String> metadata() {
        return metadata == null ? Map.of() : metadata;
    }

    private void readAll() throws IOException {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw error("the header begins with " + found() + ", expected a JSON object");
        }
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String name = json.currentName();
            json.nextToken();
            if (name.equals(METADATA)) {
                readMetadata();
            } else if (tensors.put(name, readTensor(name)) != null) {
                throw error("tensor " + Names.quoted(name) + " is declared twice");
            }
        }
        if (json.nextToken() != null) {
            throw error("after the header's JSON object comes " + found() + ", expected nothing but spaces");
        }
    }

    private void readMetadata() throws IOException {
        if (metadata != null) {
            throw error(METADATA + " is there twice");
        }
        if (json.currentToken() != JsonToken.START_OBJECT) {
            throw error(METADATA + " is " + found() + ", expected an object of texts");
        }
        metadata = new LinkedHashMap<>();
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String key = json.currentName();
            if (json.nextToken() != JsonToken.VALUE_STRING) {
                throw error(METADATA + " holds " + Names.quoted(key) + " = " + found() + ", expected a text");
            }
            if (metadata.put(key, json.getText()) != null) {
                throw error(METADATA + " holds " + Names.quoted(key) + " twice");
            }
        }
    }

    private TensorInfo readTensor(String name) throws IOException {
        if (json.currentToken() != JsonToken.START_OBJECT) {
            throw error(name, "is " + found() + ", expected an object with dtype, shape and data_offsets");
        }
        DType dtype = null;
        long[] extents = null;
        long[] range = null;
        Set<String> seen = new HashSet<>();
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String field = json.currentName();
            if (!seen.add(field)) {
                throw error(name, Names.quoted(field) + " is there twice");
            }
            json.nextToken();
            switch (field) {
                case "dtype" -> dtype = readType(name);
                case "shape" -> extents = readNumbers(name, field, MOST_AXES);
                case "data_offsets" -> range = readNumbers(name, field, 2);
                default -> throw error(name, "has a field " + Names.quoted(field)
                        + ", expected only dtype, shape and data_offsets");
            }
        }
        if (dtype == null || extents == null || range == null) {
            throw error(name, "lacks " + (dtype == null ? "dtype" : extents == null ? "shape" : "data_offsets"));
        }
        return checked(name, dtype, extents, range);
    }

    private DType readType(String name) throws IOException {
        if (json.currentToken() != JsonToken.VALUE_STRING) {
            throw error(name, "dtype is " + found() + ", expected a text such as \"F32\"");
        }
        String type = json.getText();
        return DType.named(type).orElseThrow(() -> error(name, "has dtype " + Names.quoted(type)
                + ", which lora4j does not read; it reads " + Names.some(
                        Arrays.stream(DType.values()).map(DType::name).toList(), DType.values().length)));
    }

    private long[] readNumbers(String name, String field, int most) throws IOException {
        if (json.currentToken() != JsonToken.START_ARRAY) {
            throw error(name, field + " is " + found() + ", expected a list of whole numbers");
        }
        List<Long> numbers = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
            if (json.currentToken() != JsonToken.VALUE_NUMBER_INT
                    || json.getNumberType() == JsonParser.NumberType.BIG_INTEGER || json.getLongValue() < 0) {
                throw error(name, field + " holds " + found() + ", expected a whole number from 0 to " + Long.MAX_VALUE);
            }
            if (numbers.size() == most) {
                throw error(name, field + " has more than " + most + " numbers");
            }
            numbers.add(json.getLongValue());
        }
        return numbers.stream().mapToLong(Long::longValue).toArray();
    }

    /** Holds shape, type and offsets against each other and against the file. */
    private TensorInfo checked(String name, DType dtype, long[] extents, long[] range) {
        if (range.length != 2) {
            throw error(name, "data_offsets are " + Arrays.toString(range) + ", expected [begin, end]");
        }
        long begin = range[0];
        long end = range[1];
        if (begin > end) {
            throw error(name, "data_offsets [" + begin + ", " + end + "] end before they begin");
        }
        if (end > dataSize) {
            throw error(name, "its data end at offset " + end + " of the data, but the file has only " + dataSize
                    + " bytes of data; it is cut off. Copy or download it again");
        }
        long bytes = dtype.bytes();
        for (long extent : extents) {
            if (extent > Integer.MAX_VALUE || Math.multiplyHigh(bytes, extent) != 0 || bytes * extent < 0) {
                throw error(name, "shape " + Arrays.toString(extents) + " is too large: expected extents below 2^31 and "
                        + "fewer than 2^63 bytes in all");
            }
            bytes *= extent;
        }
        if (bytes != end - begin) {
            throw error(name, "shape " + Arrays.toString(extents) + " of " + dtype + " needs " + bytes
                    + " bytes, but data_offsets [" + begin + ", " + end + "] hold " + (end - begin));
        }
        Shape shape = Shape.of(Arrays.stream(extents).mapToInt(Math::toIntExact).toArray());
        return new TensorInfo(name, dtype, shape, dataStart + begin, bytes);
    }

    /** Every byte of the data belongs to exactly one tensor: nothing overlaps and nothing hides in a gap. */
    private void checkCoverage() {
        List<TensorInfo> byOffset = new ArrayList<>(tensors.values());
        byOffset.sort(Comparator.comparingLong(TensorInfo::offset).thenComparingLong(TensorInfo::byteSize));
        long covered = dataStart;
        String before = "the header";
        for (TensorInfo tensor : byOffset) {
            if (tensor.offset() != covered) {
                throw error(tensor.name(), "its data begin at file offset " + tensor.offset() + ", expected " + covered
                        + " where " + before + " ends: the data "
                        + (tensor.offset() < covered ? "overlap" : "have a gap"));
            }
            covered += tensor.byteSize();
            before = Names.quoted(tensor.name());
        }
        if (covered != dataStart + dataSize) {
            throw error("after " + before + ", which ends at file offset " + covered + ", come "
                    + (dataStart + dataSize - covered) + " bytes that belong to no tensor");
        }
        tensors.clear();
        byOffset.forEach(tensor -> tensors.put(tensor.name(), tensor));
    }

    /** The current token, as an error message shows it. */
    private String found() throws IOException {
        JsonToken token = json.currentToken();
        return switch (token) {
            case null -> "nothing";
            case START_OBJECT -> "an object";
            case START_ARRAY -> "a list";
            case VALUE_STRING -> "the text " + Names.quoted(json.getText());
            default -> Names.quoted(json.getText());
        };
    }

    private FormatException error(String tensor, String problem) {
        return error("tensor " + Names.quoted(tensor) + ": " + problem);
    }

    private FormatException error(String problem) {
        return new FormatException(file, problem);
    }
}
