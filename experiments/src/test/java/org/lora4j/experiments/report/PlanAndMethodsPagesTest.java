package org.lora4j.experiments.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lora4j.backend.WeightType;
import org.lora4j.experiments.report.MethodsPage.Cell;
import org.lora4j.family.Families;
import org.lora4j.plan.NumberTypes;
import org.lora4j.plan.PlanRow;
import org.lora4j.plan.PlannedStep;
import org.lora4j.plan.StepMemory;
import org.lora4j.tuning.FullFineTuning;

class PlanAndMethodsPagesTest {

    @Test
    void aNumberHasItsSpreadAndAMethodItsShape() {
        String page = MethodsPage.render("lora4j reproduce methods", "One recipe each.", 5, List.of(
                new Cell("LoRA", "LoRA r 1", 6_144, 1e-2, List.of(2.5, 2.75), List.of(30.0, 31.5)),
                new Cell("LoRA", "LoRA r 4", 24_576, 1e-2, List.of(2.25, 2.0), List.of(30.25, 30.0)),
                new Cell("<b>", "<b> 2", 9_000, 3e-3, List.of(2.0), List.of(12.3)),
                new Cell("<b>", "<b> 8", 36_000, 3e-3, List.of(2.5), List.of(45.6))));

        assertThat(page).contains("2.6250 (2.5000–2.7500)", "30.75 (30.00–31.50)", "24,576", "1e-2", "3e-3", "&lt;b&gt;: better with every size.",
                "The lowest dev loss, 2.000, is that of <strong>&lt;b&gt; 2</strong>.",
                "The highest BLEU, 45.6, is that of <strong>&lt;b&gt; 8</strong>.").doesNotContain("<b> 2");
        String loss = page.substring(page.indexOf("Dev loss against"), page.indexOf("BLEU against"));
        assertThat(loss).contains("LoRA: better with every size.", "&lt;b&gt;: not better with every size.");
    }

    @Test
    void withoutTextsThereIsNoBleu() {
        String page = MethodsPage.render("lora4j reproduce methods --train-only", "One recipe each.", 5,
                List.of(new Cell("LoRA", "LoRA r 1", 6_144, 1e-2, List.of(2.5), List.of())));

        assertThat(page).contains("2.5000").doesNotContain("BLEU");
    }

    @Test
    void aPlansBarsAreInProportion() {
        StepMemory memory = StepMemory.of(Families.shape("base-6m"), PlannedStep.of(1, 16), new FullFineTuning());
        PlanRow ours = PlanRow.of("ours", memory, NumberTypes.of(WeightType.FLOAT32), 0);
        PlanRow others = PlanRow.of("<others>", memory, new NumberTypes(WeightType.BF16, 2, 2, 0), 0);

        String page = PlanPage.render("base-6m", "lora4j plan", List.of(ours, others), List.of("A remark."));

        assertThat(page).contains("5,853,184 parameters", "&lt;others&gt;", "A remark.", "class=\"moments\"").doesNotContain("<others>");
        assertThat(others.total()).isLessThan(ours.total());
    }
}
