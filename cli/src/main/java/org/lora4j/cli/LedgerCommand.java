package org.lora4j.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.experiments.ledger.Ledger;
import org.lora4j.experiments.ledger.LedgerPage;
import org.lora4j.experiments.ledger.LedgerRow;
import org.lora4j.experiments.ledger.Verdict;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lora4j ledger}. */
@Command(
        name = "ledger",
        description = {
            "Lists the paper's numbers beside what its formulas and our tensors give.",
            "",
            "Each with a verdict: equal, rounding, formula differs, cannot be reproduced here. Without --all, the table leaves out "
                    + "the last kind, which --json and --markdown have too.",
        },
        footer = {
            "  lora4j ledger",
            "  lora4j ledger --place \"table 15\" --all",
            "  lora4j ledger --json",
        })
final class LedgerCommand extends LoraCommand {

    @Option(names = "--place", paramLabel = "NAME", description = "Only this one, such as \"table 3\" or \"appendix D.4\".")
    private String place;

    @Option(names = "--all", description = "Also the numbers that cannot be reproduced here.")
    private boolean all;

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    @Option(names = "--markdown", description = "Print docs/ledger.md.")
    private boolean markdown;

    @Override
    protected int run() {
        if (json && markdown) {
            throw wrongUse("--json and --markdown: give one of the two");
        }
        List<LedgerRow> rows = Ledger.rows();
        if (place != null) {
            List<String> places = rows.stream().map(LedgerRow::place).distinct().toList();
            String wanted = place.strip().toLowerCase(Locale.ROOT);
            rows = rows.stream().filter(row -> row.place().toLowerCase(Locale.ROOT).equals(wanted)).toList();
            if (rows.isEmpty()) {
                throw wrongUse("--place " + place + ": expected one of " + String.join(", ", places));
            }
        }
        if (markdown) {
            LedgerPage.markdown(rows).lines().forEach(ui()::print);
        } else if (json) {
            ui().printJson(rows.stream().map(LedgerCommand::json).toList());
        } else {
            print(rows);
        }
        return ExitCode.OK;
    }

    private void print(List<LedgerRow> rows) {
        List<LedgerRow> shown = all ? rows : rows.stream().filter(row -> row.verdict() != Verdict.NOT_HERE).toList();
        String last = "";
        for (LedgerRow row : shown) {
            if (!row.place().equals(last)) {
                if (!last.isEmpty()) {
                    ui().print("");
                }
                ui().print(ui().bold(row.place()));
                last = row.place();
            }
            String verdict = row.verdict().text();
            String found = row.found().exact().isEmpty() ? row.printed()
                    : row.printed() + " | " + LedgerPage.number(row.found().exact());
            ui().print("  " + pad(row.row() + ", " + row.number(), 56) + " " + pad(found, 32) + " "
                    + (row.verdict() == Verdict.DIFFERS ? ui().bad(verdict) : row.verdict() == Verdict.NOT_HERE ? ui().dim(verdict) : ui().good(verdict))
                    + (row.note().isEmpty() ? "" : ui().dim(": " + row.note())));
        }
        ui().print("");
        List<String> sums = new ArrayList<>();
        for (Verdict verdict : Verdict.values()) {
            sums.add(rows.stream().filter(row -> row.verdict() == verdict).count() + " " + verdict.text());
        }
        ui().print(rows.size() + " numbers: " + String.join(", ", sums));
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }

    private static Map<String, Object> json(LedgerRow row) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("place", row.place());
        json.put("of", row.row());
        json.put("number", row.number());
        json.put("printed", row.printed());
        json.put("formula", row.found().formula());
        json.put("exact", row.found().exact().orElse(null));
        json.put("allocated", row.found().allocated().orElse(null));
        json.put("verdict", row.verdict().text());
        json.put("note", row.note());
        json.put("test", row.test());
        return json;
    }
}
