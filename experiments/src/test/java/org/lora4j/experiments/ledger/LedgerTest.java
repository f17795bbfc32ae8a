package org.lora4j.experiments.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.io.Resources;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.Test;

class LedgerTest {

    private static final List<LedgerRow> ROWS = Ledger.rows();

    @Test
    void whatIsAllocatedIsWhatTheFormulaSays() {
        List<LedgerRow> counted = ROWS.stream().filter(row -> row.found().allocated().isPresent()).toList();

        assertThat(counted).hasSizeGreaterThan(75).allSatisfy(row ->
                assertThat(row.found().allocated().get()).as(row.toString()).isEqualByComparingTo(row.found().exact().get()));
        // every family of methods in the paper
        assertThat(Stream.of("lora", "houlsby", "lin", "pfeiffer", "prefix-embedding", "prefix-layer", "bitfit", "top", "+").filter(
                method -> counted.stream().noneMatch(row -> row.found().formula().contains(method)))).isEmpty();
    }

    /** Counted by hand and by others' scripts before there was a ledger. */
    @Test
    void theSixtyOneCountsAreExact() throws IOException {
        List<String> missing = new ArrayList<>();
        int counts = 0;
        try (CSVParser parser = CSVParser.parse(Resources.toString(Resources.getResource(LedgerTest.class, "counts.csv"), StandardCharsets.UTF_8),
                CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get())) {
            for (CSVRecord record : parser) {
                counts++;
                BigDecimal exact = new BigDecimal(record.get("exact"));
                BigDecimal value = record.get("item").startsWith("100 ") ? exact.multiply(new BigDecimal("1e9")) : exact; // GB
                String printed = record.get("printed").replace(" ", "");
                if (ROWS.stream().noneMatch(row -> row.found().exact().filter(found -> found.compareTo(value) == 0).isPresent()
                        && (printed.equals("-") || row.printed().equals(printed)))) {
                    missing.add(record.get("paper_table") + ", " + record.get("item") + ": " + exact + ", " + printed);
                }
            }
        }
        assertThat(missing).isEmpty();
        assertThat(counts).isEqualTo(61);
    }

    @Test
    void everyVerdictIsTheOneThatWasLookedAt() {
        Set<String> differ = ROWS.stream().filter(row -> row.verdict() == Verdict.DIFFERS)
                .map(row -> row.place() + ": " + row.row()).collect(Collectors.toSet());

        assertThat(differ).containsExactlyInAnyOrder("table 2: RoBERTa base, FT*", "table 2: RoBERTa large, FT*", "table 2: DeBERTa XXL, FT*",
                "table 2: RoBERTa large, Adapter P† 3.0M", "table 2: RoBERTa large, Adapter H† 6.0M", "table 3: GPT-2 M, FT*",
                "table 3: GPT-2 M, Adapter H", "table 3: GPT-2 M, LoRA", "table 3: GPT-2 L, LoRA", "table 4: FT", "table 4: BitFit",
                "table 4: PreLayer", "table 10: DeBERTa XXL, LoRA r 8", "table 15: PrefixLayer l_p 2, l_i 2",
                "table 15: PrefixLayer l_p 8, l_i 0", "table 15: PrefixLayer l_p 8, l_i 8", "table 15: PrefixLayer l_p 32, l_i 4",
                "table 15: PrefixLayer l_p 64, l_i 0", "table 15: LoRA r 64 on q,k,v,o", "table 15: LoRA + PrefixLayer r 8, l_p 8, l_i 4",
                "abstract and section 4.2: GPT-3", "appendix D.4: GPT-3, LoRA, r 2 on q, k, v, o", "released files: RoBERTa large, MNLI",
                "released files: DeBERTa XXL, MNLI", "released files: GPT-2 L, E2E");
        assertThat(ROWS.stream().filter(row -> row.verdict() == Verdict.NOT_HERE)).allSatisfy(row ->
                assertThat(row.note()).as(row.toString()).matches("(needs|a setting|the paper does not say).*"));
    }

    /** How many numbers stand in the tables of which every one has to be here. */
    @Test
    void everyNumberOfATableHasARow() {
        assertThat(Stream.of("table 2", "table 3", "table 4", "table 5", "table 6", "table 15", "table 18").map(place ->
                ROWS.stream().filter(row -> row.place().equals(place)).count()))
                .containsExactly(14 * 10L, 12 * 6L, 8 * 6L, 7 * 3L, 15 * 2L, 29 * 3L, 11 * 6L);
        assertThat(ROWS).doesNotHaveDuplicates().allSatisfy(row -> assertThat(row.verdict() == Verdict.NOT_PRINTED
                || PrintedNumber.of(row.printed(), "").isPresent()).as(row.toString()).isTrue());
    }

    @Test
    void thePageIsWhatTheLedgerSays() throws IOException {
        assertThat(Path.of("../docs/ledger.md")).exists();
        assertThat(Files.readString(Path.of("../docs/ledger.md")))
                .as("docs/ledger.md; write it anew with ./lora4j ledger --markdown > docs/ledger.md")
                .isEqualTo(LedgerPage.markdown(ROWS));
    }
}
