package org.lora4j.experiments.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import org.lora4j.experiments.report.TrainingCurves.EvaluationPoint;

/**
 * The loss curve as inline SVG: what a page shows on paper, and where scripts do not run. Colours come from the page's
 * style sheet. Every string in it is made here, from numbers.
 */
final class LossCurveSvg {

    private static final int WIDTH = 720;
    private static final int HEIGHT = 300;
    private static final int LEFT = 44;
    private static final int RIGHT = 12;
    private static final int TOP = 12;
    private static final int BOTTOM = 34;
    private static final int MOST_POINTS = 500;

    private final TrainingCurves curves;
    private final double lastStep;
    private final double low;
    private final double high;

    private LossCurveSvg(TrainingCurves curves) {
        this.curves = curves;
        lastStep = Math.max(1, curves.lastStep());
        double[] losses = DoubleStream.concat(
                curves.training().stream().mapToDouble(p -> p.loss()),
                curves.evaluations().stream().mapToDouble(p -> p.devLoss())).filter(Double::isFinite).toArray();
        low = Math.min(0, DoubleStream.of(losses).min().orElse(0));
        high = Math.max(low + 1e-9, DoubleStream.of(losses).max().orElse(1));
    }

    static String of(TrainingCurves curves) {
        return new LossCurveSvg(curves).draw();
    }

    private String draw() {
        StringBuilder svg = new StringBuilder();
        svg.append(format("<svg class=\"curve\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">\n", WIDTH, HEIGHT));
        for (double loss : ticks(low, high, 5)) {
            svg.append(format("<path class=\"grid\" d=\"M%d %.1fH%d\"/>", LEFT, y(loss), WIDTH - RIGHT));
            svg.append(format("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 8, y(loss) + 4, plain(loss)));
        }
        for (double step : ticks(0, lastStep, 6)) {
            svg.append(format("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x(step), HEIGHT - 12, plain(step)));
        }
        int n = curves.training().size();
        double[] steps = new double[n];
        double[] losses = new double[n];
        for (int i = 0; i < n; i++) {
            steps[i] = curves.training().get(i).step();
            losses[i] = curves.training().get(i).loss();
        }
        svg.append(path("raw", steps, losses)).append(path("train", steps, curves.smoothedLoss()));
        svg.append(path("dev", curves.evaluations().stream().mapToDouble(EvaluationPoint::step).toArray(),
                curves.evaluations().stream().mapToDouble(EvaluationPoint::devLoss).toArray()));
        for (EvaluationPoint point : curves.evaluations()) {
            if (Double.isFinite(point.devLoss())) {
                svg.append(format("<circle class=\"dev\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n",
                        x(point.step()), y(point.devLoss())));
            }
        }
        return svg.append("</svg>").toString();
    }

    /** At most some 500 points; a loss that is not finite interrupts the line. */
    private String path(String kind, double[] steps, double[] losses) {
        StringBuilder d = new StringBuilder();
        int stride = Math.max(1, losses.length / MOST_POINTS);
        boolean drawing = false;
        for (int i = 0; i < losses.length; i += stride) {
            if (Double.isFinite(losses[i])) {
                d.append(format("%s%.1f %.1f", drawing ? "L" : "M", x(steps[i]), y(losses[i])));
                drawing = true;
            } else {
                drawing = false;
            }
        }
        return d.isEmpty() ? "" : "<path class=\"" + kind + "\" d=\"" + d + "\"/>\n";
    }

    private double x(double step) {
        return LEFT + (WIDTH - LEFT - RIGHT) * step / lastStep;
    }

    private double y(double loss) {
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (loss - low) / (high - low);
    }

    /** Round numbers between these: multiples of 1, 2 or 5 times a power of ten, about {@code count} of them. */
    static List<Double> ticks(double from, double to, int count) {
        double rough = (to - from) / count;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double mantissa = rough / power;
        double step = power * (mantissa <= 1 ? 1 : mantissa <= 2 ? 2 : mantissa <= 5 ? 5 : 10);
        List<Double> ticks = new ArrayList<>();
        for (long i = (long) Math.ceil(from / step); i * step <= to * (1 + 1e-12); i++) {
            ticks.add(i * step);
        }
        return ticks;
    }

    static String plain(double value) {
        return value == Math.rint(value) ? Words.count((long) value)
                : new BigDecimal(value).round(new MathContext(3)).stripTrailingZeros().toPlainString();
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
