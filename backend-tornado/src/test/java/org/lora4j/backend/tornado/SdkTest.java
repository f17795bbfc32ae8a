package org.lora4j.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SdkTest {

    @TempDir
    private Path temp;

    @Test
    void anSdkForThisJavaIsFine() throws IOException {
        assertThat(Sdk.problem(sdk("sdk", "5.2.0-jdk25").toString(), 25)).isEmpty();
    }

    @Test
    void oneThatDoesNotSayWhatItIsForIsTaken() throws IOException {
        Path sdk = sdk("sdk", "5.2.0");
        assertThat(Sdk.problem(sdk.toString(), 25)).isEmpty();
        Files.delete(sdk.resolve("etc/tornado.release"));
        assertThat(Sdk.problem(sdk.toString(), 25)).isEmpty();
    }

    @Test
    void oneForAnOlderJdkNamesTheBuildToInstall() throws IOException {
        assertThat(Sdk.problem(sdk("sdk", "5.2.0-jdk21").toString(), 25)).get().asString()
                .contains("is 5.2.0-jdk21, built for JDK 21, and this is Java 25", "5.2.0-jdk25").doesNotContain("\n");
    }

    @Test
    void aNewerJavaIsToldToStepBack() throws IOException {
        assertThat(Sdk.problem(sdk("sdk", "5.2.0-jdk25").toString(), 26)).get().asString()
                .contains("built for JDK 25, and this is Java 26. Set LORA4J_JAVA_HOME to a JDK 25");
    }

    @Test
    void aFolderThatHoldsAnSdkIsTakenForASlip() throws IOException {
        Path sdk = sdk("dist/tornadovm-5.2.0-jdk25-opencl", "5.2.0-jdk25");

        assertThat(Sdk.problem(sdk.getParent().toString(), 25)).get().asString()
                .contains("is no TornadoVM SDK", "Did you mean " + sdk + "?");
    }

    @Test
    void anyOtherFolderAndNoFolderAreToldApart() {
        assertThat(Sdk.problem(temp.toString(), 25)).get().asString()
                .contains("is no TornadoVM SDK: it has neither tornado-argfile nor", "bin, etc and share");
        assertThat(Sdk.problem(temp.resolve("gone").toString(), 25)).get().asString().contains("there is no such folder");
    }

    private Path sdk(String name, String version) throws IOException {
        Path sdk = Files.createDirectories(temp.resolve(name));
        Files.createDirectories(sdk.resolve("etc"));
        Files.writeString(sdk.resolve("etc/tornado.release"), "version=" + version + "\nbranch=master\n");
        Files.writeString(sdk.resolve("tornado-argfile.template"), "-server\n");
        return sdk;
    }
}
