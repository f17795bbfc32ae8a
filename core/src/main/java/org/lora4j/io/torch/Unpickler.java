package org.lora4j.io.torch;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.torch.Pickled.Dict;
import org.lora4j.io.torch.Pickled.Global;
import org.lora4j.io.torch.Pickled.None;
import org.lora4j.io.torch.Pickled.Sequence;
import org.lora4j.io.torch.Pickled.Storage;
import org.lora4j.io.torch.Pickled.Tuple;
import org.lora4j.io.torch.Pickled.View;

/**
 * Reads a pickle as a description of tensors. A pickle is a program for a stack machine that may name any function of any
 * Python module and call it; this interpreter knows only the opcodes that PyTorch needs to save a dict of tensors, and of
 * functions only those in {@link #GLOBALS}, which it does not call either but replaces by a value of its own. Every other
 * opcode and global is an error with its name and byte offset.
 *
 * <pre>
 *   values       NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE
 *   containers   EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS
 *   memory       MARK BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET
 *   the rest     PROTO FRAME GLOBAL STACK_GLOBAL REDUCE BUILD BINPERSID STOP
 * </pre>
 *
 * <p>Memory and time are linear in the length of the pickle: what is taken from the memo is shared, not copied; a dict's
 * keys are texts and numbers; no text, number or tuple is longer than the pickle; a pickle is at most 8 MB long, enough for
 * 50,000 tensors.
 *
 * <p>Source: Lib/pickletools.py of CPython; torch/_utils.py and torch/serialization.py of PyTorch.
 */
final class Unpickler {

    /** All that a pickle may name. */
    static final List<String> GLOBALS = List.of("collections.OrderedDict", "torch._utils._rebuild_tensor_v2",
            "torch._utils._rebuild_parameter", "torch.FloatStorage", "torch.DoubleStorage", "torch.HalfStorage",
            "torch.BFloat16Storage", "torch.LongStorage", "torch.IntStorage", "torch.ByteStorage", "torch.BoolStorage");

    static final int LONGEST = 8 << 20;
    private static final int NEWEST_PROTOCOL = 5;
    private static final int MOST_AXES = 64;
    /** Larger than any file: sums and products of sizes end here, so that they never overflow. */
    private static final long FAR = 1L << 62;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong BIG_LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Path file;
    private final String record;
    private final MemorySegment bytes;
    private final long fileOffset;
    private final Function<Tuple, Storage> storages;
    private final List<Object> stack = new ArrayList<>();
    private final List<Integer> marks = new ArrayList<>();
    private final Map<Integer, Object> memo = new HashMap<>();
    private long at;
    private long opcodeAt;

    /**
     * @param record     what the pickle is called, for messages
     * @param bytes      the pickle, and perhaps more behind it
     * @param fileOffset where {@code bytes} begin in the file, for messages
     * @param storages   what a persistent id stands for; it may throw an {@link IllegalArgumentException} with the reason
     *                   why it stands for nothing
     */
    Unpickler(Path file, String record, MemorySegment bytes, long fileOffset, Function<Tuple, Storage> storages) {
        this.file = file;
        this.record = record;
        this.bytes = bytes;
        this.fileOffset = fileOffset;
        this.storages = storages;
    }

    /** How many bytes the pickle was long. */
    long length() {
        return at;
    }

    /** Runs to STOP and gives the value on the stack. */
    Object read() {
        while (true) {
            opcodeAt = at;
            if (at >= LONGEST) {
                throw error("it is longer than " + LONGEST + " bytes");
            }
            int opcode = unsignedByte();
            if (opcode == '.') {
                Object value = pop();
                if (!stack.isEmpty() || !marks.isEmpty()) {
                    throw error("STOP leaves " + stack.size() + " more values behind");
                }
                return value;
            }
            step(opcode);
        }
    }

