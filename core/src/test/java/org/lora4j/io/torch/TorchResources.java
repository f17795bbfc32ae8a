package org.lora4j.io.torch;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The files beside these tests; {@code README.md} among them says what they are. */
public final class TorchResources {

    private TorchResources() {
    }

    public static byte[] resource(String name) {
        try (InputStream in = TorchResources.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static Path copy(String name, Path folder) {
        try {
            return Files.write(folder.resolve(name), resource(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
