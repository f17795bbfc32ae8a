package org.lora4j.experiments.ledger;

import com.google.common.io.Resources;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Writes the ledger as a page of Markdown: a table for each place, in which numbers that are alike share a line. */
public final class LedgerPage {

    private LedgerPage() {
    }

    /** All of it. */
    public static String markdown(List<LedgerRow> rows) {
        StringBuilder page = new StringBuilder(introduction()).append('\n');
        Map<Verdict, Long> counts = new LinkedHashMap<>();
        for (Verdict verdict : Verdict.values()) {
            counts.put(verdict, rows.stream().filter(row -> row.verdict() == verdict).count());
        }
        page.append("| Verdict | Numbers |\n| --- | ---: |\n");
        counts.forEach((verdict, count) -> page.append("| ").append(verdict.text()).append(" | ").append(count).append(" |\n"));
        rows.stream().collect(Collectors.groupingBy(LedgerRow::place, LinkedHashMap::new, Collectors.toList()))
                .forEach((place, of) -> page.append(place(place, of)));
        return page.toString();
    }

    private static String introduction() {
        try {
            return Resources.toString(Resources.getResource(LedgerPage.class, "ledger.md"), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String place(String place, List<LedgerRow> rows) {
        StringBuilder text = new StringBuilder("\n## " + place.substring(0, 1).toUpperCase(Locale.ROOT) + place.substring(1) + "\n");
        List<LedgerRow> computed = rows.stream().filter(row -> row.found().exact().isPresent()).toList();
        if (!computed.isEmpty()) {
            text.append("\n| Of | Number | Printed | Formula | Exact | Allocated | Verdict |\n| --- | --- | ---: | --- | ---: | ---: | --- |\n");
            computed.forEach(row -> text.append("| ").append(row.row()).append(" | ").append(row.number()).append(" | ").append(row.printed())
                    .append(" | `").append(row.found().formula()).append("` | ").append(number(row.found().exact()))
                    .append(" | ").append(number(row.found().allocated())).append(" | ").append(row.verdict().text())
                    .append(row.note().isEmpty() ? "" : ": " + row.note()).append(" |\n"));
        }
        // scores of a row side by side, rows that need the same under one sentence
        Map<String, Map<String, List<LedgerRow>>> byNeed = rows.stream().filter(row -> row.found().exact().isEmpty()).collect(
                Collectors.groupingBy(LedgerRow::note, LinkedHashMap::new, Collectors.groupingBy(LedgerRow::row, LinkedHashMap::new, Collectors.toList())));
        byNeed.forEach((need, byRow) -> {
            text.append("\nCannot be reproduced here: ").append(need).append(".\n");
            List<String> numbers = new ArrayList<>(byRow.values().stream().flatMap(List::stream).map(LedgerRow::number).distinct().toList());
            text.append("\n| Of | ").append(String.join(" | ", numbers)).append(" |\n| --- |").append(" ---: |".repeat(numbers.size())).append('\n');
            byRow.forEach((row, of) -> text.append("| ").append(row).append(" | ").append(numbers.stream().map(number -> of.stream()
                    .filter(one -> one.number().equals(number)).map(LedgerRow::printed).findFirst().orElse(""))
                    .collect(Collectors.joining(" | "))).append(" |\n"));
        });
        return text.toString();
    }

    /** 393,216; 86.35; nothing for nothing. */
    public static String number(Optional<BigDecimal> value) {
        return value.map(found -> {
            BigDecimal whole = found.stripTrailingZeros();
            return whole.scale() <= 0 ? "%,d".formatted(whole.toBigInteger())
                    : whole.setScale(Math.min(whole.scale(), found.abs().compareTo(BigDecimal.ONE) < 0 ? 4 : found.compareTo(new BigDecimal(1000)) > 0 ? 0 : 2),
                            RoundingMode.HALF_UP).toPlainString();
        }).orElse("");
    }
}
