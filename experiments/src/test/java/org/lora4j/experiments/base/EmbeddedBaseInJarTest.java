package org.lora4j.experiments.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.family.Families;
import org.lora4j.io.Safetensors;

/** As users have it: the class and the model in a jar, which here lies in a folder of an awkward name. */
class EmbeddedBaseInJarTest {

    private static final String CLASS = "org/lora4j/experiments/base/EmbeddedBase.class";
    private static final String FOLDER = "org/lora4j/experiments/base-6m/";
    private static final List<String> FILES = List.of("config.json", "model.safetensors", "vocab.json", "merges.txt");

    /** Takes the class from the jar, although this test sees it too. */
    private static final class FromJar extends URLClassLoader {

        FromJar(URL jar) {
            super(new URL[] {jar}, EmbeddedBase.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                return name.equals(EmbeddedBase.class.getName())
                        ? findLoadedClass(name) == null ? findClass(name) : findLoadedClass(name) : super.loadClass(name, resolve);
            }
        }

        @Override
        public URL getResource(String name) {
            return name.startsWith(FOLDER) ? findResource(name) : super.getResource(name);
        }
    }

    private static long copies() throws Exception {
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return files.filter(file -> file.getFileName().toString().startsWith("lora4j-base-6m-")).count();
        }
    }

    @Test
    void itIsReadInPlaceAndLeavesNoFiles(@TempDir Path temp) throws Exception {
        Path jar = Files.createDirectory(temp.resolve("a b%20#1")).resolve("experiments.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (String name : Stream.concat(Stream.of(CLASS), FILES.stream().map(file -> FOLDER + file)).toList()) {
                out.putNextEntry(new JarEntry(name));
                try (InputStream in = EmbeddedBase.class.getResourceAsStream("/" + name)) {
                    in.transferTo(out);
                }
                out.closeEntry();
            }
        }
        long before = copies();
        try (FromJar loader = new FromJar(jar.toUri().toURL())) {
            Path folder = (Path) loader.loadClass(EmbeddedBase.class.getName()).getMethod("folder").invoke(null);

            assertThat(folder.getFileSystem()).isNotEqualTo(FileSystems.getDefault());
            assertThat(copies()).isEqualTo(before);
            assertThat(Families.config(folder)).isEqualTo(Families.config(EmbeddedBase.folder()));
            try (Safetensors inJar = Safetensors.open(folder.resolve("model.safetensors"));
                    Safetensors plain = Safetensors.open(EmbeddedBase.folder().resolve("model.safetensors"))) {
                assertThat(inJar.names()).isEqualTo(plain.names()).isNotEmpty();
                for (String name : plain.names()) {
                    assertThat(inJar.bytes(name).mismatch(plain.bytes(name))).as(name).isEqualTo(-1);
                }
            }
            folder.getFileSystem().close();
        }
    }
}
