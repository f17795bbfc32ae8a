package org.lora4j.contract;

import org.lora4j.backend.Backend;

/** The backend under test and what its arithmetic promises. */
interface Subject {

    Backend backend();

    /** u: a single operation is off by at most u·|result|. 2⁻²⁴ for float, 2⁻⁵³ for double. */
    double unitRoundoff();

    /** What underflow may cost: the smallest positive number, or the smallest normal one where denormals are flushed. */
    double underflow();

    /** A number in the backend's precision. */
    default double round(double x) {
        return unitRoundoff() == 0x1p-24 ? (float) x : x;
    }
}
