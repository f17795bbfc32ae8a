package org.lora4j.experiments.ledger;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number as a paper prints it: {@code 0.35M}, {@code 175,255.8M}, {@code 70.4±.1}, {@code 350GB}, {@code 2.2%}, {@code 2/3}.
 *
 * @param digits what is printed, without its unit and spread
 * @param unit   what a one of it is worth
 */
record PrintedNumber(BigDecimal digits, BigDecimal unit) {

    private static final Pattern FORM = Pattern.compile("([0-9][0-9,]*(?:\\.[0-9]+)?|\\.[0-9]+)(E-?[0-9]+)?(?:±[0-9.]+)?(M|K|[MGT]B|%)?");
    private static final Map<String, String> UNITS = Map.of("M", "1e6", "K", "1e3", "MB", "1e6", "GB", "1e9", "TB", "1e12", "%", "0.01");
    private static final BigDecimal MIB = new BigDecimal(1 << 20);

    /** @param unit MiB where that is meant by MB; empty for what is printed */
    static Optional<PrintedNumber> of(String text, String unit) {
        if (text.equals("2/3")) {
            return Optional.of(new PrintedNumber(new BigDecimal(2).divide(new BigDecimal(3), MathContext.DECIMAL64), BigDecimal.ONE));
        }
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            return Optional.empty();
        }
        BigDecimal digits = new BigDecimal(form.group(1).replace(",", "") + (form.group(2) == null ? "" : form.group(2)));
        BigDecimal worth = unit.equals("MiB") ? MIB : new BigDecimal(form.group(3) == null ? "1" : UNITS.get(form.group(3)));
        return Optional.of(new PrintedNumber(digits, worth));
    }

    BigDecimal value() {
        return digits.multiply(unit);
    }

    /** How a computed number agrees with it. */
    Verdict verdict(BigDecimal computed) {
        BigDecimal found = computed.divide(unit, new MathContext(30));
        if (found.compareTo(digits) == 0) {
            return Verdict.EQUAL;
        }
        // zeros at the end of a whole number may be digits or not: 350 stands for 349.2 too
        int least = digits.scale() > 0 ? digits.scale() : digits.stripTrailingZeros().scale();
        for (int scale = digits.scale(); scale >= least; scale--) {
            for (RoundingMode mode : new RoundingMode[] {RoundingMode.HALF_UP, RoundingMode.DOWN}) {
                if (found.setScale(scale, mode).compareTo(digits) == 0) {
                    return Verdict.ROUNDING;
                }
            }
        }
        return Verdict.DIFFERS;
    }
}
