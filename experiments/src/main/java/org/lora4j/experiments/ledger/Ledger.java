package org.lora4j.experiments.ledger;

import com.google.common.io.Resources;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.lora4j.data.Split;
import org.lora4j.experiments.data.E2e;
import org.lora4j.family.Families;

/**
 * Each number of the paper that can be computed or measured, with a verdict. Formulas know these words:
 *
 * <pre>
 *   parameters(SHAPE)           of the whole model, without a classifier's head
 *   trainable(SHAPE; METHOD)    what a method trains, see {@link Counts}
 *   head(SHAPE; N)              of a classifier with N labels
 *   examples(PART)              of E2E
 *   mean()                      of the other scores of the row
 *   printed(PLACE; ROW; NUMBER) another number that the paper prints
 * </pre>
 *
 * No number is computed from the one it is compared with.
 */
public final class Ledger {

    /** Functions whose values are counts of numbers in tensors. */
    private static final String OF_TENSORS = ".*\\b(?:parameters|trainable|head)\\(.*";

    private final List<CSVRecord> records;
    /** What a number that is not computed would need, by its key. */
    private final Map<String, String> needs;
    private final Map<String, BigDecimal> known = new HashMap<>();

    private Ledger(List<CSVRecord> records, Map<String, String> needs) {
        this.records = records;
        this.needs = needs;
    }

    /** All rows, in the order of the paper. */
    public static List<LedgerRow> rows() {
        Map<String, String> needs = read("needs.csv").stream().collect(Collectors.toMap(need -> need.get("key"), need -> need.get("text")));
        Ledger ledger = new Ledger(read("paper.csv"), needs);
        return ledger.records.stream().map(ledger::row).toList();
    }

    private static List<CSVRecord> read(String resource) {
        try (CSVParser parser = CSVParser.parse(Resources.toString(Resources.getResource(Ledger.class, resource), StandardCharsets.UTF_8),
                CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get())) {
            return parser.getRecords();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private LedgerRow row(CSVRecord record) {
        String formula = record.get("formula");
        String printed = record.get("printed");
        if (formula.isEmpty()) {
            String note = record.get("note");
            return new LedgerRow(record.get("place"), record.get("row"), record.get("number"), printed, LedgerRow.Found.NOTHING,
                    Verdict.NOT_HERE, needs.get(record.get("needs")) + (note.isEmpty() ? "" : "; " + note));
        }
        BigDecimal exact = Formula.value(formula, (name, arguments) -> function(record, name, arguments, Counts.FORMULA));
        Optional<BigDecimal> allocated = formula.matches(OF_TENSORS)
                ? Optional.of(Formula.value(formula, (name, arguments) -> function(record, name, arguments, Counts.ALLOCATED)))
                : Optional.empty();
        Verdict verdict = PrintedNumber.of(printed, record.get("unit")).map(number -> number.verdict(exact)).orElse(Verdict.NOT_PRINTED);
        return new LedgerRow(record.get("place"), record.get("row"), record.get("number"), printed,
                new LedgerRow.Found(formula, Optional.of(exact), allocated), verdict, record.get("note"));
    }

    private BigDecimal function(CSVRecord record, String name, List<String> arguments, Counts counts) {
        return switch (name) {
            case "mean" -> mean(record);
            case "printed" -> printed(arguments);
            default -> {
                String key = counts + name + arguments;
                BigDecimal before = known.get(key);
                BigDecimal value = before != null ? before : count(name, arguments, counts);
                known.put(key, value);
                yield value;
            }
        };
    }

    private static BigDecimal count(String name, List<String> arguments, Counts counts) {
        String first = arguments.getFirst();
        return switch (name) {
            case "parameters" -> counts.parameters(Families.shape(first));
            case "trainable" -> counts.trainable(Families.shape(first), arguments.get(1));
            case "head" -> counts.head(Families.shape(first), Integer.parseInt(arguments.get(1)));
            case "examples" -> BigDecimal.valueOf(E2e.embedded(Split.of(first)).size());
            default -> throw new IllegalArgumentException(name + ": no function of the ledger");
        };
    }

    /** Of the scores of the same row, which no formula gives. */
    private BigDecimal mean(CSVRecord of) {
        List<BigDecimal> scores = new ArrayList<>();
        for (CSVRecord record : records) {
            if (record.get("place").equals(of.get("place")) && record.get("row").equals(of.get("row")) && record.get("formula").isEmpty()) {
                scores.add(value(record));
            }
        }
        return scores.stream().reduce(BigDecimal.ZERO, BigDecimal::add).divide(BigDecimal.valueOf(scores.size()), MathContext.DECIMAL64);
    }

    private BigDecimal printed(List<String> arguments) {
        return records.stream().filter(record -> List.of(record.get("place"), record.get("row"), record.get("number")).equals(arguments))
                .findFirst().map(Ledger::value).orElseThrow(() -> new IllegalArgumentException(arguments + ": not in the ledger"));
    }

    private static BigDecimal value(CSVRecord record) {
        return PrintedNumber.of(record.get("printed"), record.get("unit")).orElseThrow().value();
    }
}