    private void step(int opcode) {
        switch (opcode) {
            case 0x80 -> requireProtocol(unsignedByte());
            case 0x95 -> take(8); // FRAME: how far to read ahead
            case 'N' -> stack.add(None.NONE);
            case 0x88 -> stack.add(true);
            case 0x89 -> stack.add(false);
            case 'J' -> stack.add((long) bytes.get(INT, take(4)));
            case 'K' -> stack.add((long) unsignedByte());
            case 'M' -> stack.add((long) Short.toUnsignedInt(bytes.get(SHORT, take(2))));
            case 0x8a -> stack.add(longOf(unsignedByte()));
            case 'G' -> stack.add(Double.longBitsToDouble(bytes.get(BIG_LONG, take(8))));
            case 'X' -> stack.add(text(Integer.toUnsignedLong(bytes.get(INT, take(4)))));
            case 0x8c -> stack.add(text(unsignedByte()));
            case ')' -> stack.add(new Tuple(List.of()));
            case 't' -> stack.add(new Tuple(popToMark()));
            case 0x85, 0x86, 0x87 -> stack.add(new Tuple(popLast(opcode - 0x84)));
            case ']' -> stack.add(new Sequence());
            case 'a' -> append(popLast(1));
            case 'e' -> append(popToMark());
            case '}' -> stack.add(new Dict());
            case 's' -> setItems(popLast(2));
            case 'u' -> setItems(popToMark());
            case '(' -> marks.add(stack.size());
            case 'q' -> memo.put(unsignedByte(), top());
            case 'r' -> memo.put(bytes.get(INT, take(4)), top());
            case 0x94 -> memo.put(memo.size(), top());
            case 'h' -> stack.add(remembered(unsignedByte()));
            case 'j' -> stack.add(remembered(bytes.get(INT, take(4))));
            case 'c' -> stack.add(global(line(), line()));
            case 0x93 -> {
                List<Object> names = popLast(2);
                stack.add(global(textOf(names.get(0)), textOf(names.get(1))));
            }
            case 'R' -> {
                List<Object> call = popLast(2);
                stack.add(reduce(call.get(0), call.get(1)));
            }
            case 'b' -> build(pop());
            case 'Q' -> stack.add(storage(pop()));
            default -> throw error("the opcode " + Opcodes.name(opcode) + " is none of those that lora4j follows; a file of "
                    + "tensors does not need it, and nothing was run");
        }
    }

    // ------------------------------------------------------------------------------------------------ calls

    private Global global(String module, String name) {
        Global global = new Global(module, name);
        if (!GLOBALS.contains(global.toString())) {
            throw error("it names " + Names.quoted(global.toString()) + ", which is none of the " + GLOBALS.size()
                    + " globals that lora4j knows; nothing was run. If you trust the file, load it in PyTorch and save its "
                    + "tensors alone");
        }
        return global;
    }

    private Object reduce(Object callee, Object arguments) {
        if (!(callee instanceof Global global) || !(arguments instanceof Tuple(List<Object> args))) {
            throw error("REDUCE calls " + Pickled.kind(callee) + " with " + Pickled.kind(arguments));
        }
        return switch (global.name()) {
            case "OrderedDict" -> {
                if (!args.isEmpty()) {
                    throw error("an OrderedDict is made with arguments, expected none");
                }
                yield new Dict();
            }
            case "_rebuild_tensor_v2" -> view(args);
            case "_rebuild_parameter" -> {
                if (args.isEmpty() || !(args.getFirst() instanceof View view)) {
                    throw error("_rebuild_parameter has no tensor for its first argument");
                }
                yield view;
            }
            default -> throw error("REDUCE calls " + global + ", which is no function");
        };
    }

    /** {@code _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks[, metadata])}. */
    private View view(List<Object> args) {
        if (args.size() < 6 || args.size() > 7 || !(args.get(0) instanceof Storage storage)
                || !(args.get(1) instanceof Long offset) || !(args.get(2) instanceof Tuple(List<Object> sizes))
                || !(args.get(3) instanceof Tuple(List<Object> steps)) || sizes.size() != steps.size()
                || sizes.size() > MOST_AXES) {
            throw error("_rebuild_tensor_v2 has other arguments than a storage, an offset, and as many sizes as strides");
        }
        int[] extents = new int[sizes.size()];
        long[] strides = new long[sizes.size()];
        long elements = 1;
        long largest = 1; // the product without zeros, which must not overflow either
        long last = Math.clamp(offset, -1, FAR);
        for (int i = 0; i < extents.length; i++) {
            if (!(sizes.get(i) instanceof Long size) || !(steps.get(i) instanceof Long stride) || size < 0 || stride < 0
                    || size > Integer.MAX_VALUE || stride > Integer.MAX_VALUE) {
                throw error("a tensor has sizes " + shown(sizes) + " and strides " + shown(steps)
                        + ", expected whole numbers from 0 to " + Integer.MAX_VALUE);
            }
            extents[i] = size.intValue();
            strides[i] = stride;
            largest = Math.min(FAR, Math.multiplyHigh(largest, Math.max(1, size)) != 0 ? FAR : largest * Math.max(1, size));
            elements = size == 0 ? 0 : elements == 0 ? 0 : largest;
            last = Math.min(FAR, last + Math.max(0, size - 1) * stride); // below 2^62 + 2^62
        }
        if (offset < 0 || largest >= FAR || elements > 0 && last >= storage.elements()) {
            throw error("a tensor of sizes " + shown(sizes) + " and strides " + shown(steps) + " at element " + offset
                    + " leaves its storage " + Names.quoted(storage.key()) + " of " + storage.elements() + " elements");
        }
        if (elements > storage.elements()) {
            throw error("a tensor of sizes " + shown(sizes) + " has more elements than its storage "
                    + Names.quoted(storage.key()) + ", " + storage.elements() + "; it repeats some. Save a contiguous copy");
        }
        return new View(storage, offset, extents, strides);
    }

    private static String shown(List<Object> numbers) {
        return Names.some(numbers.stream().limit(9).map(n -> n instanceof Long ? n.toString() : Pickled.kind(n)).toList(), 8);
    }

