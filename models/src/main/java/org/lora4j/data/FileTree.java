package org.lora4j.data;

import com.google.common.io.ByteSource;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Files by name: those of a folder, or of a zip, which may itself lie in a jar. */
interface FileTree {

    /** The names, in alphabetical order. */
    List<String> names() throws IOException;

    InputStream open(String name) throws IOException;

    /** The files in the folder itself, not those in folders in it. */
    static FileTree ofFolder(Path folder) {
        return new FileTree() {
            @Override
            public List<String> names() throws IOException {
                try (Stream<Path> files = Files.list(folder)) {
                    return files.filter(Files::isRegularFile).map(file -> file.getFileName().toString()).sorted().toList();
                }
            }

            @Override
            public InputStream open(String name) throws IOException {
                return Files.newInputStream(folder.resolve(name));
            }
        };
    }

    /** The files in the zip, each named with its folders: {@code e2e-dataset/trainset.csv}. */
    static FileTree ofZip(ByteSource zip) {
        return new FileTree() {
            @Override
            public List<String> names() throws IOException {
                List<String> names = new ArrayList<>();
                try (ZipInputStream entries = new ZipInputStream(zip.openBufferedStream())) {
                    for (ZipEntry entry = entries.getNextEntry(); entry != null; entry = entries.getNextEntry()) {
                        if (!entry.isDirectory()) {
                            names.add(entry.getName());
                        }
                    }
                }
                return names.stream().sorted().toList();
            }

            @Override
            public InputStream open(String name) throws IOException {
                ZipInputStream entries = new ZipInputStream(zip.openBufferedStream());
                for (ZipEntry entry = entries.getNextEntry(); entry != null; entry = entries.getNextEntry()) {
                    if (entry.getName().equals(name)) {
                        return entries; // reads to the end of this entry
                    }
                }
                entries.close();
                throw new FileNotFoundException(name);
            }
        };
    }
}
