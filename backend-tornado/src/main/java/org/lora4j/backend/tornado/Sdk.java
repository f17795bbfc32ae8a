package org.lora4j.backend.tornado;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A folder that should be a TornadoVM SDK, as it lies on the disk. */
final class Sdk {

    private static final List<String> ARGUMENTS = List.of("tornado-argfile", "tornado-argfile.template");

    private Sdk() {
    }

    /**
     * Why a Java of this version cannot run with the SDK in this folder, and what to do, in one line; empty if it can.
     *
     * @param home what TORNADOVM_HOME says
     * @param java the feature number of this Java
     */
    static Optional<String> problem(String home, int java) {
        Path folder;
        try {
            folder = Path.of(home);
        } catch (InvalidPathException e) {
            return Optional.of("TORNADOVM_HOME=" + home + " is no path: " + e.getReason() + ". Point it at a TornadoVM SDK");
        }
        if (!Files.isDirectory(folder)) {
            return Optional.of("TORNADOVM_HOME=" + home + ": there is no such folder. Point it at a TornadoVM SDK for JDK "
                    + java + ", the folder that holds bin, etc and share");
        }
        if (!isSdk(folder)) {
            return Optional.of("TORNADOVM_HOME=" + home + " is no TornadoVM SDK: it has neither " + ARGUMENTS.getFirst()
                    + " nor " + ARGUMENTS.getLast() + ". " + inside(folder)
                    .map(sdk -> "Did you mean " + sdk + "?")
                    .orElse("Point it at the SDK's own folder, the one that holds bin, etc and share"));
        }
        String version = version(folder).orElse("");
        int at = version.lastIndexOf("-jdk");
        String madeFor = at < 0 ? "" : version.substring(at + 4);
        if (madeFor.matches("\\d+") && Integer.parseInt(madeFor) != java) {
            return Optional.of("the TornadoVM in TORNADOVM_HOME=" + home + " is " + version + ", built for JDK " + madeFor
                    + ", and this is Java " + java + ". " + (madeFor.equals("25")
                            ? "Set LORA4J_JAVA_HOME to a JDK 25"
                            : "Install the build for JDK 25, " + version.substring(0, at) + "-jdk25"));
        }
        return Optional.empty();
    }

    /** What etc/tornado.release says: {@code 5.2.0-jdk25}. */
    static Optional<String> version(Path sdk) {
        try (Stream<String> lines = Files.lines(sdk.resolve("etc/tornado.release"))) {
            return lines.filter(line -> line.startsWith("version=")).map(line -> line.substring(8).strip()).findFirst();
        } catch (IOException | RuntimeException e) {
            return Optional.empty();
        }
    }

    private static boolean isSdk(Path folder) {
        return ARGUMENTS.stream().anyMatch(name -> Files.isReadable(folder.resolve(name)));
    }

    /** An SDK that lies in the folder, as it does where an archive was unpacked into one. */
    private static Optional<Path> inside(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Sdk::isSdk).sorted().findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
