package org.lora4j.backend.tornado;

import java.util.Locale;
import java.util.Optional;
import org.lora4j.LoraException;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** TornadoVM as it is found here: whether it can run, and on what. Touch it only after {@link Installation} is content. */
final class Tornado {

    /** {@code backend:device}, as TornadoVM numbers them; the first of each unless this says otherwise. */
    static final String DEVICE = "lora4j.tornado.device";

    private Tornado() {
    }

    /** Why no device can be used, in one line; empty if one can. */
    static Optional<String> unavailable() {
        try {
            device();
            return Optional.empty();
        } catch (LoraException e) {
            return Optional.of(e.getMessage());
        } catch (RuntimeException | Error e) {
            return Optional.of(mend(reason(e)));
        }
    }

    /** What TornadoVM says when it starts where a driver is missing, and what to do. */
    private static String mend(String reason) {
        if (reason.contains("No OpenCL platforms")) {
            return "there is no OpenCL driver here. Install the one of your GPU, or PoCL for the CPU (Debian: apt install "
                    + "pocl-opencl-icd), look at it with clinfo, or use `backend` cpu";
        }
        if (reason.contains("JNI Library not found")) {
            return "TornadoVM cannot load its own library (" + reason.replaceFirst("^\\[ERROR]\\s*", "") + "): a CUDA or PTX "
                    + "build needs NVIDIA's driver (libcuda.so.1), CUDA's also libnvrtc; an OpenCL build needs libOpenCL.so.1. "
                    + "Install it, or take an SDK without that part, or use `backend` cpu";
        }
        return "TornadoVM finds no device: " + reason + ". Install the device's driver (OpenCL, CUDA), or use `backend` cpu";
    }

    /** The device that is asked for, or the first one. */
    static TornadoDevice device() {
        TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
        if (runtime.getNumBackends() == 0) {
            throw new LoraException("this TornadoVM has no backend built in. Install an SDK with OpenCL, PTX or CUDA");
        }
        String wanted = System.getProperty(DEVICE, "0:0");
        String[] numbers = wanted.split(":");
        try {
            int backendIndex = Integer.parseInt(numbers[0]);
            TornadoBackend backend = runtime.getBackend(backendIndex);
            return backend.getDevice(Integer.parseInt(numbers[1]));
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
            throw new LoraException("-D" + DEVICE + "=" + wanted + ": there is no such device, found " + devices(runtime)
                    + ". Give one of them as backend:device", e);
        }
    }

    private static String devices(TornadoRuntime runtime) {
        StringBuilder found = new StringBuilder();
        for (int backend = 0; backend < runtime.getNumBackends(); backend++) {
            for (int device = 0; device < runtime.getBackend(backend).getNumDevices(); device++) {
                found.append(found.isEmpty() ? "" : ", ").append(backend).append(':').append(device).append(' ')
                        .append(describe(runtime.getBackend(backend).getDevice(device)));
            }
        }
        return found.isEmpty() ? "none" : found.toString();
    }

    /** {@code pthread-… (OPENCL, 20.6 GB)}. */
    static String describe(TornadoDevice device) {
        return String.format(Locale.ROOT, "%s (%s, %.1f GB)", device.getPhysicalDevice().getDeviceName().strip(),
                device.getTornadoVMBackend(), 1e-9 * device.getMaxGlobalMemory());
    }

    /** The first message among an exception's causes, in one line. */
    static String reason(Throwable e) {
        String reason = null;
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause.getMessage() != null && !cause.getMessage().isBlank()) {
                reason = cause.getMessage();
            }
        }
        return (reason == null ? e.getClass().getSimpleName() : reason).strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
