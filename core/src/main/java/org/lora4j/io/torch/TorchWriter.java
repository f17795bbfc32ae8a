package org.lora4j.io.torch;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.NamedTensor;

/**
 * Writes a dict of tensors as {@code torch.save} does, {@link TorchFile} says how: {@code torch.load} reads it with
 * {@code weights_only=True}, and its {@code data.pkl} has the bytes that PyTorch would have written.
 *
 * <pre>{@code
 * new TorchWriter("adapter_model").add(loraA).add(loraB).write(folder.resolve("adapter_model.bin"));
 * }</pre>
 *
 * <p>Tensors are written in the order of the calls, each to a storage of its own, at a multiple of 64 bytes.
 */
public final class TorchWriter {

    private static final int ALIGNMENT = 64;
    private static final int UTF8_NAMES = 0x800;
    /** 1 January 1980, as PyTorch has it: a file is a function of its tensors. */
    private static final int NO_DATE = 1 << 5 | 1;

    private final String folder;
    private final @Nullable String wrapper;
    private final List<NamedTensor> tensors = new ArrayList<>();
    private final Set<String> names = new HashSet<>();

    /**
     * Writes a dict of tensors as {@code torch.save} does.
     *
     * @param folder the name that all records have in common; PyTorch takes the file's, without its end
     */
    public TorchWriter(String folder) {
        this(folder, null);
    }

    /**
     * The same, the dict being a value of another.
     *
     * @param wrapper the key under which the dict of tensors lies in another, {@code model_state_dict} say; null for none
     */
    public TorchWriter(String folder, @Nullable String wrapper) {
        this.folder = folder.replaceAll("[^A-Za-z0-9_.-]", "_").replaceAll("^\\.*$", "archive") + "/";
        this.wrapper = wrapper;
    }

    /** Adds a tensor. */
    public TorchWriter add(NamedTensor tensor) {
        if (!names.add(tensor.name())) {
            throw new IllegalArgumentException("tensor " + Names.quoted(tensor.name()) + " was added twice");
        }
        tensors.add(tensor);
        return this;
    }

    /**
     * Writes the file in one atomic step, see {@link AtomicFile}.
     *
     * @throws LoraException if it would be larger than 4 GB, which this layout does not hold
     */
    public void write(Path file) {
        AtomicFile.write(file, this::writeTo);
    }

    /** Writes the same bytes to a stream. */
    public void writeTo(OutputStream out) throws IOException {
        Archive archive = new Archive(out);
        archive.add(folder + "data.pkl", MemorySegment.ofArray(PickleWriter.dictOf(tensors, wrapper)));
        archive.add(folder + "byteorder", text("little"));
        for (int i = 0; i < tensors.size(); i++) {
            archive.add(folder + "data/" + i, tensors.get(i).bytes());
        }
        archive.add(folder + "version", text("3\n"));
        archive.finish();
    }

    private static MemorySegment text(String text) {
        return MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII));
    }

    /** A zip archive in the making. */
    private static final class Archive {

        private final OutputStream out;
        private final List<byte[]> directory = new ArrayList<>();
        private long written;

        Archive(OutputStream out) {
            this.out = out;
        }

        void add(String name, MemorySegment bytes) throws IOException {
            byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
            int crc = ZipRecords.crc(bytes);
            long size = bytes.byteSize();
            if (written + size > 0xFFFF0000L) {
                throw new LoraException("a PyTorch file of more than 4 GB cannot be written; write safetensors instead");
            }
            // padding as an extra field "FB", which is what PyTorch uses
            long data = written + ZipRecords.LOCAL_LENGTH + utf8.length + 4;
            int padding = (int) (-data & ALIGNMENT - 1);
            ByteBuffer header = little(ZipRecords.LOCAL_LENGTH + utf8.length + 4 + padding);
            header.putInt(ZipRecords.LOCAL).putShort((short) 0);
            common(header, utf8, crc, size).putShort((short) (4 + padding)).put(utf8);
            header.put((byte) 'F').put((byte) 'B').putShort((short) padding);
            ByteBuffer entry = little(ZipRecords.CENTRAL_LENGTH + utf8.length);
            entry.putInt(ZipRecords.CENTRAL).putInt(0);
            common(entry, utf8, crc, size).putShort((short) 0).putShort((short) 0).putInt(0).putInt(0).putInt((int) written)
                    .put(utf8);
            directory.add(entry.array());
            write(header.array());
            copy(bytes);
        }

        /** What both headers of an entry have: flags, method, date, checksum, sizes, length of the name. */
        private static ByteBuffer common(ByteBuffer header, byte[] name, int crc, long size) {
            return header.putShort((short) UTF8_NAMES).putShort((short) 0).putShort((short) 0).putShort((short) NO_DATE)
                    .putInt(crc).putInt((int) size).putInt((int) size).putShort((short) name.length);
        }

        private void copy(MemorySegment bytes) throws IOException {
            byte[] piece = new byte[1 << 16];
            for (long done = 0; done < bytes.byteSize();) {
                int count = (int) Math.min(piece.length, bytes.byteSize() - done);
                MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, done, piece, 0, count);
                out.write(piece, 0, count);
                done += count;
            }
            written += bytes.byteSize();
        }

        void finish() throws IOException {
            if (directory.size() >= 0xFFFF) {
                throw new LoraException("a PyTorch file of more than 65,534 records cannot be written; write safetensors "
                        + "instead");
            }
            long start = written;
            for (byte[] entry : directory) {
                write(entry);
            }
            ByteBuffer end = little(ZipRecords.END_LENGTH);
            end.putInt(ZipRecords.END).putShort((short) 0).putShort((short) 0).putShort((short) directory.size())
                    .putShort((short) directory.size()).putInt((int) (written - start)).putInt((int) start).putShort((short) 0);
            write(end.array());
        }

        private void write(byte[] bytes) throws IOException {
            out.write(bytes);
            written += bytes.length;
        }

        private static ByteBuffer little(int length) {
            return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
