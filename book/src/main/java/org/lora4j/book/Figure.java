package org.lora4j.book;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.commonmark.ext.gfm.tables.TableBlock;
import org.commonmark.ext.gfm.tables.TableCell;
import org.commonmark.node.HtmlBlock;
import org.commonmark.node.Node;

/**
 * Bars or lines of a table's numbers, where a comment before the table asks for them; a page that is read elsewhere shows the
 * table alone:
 *
 * <pre>
 *   &lt;!-- figure: bars of "dev loss" by "adapted" --&gt;
 *   &lt;!-- figure: lines of "dev loss" over "parameters" by "method" --&gt;
 * </pre>
 *
 * A figure of lines has one for each group of rows that are alike by the last column, and stands there for every column after
 * {@code of}. Several columns after {@code of}, with commas, are as many bars to a row. Of a cell such as {@code 403 (402–420)} the first number counts.
 */
final class Figure {

    private static final Pattern ASKED = Pattern.compile(
            "<!-- figure: (bars|lines) of ((?:\"[^\"]+\"(?:, )?)+)(?: over \"([^\"]+)\")? by \"([^\"]+)\" -->");
    private static final Pattern NAME = Pattern.compile("\"([^\"]+)\"");
    private static final Pattern NUMBER = Pattern.compile("[−-]?\\d[\\d,]*(?:\\.\\d+)?");
    private static final int LABELS = 230;
    private static final int BARS = 380;
    private static final int BAR = 16;

    private record Row(String label, List<Double> values, List<String> texts) {
    }

    private Figure() {
    }

    /** The figure that a comment asks for; empty if it asks for none. */
    static Optional<String> of(HtmlBlock comment) {
        Matcher asked = ASKED.matcher(comment.getLiteral());
        if (!asked.find()) {
            return Optional.empty();
        }
        if (!(comment.getNext() instanceof TableBlock table)) {
            throw new IllegalArgumentException("no table follows " + comment.getLiteral());
        }
        List<List<TableCell>> rows = rows(table);
        List<String> header = rows.getFirst().stream().map(cell -> Page.text(cell).strip()).toList();
        List<String> columns = NAME.matcher(asked.group(2)).results().map(name -> name.group(1)).toList();
        int by = column(header, asked.group(4));
        if (asked.group(1).equals("lines")) {
            StringBuilder figures = new StringBuilder();
            for (String column : columns) {
                figures.append(lines(rows.subList(1, rows.size()), column(header, column), column(header, asked.group(3)), by, header));
            }
            return Optional.of(figures.toString());
        }
        List<Row> bars = new ArrayList<>();
        for (List<TableCell> row : rows.subList(1, rows.size())) {
            List<Double> values = new ArrayList<>();
            List<String> texts = new ArrayList<>();
            for (String name : columns) {
                String number = number(row.get(column(header, name)));
                values.add(number.isEmpty() ? null : value(number));
                texts.add(number);
            }
            if (values.stream().anyMatch(value -> value != null && value >= 0)) {
                bars.add(new Row(Page.text(row.get(by)).strip(), values, texts));
            }
        }
        return Optional.of(draw(columns, header.get(by), bars));
    }

    private static String lines(List<List<TableCell>> rows, int y, int x, int by, List<String> header) {
        Map<String, List<LineFigure.Point>> groups = new LinkedHashMap<>();
        for (List<TableCell> row : rows) {
            String up = number(row.get(y));
            if (!up.isEmpty()) {
                groups.computeIfAbsent(Page.text(row.get(by)).strip(), name -> new ArrayList<>())
                        .add(new LineFigure.Point(value(number(row.get(x))), value(up)));
            }
        }
        return LineFigure.draw(header.get(y), header.get(x), groups);
    }

    /** The first number of a cell as it stands there; empty if it has none. */
    private static String number(TableCell cell) {
        return NUMBER.matcher(Page.text(cell)).results().findFirst().map(MatchResult::group).orElse("");
    }

    private static double value(String number) {
        return Double.parseDouble(number.replace(",", "").replace('−', '-'));
    }

    private static int column(List<String> header, String name) {
        int at = header.indexOf(name);
        if (at < 0) {
            throw new IllegalArgumentException("a figure asks for the column \"" + name + "\", the table has " + header);
        }
        return at;
    }

    private static String draw(List<String> columns, String by, List<Row> rows) {
        double most = rows.stream().flatMap(row -> row.values().stream()).filter(value -> value != null)
                .mapToDouble(value -> value).max().orElse(1);
        int gap = 8;
        int height = rows.size() * (columns.size() * BAR + gap) + gap;
        String name = String.join(", ", columns) + " by " + by;
        StringBuilder svg = new StringBuilder("<figure class=\"bars\"><svg viewBox=\"0 0 " + (LABELS + BARS + 80) + " " + height
                + "\" role=\"img\" aria-label=\"" + Html.escape(name) + "\">");
        int y = gap;
        for (Row row : rows) {
            svg.append("<text x=\"").append(LABELS - 10).append("\" y=\"").append(y + columns.size() * BAR / 2 + 4)
                    .append("\" text-anchor=\"end\">").append(Html.escape(shortened(row.label()))).append("</text>");
            for (int i = 0; i < columns.size(); i++) {
                Double value = row.values().get(i);
                if (value != null && value >= 0) {
                    double width = most == 0 ? 0 : BARS * value / most;
                    svg.append(String.format(Locale.ROOT, "<rect class=\"b%d\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>",
                            i, LABELS, y + i * BAR, Math.max(width, 1), BAR - 2));
                    svg.append(String.format(Locale.ROOT, "<text class=\"v\" x=\"%.1f\" y=\"%d\">%s</text>",
                            LABELS + width + 5, y + i * BAR + BAR - 4, row.texts().get(i)));
                }
            }
            y += columns.size() * BAR + gap;
        }
        svg.append("</svg><figcaption>");
        for (int i = 0; i < columns.size(); i++) {
            svg.append(i > 0 ? ", " : "").append("<span class=\"b").append(i).append("\"></span> ")
                    .append(Html.escape(columns.get(i)));
        }
        return svg.append(" by ").append(Html.escape(by)).append("</figcaption></figure>").toString();
    }

    private static String shortened(String label) {
        return label.length() <= 34 ? label : label.substring(0, 33) + "…";
    }

    /** The rows of a table, its header first. */
    static List<List<TableCell>> rows(TableBlock table) {
        List<List<TableCell>> rows = new ArrayList<>();
        for (Node part = table.getFirstChild(); part != null; part = part.getNext()) {
            for (Node row = part.getFirstChild(); row != null; row = row.getNext()) {
                List<TableCell> cells = new ArrayList<>();
                for (Node cell = row.getFirstChild(); cell != null; cell = cell.getNext()) {
                    cells.add((TableCell) cell);
                }
                rows.add(cells);
            }
        }
        return rows;
    }
}
