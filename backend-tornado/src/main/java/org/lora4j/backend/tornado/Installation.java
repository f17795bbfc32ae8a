package org.lora4j.backend.tornado;

import java.util.Optional;

/** Whether TornadoVM is in this Java process and set up as this backend needs it, looked at without loading any of it. */
final class Installation {

    private static final String HOME = "TORNADOVM_HOME";
    /** Set by the SDK's argument file. */
    private static final String RUNTIME = "tornado.load.runtime.implementation";
    private static final String API = "uk.ac.manchester.tornado.api.TornadoExecutionPlan";
    /** Without it, a kernel that does not compile runs as sequential Java, and nobody is told. */
    private static final String BAILOUT = "tornado.recover.bailout";
    /** A graph of some tens of tasks needs more than TornadoVM's 4096 bytes. */
    private static final String BYTECODES = "tornado.tvm.maxbytecodesize";

    private Installation() {
    }

    /** What is missing and what to do, in one line; empty if nothing is. */
    static Optional<String> problem() {
        String home = System.getenv(HOME);
        if (!isLoadable()) {
            return Optional.of(home == null || home.isBlank()
                    ? HOME + " is not set. Install a TornadoVM SDK for JDK 25 and point it there, or use `backend` cpu"
                    : missing(home));
        }
        if (Boolean.getBoolean(BAILOUT)) {
            return Optional.of("-D" + BAILOUT + "=" + System.getProperty(BAILOUT)
                    + " would run a kernel that does not compile as sequential Java without a word. Leave it out");
        }
        return Optional.empty();
    }

    private static String missing(String home) {
        return Sdk.problem(home, Runtime.version().feature()).orElseGet(() ->
                "TornadoVM is not in this Java process, though TORNADOVM_HOME=" + home + ". Start lora4j by ./lora4j, or add "
                        + "@" + home + "/tornado-argfile to Java's options");
    }

    /** The API may be on the class path of a Java that was not started with the rest. */
    private static boolean isLoadable() {
        if (System.getProperty(RUNTIME) == null) {
            return false;
        }
        try {
            Class.forName(API, false, Installation.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError e) {
            return false;
        }
    }

    /** Sets what this backend needs of TornadoVM and nobody has set, before TornadoVM reads it. */
    static void configure() {
        if (System.getProperty(BAILOUT) == null) {
            System.setProperty(BAILOUT, "False");
        }
        if (System.getProperty(BYTECODES) == null) {
            System.setProperty(BYTECODES, "262144");
        }
    }
}
