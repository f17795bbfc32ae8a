package org.lora4j.backend.tornado;

import org.lora4j.backend.Precision;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;

/** What the device's own compiler may do with the arithmetic. */
enum CompilerFlags {
    /**
     * OpenCL without {@code -cl-fast-relaxed-math} and {@code -cl-mad-enable}, which TornadoVM sets by default. A compiler
     * may still contract a·b + c into one rounding, and OpenCL allows division 2.5 and a square root 3 units in the last
     * place.
     */
    STRICT("-w"),
    /** TornadoVM's default: sums may be reordered, and ∞ and NaN need not be kept apart from numbers. */
    FAST("-cl-mad-enable -cl-fast-relaxed-math -w");

    private final String openCl;

    CompilerFlags(String openCl) {
        this.openCl = openCl;
    }

    static CompilerFlags of(Precision precision) {
        return precision == Precision.STRICT ? STRICT : FAST;
    }

    void setOn(TornadoExecutionPlan plan) {
        plan.withCompilerFlags(TornadoVMBackendType.OPENCL, openCl);
    }
}
