package org.lora4j.io.hostile;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.io.FormatException;
import org.lora4j.io.torch.TorchFile;
import org.lora4j.io.torch.TorchResources;

/** Tricks with PyTorch's files, one by one. */
class TorchTricksTest {

    /** One float tensor of (2) in storage 0. */
    private static final String HEAD = "\u0080\2}X\1\0\0\0a";
    private static final String STORAGE = "((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" + "0X\3\0\0\0cpuK\2tQ";

    @TempDir
    Path folder;

    @Test
    void aZipBombIsRefusedBeforeAnythingIsUnpacked() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ZipOutputStream zip = new ZipOutputStream(out);
        zip.putNextEntry(new ZipEntry("archive/data.pkl"));
        zip.write(new byte[10_000_000]);
        zip.finish();
        opening(out.toByteArray()).hasMessageContaining("'archive/data.pkl' is compressed (method 8,")
                .hasMessageContaining("of 10000000 bytes)");
    }

    @Test
    void namesThatLeadOutOfTheArchiveAreRefused() throws IOException {
        for (String name : new String[] {"../data.pkl", "a/../../data.pkl", "/etc/data.pkl", "C:data.pkl", "a\\data.pkl",
            "./data.pkl"}) {
            opening(zip(name, pickle(tensor("K\2\u0085K\1\u0085")), "archive/data/0", new byte[8]))
                    .hasMessageContaining("expected a plain name without ways out of the archive");
        }
    }

    @Test
    void aRecordThatIsThereTwiceIsRefused() throws IOException {
        byte[] file = zip("archive/data.pkl", pickle(tensor("K\2\u0085K\1\u0085")), "archive/data/0", new byte[8],
                "archive/data/1", new byte[8]);
        opening(replaced(file, "archive/data/1", "archive/data/0")).hasMessageContaining("'archive/data/0' is there twice");
    }

    @Test
    void recordsThatOverlapAreRefused() throws IOException {
        byte[] file = valid();
        int end = file.length - 22;
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int directory = bytes.getInt(end + 16);
        bytes.putInt(directory + 20, 60).putInt(directory + 24, 60 + bytes.getInt(directory + 24) - 60 + 30);
        opening(file).isInstanceOf(FormatException.class);
        byte[] again = valid();
        ByteBuffer wrapped = ByteBuffer.wrap(again).order(ByteOrder.LITTLE_ENDIAN);
        int size = wrapped.getInt(directory + 24);
        wrapped.putInt(directory + 20, size + 10).putInt(directory + 24, size + 10);
        opening(again).hasMessageContaining("overlap at offset");
    }

    @Test
    void aRecordBeyondTheEndIsRefused() throws IOException {
        byte[] file = valid();
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int directory = bytes.getInt(file.length - 22 + 16);
        bytes.putInt(directory + 20, 0x7FFFFFFF).putInt(directory + 24, 0x7FFFFFFF);
        opening(file).hasMessageContaining("is said to have 2147483647 bytes");
    }

    @Test
    void moreEntriesThanThereAreAreRefused() throws IOException {
        byte[] file = valid();
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putShort(file.length - 22 + 8, (short) 60000).putShort(file.length - 22 + 10, (short) 60000);
        opening(file).hasMessageContaining("has no entry of the directory");
    }

    @Test
    void aDamagedTensorIsSeenByItsChecksum() throws IOException {
        byte[] file = TorchResources.resource("plain.pt");
        int at = new String(file, ISO_8859_1).indexOf("plain/data/0") + 80;
        file[at] ^= 1;
        Path path = Files.write(folder.resolve("damaged.pt"), file);
        try (TorchFile opened = TorchFile.open(path)) {
            assertThatThrownBy(() -> opened.names().forEach(opened::bytes)).isInstanceOf(FormatException.class)
                    .hasMessageContaining("has another checksum");
        }
    }

    @Test
    void callsOfAnyOtherFunctionAreRefusedWithNameAndOffset() throws IOException {
        opening(zip("archive/data.pkl", pickle(HEAD + "cposix\nsystem\nX\2\0\0\0ls\u0085R."))).hasMessageContaining(
                "byte 9 (offset ").hasMessageContaining("it names 'posix.system'").hasMessageContaining("nothing was run");
        opening(zip("archive/data.pkl", pickle(HEAD + "c__builtin__\neval\n."))).hasMessageContaining("'__builtin__.eval'");
        opening(zip("archive/data.pkl", pickle("\u0080\4\u008c\2os\u008c\6system\u0093.")))
                .hasMessageContaining("it names 'os.system'");
    }

    @Test
    void everyOpcodeOutsideTheClosedSetIsRefusedByName() throws IOException {
        opening(zip("archive/data.pkl", pickle("\u0080\2i__main__\nX\n."))).hasMessageContaining("the opcode INST");
        opening(zip("archive/data.pkl", pickle("\u0080\2}\u0081."))).hasMessageContaining("the opcode NEWOBJ");
        opening(zip("archive/data.pkl", pickle("\u0080\2\u0082\1."))).hasMessageContaining("the opcode EXT1");
        opening(zip("archive/data.pkl", pickle("\u0080\2Pabc\n."))).hasMessageContaining("the opcode PERSID");
        opening(zip("archive/data.pkl", pickle("\u0080\2\u00ff."))).hasMessageContaining("0xff, which is none of pickle's");
    }

    @Test
    void sizesThatLeaveTheStorageAreRefused() throws IOException {
        opening(archive(tensor("K\3\u0085K\1\u0085"))).hasMessageContaining("a tensor of sizes 3 and strides 1 at element 0 leaves "
                + "its storage '0' of 2 elements");
        opening(archive(tensor("J\u00ff\u00ff\u00ff\u007f\u0085J\u00ff\u00ff\u00ff\u007f\u0085")))
                .hasMessageContaining("leaves its storage");
        opening(archive(tensor("J\u00ff\u00ff\u00ff\u00ff\u0085K\1\u0085"))).hasMessageContaining("expected whole numbers from 0");
        opening(archive(tensor("J\u00ff\u00ff\u00ff\u007fJ\u00ff\u00ff\u00ff\u007fJ\u00ff\u00ff\u00ff\u007f\u0087K\0K\0K\0\u0087")))
                .isInstanceOf(FormatException.class);
        opening(archive(tensor("M\u00e8\3\u0085K\0\u0085"))).hasMessageContaining("it repeats some");
    }

    @Test
    void aStorageThatIsNotThereOrOfAnotherSizeIsRefused() throws IOException {
        opening(zip("archive/data.pkl", pickle(tensor("K\2\u0085K\1\u0085")))).hasMessageContaining(
                "'archive/data/0', which the archive does not have");
        opening(zip("archive/data.pkl", pickle(tensor("K\2\u0085K\1\u0085")), "archive/data/0", new byte[12]))
                .hasMessageContaining("has 12 bytes, expected 2 elements of F32");
    }

    @Test
    void aDictWithAKeyTwiceIsRefused() throws IOException {
        opening(archive("\u0080\2}X\1\0\0\0aK\1sX\1\0\0\0aK\2s.")).hasMessageContaining("a dict has the key 'a' twice");
    }

    @Test
    void aListInItselfAndTuplesAMillionDeepDoNoHarm() throws IOException {
        opening(archive("\u0080\2}X\1\0\0\0a]q\0h\0as.")).hasMessageContaining("holds a list of 1 under 'a'");
        opening(archive("\u0080\2}X\1\0\0\0a)" + "\u0085".repeat(1_000_000) + "s.")).hasMessageContaining("a tuple of 1 under 'a'");
        opening(archive("\u0080\2}" + ")" + "\u0085".repeat(1_000_000) + "K\1s.")).hasMessageContaining("has the key a tuple of 1");
    }

    @Test
    @Timeout(60)
    void aPickleLongerThanAnyDictOfTensorsIsRefused() throws IOException {
        opening(archive("\u0080\2" + "N0".repeat(1) + "N".repeat(9 << 20) + ".")).isInstanceOf(FormatException.class);
        opening(archive("\u0080\2" + "N".repeat(9 << 20) + ".")).hasMessageContaining("longer than 8388608 bytes");
    }

    @Test
    void textsLongerThanTheFileAreRefused() throws IOException {
        opening(archive("\u0080\2X\u00ff\u00ff\u00ff\u00ffabc.")).hasMessageContaining("is said to have 4294967295 bytes");
    }

    @Test
    void manyTensorsOverOneStorageAreRefused() throws IOException {
        StringBuilder pickle = new StringBuilder("\u0080\2}(");
        for (int i = 0; i < 100; i++) {
            pickle.append("X\4\0\0\0").append("%04d".formatted(i)).append(view("M\u0088\u0013", "M\u0088\u0013\u0085K\1\u0085"));
        }
        pickle.append("u.");
        opening(zip("archive/data.pkl", pickle(pickle.toString()), "archive/data/0", new byte[20_000]))
                .hasMessageContaining("too many of them share one storage");
    }

    @Test
    void aBigEndianFileIsRefused() throws IOException {
        opening(zip("archive/data.pkl", pickle(tensor("K\2\u0085K\1\u0085")), "archive/data/0", new byte[8], "archive/byteorder",
                "big".getBytes(ISO_8859_1))).hasMessageContaining("its byte order is 'big', expected little");
    }

    // ------------------------------------------------------------------------------------------------ making them

    /** {@code {'a': a tensor of these sizes and strides in storage 0, of 2 floats}}. */
    private static String tensor(String sizesAndStrides) {
        return HEAD + view("K\2", sizesAndStrides) + "s.";
    }

    private static String view(String elements, String sizesAndStrides) {
        return "ctorch._utils\n_rebuild_tensor_v2\n" + STORAGE.replace("K\2tQ", elements + "tQ") + "K\0" + sizesAndStrides
                + "\u0089ccollections\nOrderedDict\n)RtR";
    }

    private static byte[] pickle(String text) {
        return text.getBytes(ISO_8859_1);
    }

    private static byte[] archive(String pickle) throws IOException {
        return zip("archive/data.pkl", pickle(pickle), "archive/data/0", new byte[8]);
    }

    private static byte[] valid() throws IOException {
        return zip("archive/data.pkl", pickle(tensor("K\2\u0085K\1\u0085")), "archive/data/0", new byte[8], "archive/version",
                new byte[] {'3', '\n'});
    }

    private static byte[] zip(Object... namesAndContents) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ZipOutputStream zip = new ZipOutputStream(out);
        zip.setMethod(ZipOutputStream.STORED);
        for (int i = 0; i < namesAndContents.length; i += 2) {
            byte[] content = (byte[]) namesAndContents[i + 1];
            ZipEntry entry = new ZipEntry((String) namesAndContents[i]);
            CRC32 crc = new CRC32();
            crc.update(content);
            entry.setCrc(crc.getValue());
            entry.setSize(content.length);
            zip.putNextEntry(entry);
            zip.write(content);
        }
        zip.finish();
        return out.toByteArray();
    }

    private static byte[] replaced(byte[] file, String name, String by) {
        return new String(file, ISO_8859_1).replace(name, by).getBytes(ISO_8859_1);
    }

    private AbstractThrowableAssert<?, ? extends Throwable> opening(byte[] content) throws IOException {
        Path file = Files.write(folder.resolve("trick.pt"), content);
        assertThatThrownBy(() -> TorchFile.open(file).close()).isInstanceOf(FormatException.class)
                .hasMessageStartingWith(file + ": ").message().hasLineCount(1).hasSizeLessThan(1000);
        return assertThatThrownBy(() -> TorchFile.open(file).close());
    }
}
