package org.lora4j.cli;

import java.util.Locale;

/** Sizes as people read them. */
final class Bytes {

    private Bytes() {
    }

    /** {@code 1.2 TiB}, {@code 23.4 GiB}, {@code 11.2 MiB}, {@code 12 bytes}. */
    static String text(long bytes) {
        if (bytes >= 1L << 40) {
            return String.format(Locale.ROOT, "%.1f TiB", bytes / 0x1p40);
        }
        if (bytes >= 1L << 30) {
            return String.format(Locale.ROOT, "%.1f GiB", bytes / 0x1p30);
        }
        if (bytes >= 1L << 20) {
            return String.format(Locale.ROOT, "%.1f MiB", bytes / 0x1p20);
        }
        return bytes >= 1L << 10 ? String.format(Locale.ROOT, "%.1f KiB", bytes / 0x1p10) : bytes + " bytes";
    }
}
