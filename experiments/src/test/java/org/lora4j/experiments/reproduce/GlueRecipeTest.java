package org.lora4j.experiments.reproduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;
import org.lora4j.experiments.data.GlueTask;

/** The columns of tables 9 and 10, read by hand. */
class GlueRecipeTest {

    @ParameterizedTest
    @CsvSource({
        "roberta-base, MNLI, 16, 30, 5.0E-4, 512, 8", "roberta-base, COLA, 32, 80, 4.0E-4, 512, 8", "roberta-base, STSB, 16, 40, 4.0E-4, 512, 8",
        "roberta-large, MNLI, 4, 10, 3.0E-4, 128, 16", "roberta-large, COLA, 4, 20, 2.0E-4, 128, 16",
        "roberta-large, STSB, 8, 30, 2.0E-4, 512, 16", "roberta-large-restricted, RTE, 4, 20, 4.0E-4, 128, 16",
        "roberta-large-scripts, STSB, 4, 10, 3.0E-4, 128, 16", "roberta-large-scripts, SST2, 8, 10, 4.0E-4, 512, 16",
        "deberta-xxl, MRPC, 32, 30, 2.0E-4, 128, 8", "deberta-xxl, QNLI, 6, 8, 1.0E-4, 512, 8",
        "deberta-xxl-scripts, COLA, 4, 10, 1.3E-4, 64, 32", "deberta-xxl-scripts, RTE, 4, 11, 2.6E-4, 320, 32",
    })
    void aRecipeIsTheColumnOfItsTask(String name, GlueTask task, String batch, String epochs, String rate, String length, String alpha) {
        GlueRecipe recipe = GlueRecipe.of(name, task);

        assertThat(recipe.options()).containsEntry("--batch", batch).containsEntry("--epochs", epochs).containsEntry("--lr", rate)
                .containsEntry("--max-length", length).containsEntry("--alpha", alpha);
    }

    @ParameterizedTest
    @CsvSource({
        "roberta-large-pfeiffer-3m, SST2, pfeiffer:64, 20, 3.0E-5", "roberta-large-pfeiffer-0.8m, MNLI, pfeiffer:16, 5, 3.0E-4",
        "roberta-large-houlsby-6m, MNLI, houlsby:64, 10, 3.0E-5", "roberta-large-houlsby-0.8m, STSB, houlsby:8, 10, 3.0E-4",
    })
    void adapterLayersHaveRecipesToo(String name, GlueTask task, String method, String epochs, String rate) {
        assertThat(GlueRecipe.of(name, task).options()).containsEntry("--batch", "32").containsEntry("--epochs", epochs)
                .containsEntry("--lr", rate).containsEntry("--method", method).containsEntry("--max-length", "128")
                .doesNotContainKeys("--rank", "--alpha");
        assertThat(GlueRecipe.of(name, task).fromMnli()).isFalse();
    }

    @Test
    void theScriptsOfDebertaWarmUpForStepsButOfMrpcForAShare() {
        assertThat(GlueRecipe.of("deberta-xxl-scripts", GlueTask.QQP).options()).containsEntry("--warmup", "10000")
                .doesNotContainKey("--warmup-ratio");
        assertThat(GlueRecipe.of("deberta-xxl-scripts", GlueTask.MRPC).options()).containsEntry("--warmup-ratio", "0.1")
                .doesNotContainKey("--warmup");
    }

    @Test
    void mrpcRteAndStsbBeginWithMnlisAdapter() {
        List<GlueTask> begun = Arrays.stream(GlueTask.values()).filter(task -> task != GlueTask.WNLI)
                .filter(task -> GlueRecipe.of("roberta-base", task).fromMnli()).toList();

        assertThat(begun).containsExactly(GlueTask.MRPC, GlueTask.STSB, GlueTask.RTE);
        assertThat(GlueRecipe.of("roberta-large-restricted", GlueTask.RTE).fromMnli()).isFalse();
    }

    @Test
    void whatThePaperHasNoResultsOfHasNoRecipe() {
        assertThatThrownBy(() -> GlueRecipe.of("roberta-base", GlueTask.WNLI)).isInstanceOf(LoraException.class)
                .hasMessageContaining("no results of WNLI");
        assertThatThrownBy(() -> GlueRecipe.of("bert", GlueTask.RTE)).hasMessageContaining("expected one of roberta-base, ");
    }
}