    /** The state of an OrderedDict, which holds PyTorch's versions of its modules and nothing of use here. */
    private void build(Object state) {
        if (!(top() instanceof Dict) || !(state instanceof Dict)) {
            throw error("BUILD gives " + Pickled.kind(top()) + " " + Pickled.kind(state) + ", expected a dict for a dict");
        }
    }

    private Storage storage(Object id) {
        if (!(id instanceof Tuple tuple)) {
            throw error("a persistent id is " + Pickled.kind(id) + ", expected a tuple");
        }
        try {
            return storages.apply(tuple);
        } catch (IllegalArgumentException e) {
            throw error(e.getMessage());
        }
    }

    // ------------------------------------------------------------------------------------------------ stack

    private void append(List<Object> items) {
        if (!(top() instanceof Sequence list)) {
            throw error("something is appended to " + Pickled.kind(top()));
        }
        list.items.addAll(items);
    }

    private void setItems(List<Object> items) {
        if (!(top() instanceof Dict dict) || items.size() % 2 != 0) {
            throw error("pairs are put into " + Pickled.kind(top()) + ", or half a pair");
        }
        for (int i = 0; i < items.size(); i += 2) {
            Object key = items.get(i);
            if (!(key instanceof String) && !(key instanceof Long)) {
                throw error("a dict has the key " + Pickled.kind(key) + ", expected a text or a number");
            }
            if (dict.items.put(key, items.get(i + 1)) != null) {
                throw error("a dict has the key " + Names.quoted(key.toString()) + " twice");
            }
        }
    }

    private Object remembered(int index) {
        Object value = memo.get(index);
        if (value == null) {
            throw error("it asks for number " + Integer.toUnsignedLong(index) + " of its memo, which is not there");
        }
        return value;
    }

    private Object pop() {
        return popLast(1).getFirst();
    }

    private Object top() {
        if (stack.size() <= lowest()) {
            throw error("the stack is empty");
        }
        return stack.getLast();
    }

    private List<Object> popLast(int count) {
        if (stack.size() - count < lowest()) {
            throw error("the stack holds " + (stack.size() - lowest()) + " values, and " + count + " are needed");
        }
        return cut(stack.size() - count);
    }

    private List<Object> popToMark() {
        if (marks.isEmpty()) {
            throw error("there is no MARK to go back to");
        }
        return cut(marks.removeLast());
    }

    private int lowest() {
        return marks.isEmpty() ? 0 : marks.getLast();
    }

    private List<Object> cut(int from) {
        List<Object> tail = stack.subList(from, stack.size());
        List<Object> values = List.copyOf(tail);
        tail.clear();
        return values;
    }

    // ------------------------------------------------------------------------------------------------ bytes

    private void requireProtocol(int version) {
        if (version < 2 || version > NEWEST_PROTOCOL) {
            throw error("it is of protocol " + version + ", expected 2 to " + NEWEST_PROTOCOL);
        }
    }

    /** A whole number of up to 8 bytes; Python's longer ones are no count of anything in a file. */
    private long longOf(int length) {
        if (length > 8) {
            throw error("a whole number has " + length + " bytes, expected at most 8");
        }
        long from = take(length);
        long value = 0;
        for (int i = length - 1; i >= 0; i--) {
            long digit = bytes.get(JAVA_BYTE, from + i);
            value = i == length - 1 ? digit : value << 8 | digit & 0xFF;
        }
        return value;
    }

    private String text(long length) {
        if (length > bytes.byteSize() - at) {
            throw error("a text is said to have " + length + " bytes, but only " + (bytes.byteSize() - at) + " follow");
        }
        byte[] utf8 = bytes.asSlice(take(length), length).toArray(JAVA_BYTE);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
        } catch (CharacterCodingException e) {
            throw error("a text is not UTF-8");
        }
    }

    private String textOf(Object value) {
        if (!(value instanceof String text)) {
            throw error("a global is named by " + Pickled.kind(value) + ", expected a text");
        }
        return text;
    }

    private String line() {
        long from = at;
        while (unsignedByte() != '\n') {
            if (at - from > 1000) {
                throw error("the name of a global is longer than 1000 bytes");
            }
        }
        return new String(bytes.asSlice(from, at - 1 - from).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private int unsignedByte() {
        return Byte.toUnsignedInt(bytes.get(JAVA_BYTE, take(1)));
    }

    /** Moves on by so many bytes and says where they begin. */
    private long take(long count) {
        if (count > bytes.byteSize() - at) {
            throw error("it ends in the middle of " + Opcodes.name(opcode()) + "; the file is cut off or damaged");
        }
        long from = at;
        at += count;
        return from;
    }

    private int opcode() {
        return opcodeAt < bytes.byteSize() ? Byte.toUnsignedInt(bytes.get(JAVA_BYTE, opcodeAt)) : -1;
    }

    private FormatException error(String problem) {
        return new FormatException(file, "the pickle " + record + ", byte " + opcodeAt + " (offset "
                + (fileOffset + opcodeAt) + " of the file): " + problem);
    }
}
