package org.lora4j.io.torch;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.io.NamedTensor;
import org.lora4j.tensor.Shape;

/**
 * The pickle of a dict of tensors, the same bytes that {@code torch.save} makes for one whose tensors share nothing: protocol
 * 2, everything that may be asked for again in the memo, a thousand pairs to a SETITEMS.
 */
final class PickleWriter {

    private static final int BATCH = 1000;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    /** The place in the memo of each text and global that was written; other values get a place too, but are never looked up. */
    private final Map<String, Integer> memo = new HashMap<>();
    private int memorized;

    private PickleWriter() {
    }

    /** @param wrapper the key of the dict that holds the tensors in another; null for none */
    static byte[] dictOf(List<NamedTensor> tensors, @Nullable String wrapper) {
        PickleWriter writer = new PickleWriter();
        writer.opcode(0x80);
        writer.opcode(2);
        if (wrapper != null) {
            writer.emptyDict();
            writer.text(wrapper);
        }
        writer.dict(tensors);
        if (wrapper != null) {
            writer.opcode('s');
        }
        writer.opcode('.');
        return writer.out.toByteArray();
    }

    private void dict(List<NamedTensor> tensors) {
        emptyDict();
        for (int from = 0; from < tensors.size(); from += BATCH) {
            List<NamedTensor> batch = tensors.subList(from, Math.min(tensors.size(), from + BATCH));
            boolean alone = tensors.size() == 1;
            if (!alone) {
                opcode('(');
            }
            for (int i = 0; i < batch.size(); i++) {
                text(batch.get(i).name());
                tensor(batch.get(i), from + i);
            }
            opcode(alone ? 's' : 'u');
        }
    }

    private void tensor(NamedTensor tensor, int storage) {
        global("torch._utils", "_rebuild_tensor_v2");
        opcode('(');
        persistentId(tensor, storage);
        number(0);
        Shape shape = tensor.shape();
        long[] sizes = new long[shape.rank()];
        long[] strides = new long[shape.rank()];
        long stride = 1;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            sizes[axis] = shape.dim(axis);
            strides[axis] = stride;
            stride *= Math.max(1, shape.dim(axis));
        }
        tuple(sizes);
        tuple(strides);
        opcode(0x89);
        global("collections", "OrderedDict");
        opcode(')');
        opcode('R');
        memorize();
        opcode('t');
        memorize();
        opcode('R');
        memorize();
    }

    private void persistentId(NamedTensor tensor, int storage) {
        opcode('(');
        again("storage", () -> text("storage"));
        global("torch", StorageTypes.className(tensor.dtype()));
        text(String.valueOf(storage));
        again("cpu", () -> text("cpu"));
        number(tensor.shape().size());
        opcode('t');
        memorize();
        opcode('Q');
    }

    private void emptyDict() {
        opcode('}');
        memorize();
    }

    private void tuple(long[] numbers) {
        if (numbers.length == 0) {
            opcode(')');
            return;
        }
        if (numbers.length > 3) {
            opcode('(');
        }
        for (long number : numbers) {
            number(number);
        }
        opcode(numbers.length > 3 ? 't' : 0x84 + numbers.length);
        memorize();
    }

    private void text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        opcode('X');
        little(utf8.length, 4);
        out.writeBytes(utf8);
        memorize();
    }

    private void global(String module, String name) {
        again(module + "." + name, () -> {
            opcode('c');
            out.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
            memorize();
        });
    }

    private void again(String what, Runnable first) {
        Integer index = memo.get(what);
        if (index != null) {
            opcode(index < 256 ? 'h' : 'j');
            little(index, index < 256 ? 1 : 4);
        } else {
            first.run();
            memo.put(what, memorized - 1);
        }
    }

    private void memorize() {
        opcode(memorized < 256 ? 'q' : 'r');
        little(memorized, memorized < 256 ? 1 : 4);
        memorized++;
    }

    private void number(long value) {
        if (value < 1 << 8) {
            opcode('K');
            little(value, 1);
        } else if (value < 1 << 16) {
            opcode('M');
            little(value, 2);
        } else if (value <= Integer.MAX_VALUE) {
            opcode('J');
            little(value, 4);
        } else {
            opcode(0x8a);
            opcode(8);
            little(value, 8);
        }
    }

    private void opcode(int opcode) {
        out.write(opcode);
    }

    private void little(long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >>> 8 * i));
        }
    }
}
