package org.lora4j.backend.tornado;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lora4j.backend.BackendProvider.Detail;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** What {@code doctor} shows of TornadoVM. Touch it only after {@link Installation} and {@link Tornado} are content. */
final class Details {

    private static final String NATIVE_FUNCTIONS = "tornado.enable.nativeFunctions";

    private Details() {
    }

    static List<Detail> all() {
        List<Detail> details = new ArrayList<>();
        String home = System.getenv("TORNADOVM_HOME");
        details.add(new Detail("TornadoVM", home == null ? "version unknown, TORNADOVM_HOME is not set"
                : Sdk.version(Path.of(home)).orElse("version unknown") + ", " + home, false));
        TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
        String used = System.getProperty(Tornado.DEVICE, "0:0");
        for (int b = 0; b < runtime.getNumBackends(); b++) {
            TornadoBackend backend = runtime.getBackend(b);
            for (int d = 0; d < backend.getNumDevices(); d++) {
                String name = b + ":" + d;
                details.add(new Detail("device " + name,
                        describe(backend.getDevice(d)) + (name.equals(used) ? ", used" : ""), false));
            }
        }
        details.add(fastMath());
        return details;
    }

    private static String describe(TornadoDevice device) {
        return String.format(Locale.ROOT, "%s, %s of %s, %.1f GB, at most %.1f GB in one piece",
                device.getPhysicalDevice().getDeviceName().strip(), device.getDeviceType(), device.getTornadoVMBackend(),
                1e-9 * device.getMaxGlobalMemory(), 1e-9 * device.getMaxAllocMemory());
    }

    private static Detail fastMath() {
        boolean off = "false".equalsIgnoreCase(System.getProperty(NATIVE_FUNCTIONS));
        return off
                ? new Detail("fast math", "off; a compiler may still fuse a·b + c, and a device may divide to 2.5 ulp and take "
                        + "roots to 3, as OpenCL allows", false)
                : new Detail("fast math", "off but for sin, exp and the like, which TornadoVM takes from the device's own "
                        + "approximations: start by ./lora4j, or with -D" + NATIVE_FUNCTIONS + "=False", true);
    }

    /** How many floats fit into the one array that holds all tensors: on the device, in Java's heap, in an array. */
    static long capacity() {
        TornadoDevice device = Tornado.device();
        long bytes = Math.min(device.getMaxAllocMemory(), device.getMaxGlobalMemory());
        return Math.min(DeviceMemory.MOST, Math.min(bytes, Runtime.getRuntime().maxMemory()) / Float.BYTES);
    }
}
