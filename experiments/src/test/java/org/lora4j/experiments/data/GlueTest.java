package org.lora4j.experiments.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.lora4j.LoraException;
import org.lora4j.data.LabelledText;
import org.lora4j.data.Split;
import org.lora4j.family.Labels;
import org.lora4j.task.TaskLabels;

/** Made examples in the layouts that GLUE, the hub, the STS benchmark and Microsoft have. */
class GlueTest {

    @TempDir
    private Path folder;
    private final List<String> remarks = new ArrayList<>();

    private void file(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text.replace('#', '\t'));
    }

    private Glue open(GlueTask task) {
        return Glue.open(task, folder, remarks::add);
    }

    private static LabelledText pair(String first, String second, String label) {
        return new LabelledText(first, second, label);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', nullValues = "-", ignoreLeadingAndTrailingWhitespace = false, value = {
        "COLA|CoLA/train.tsv|x99#1##A \"cat\" sleeps.~x99#0#*#A sleeps cat.~|A \"cat\" sleeps.|-|acceptable",
        "COLA|CoLA/train.tsv|source#label#note#sentence~x99#0##Sleeps.|Sleeps.|-|unacceptable",
        "COLA|cola/train-00000-of-00001.jsonl|{\"sentence\": \"A cat.\", \"label\": 1, \"idx\": 0}|A cat.|-|acceptable",
        "SST2|SST-2/train.tsv|sentence#label~good film #1~|good film |-|positive",
        "SST2|SST-2/train.tsv|good film#0|good film|-|negative",
        "SST2|sst2/train.csv|sentence,label,idx~\"so, so\",0,7|so, so|-|negative",
        "MRPC|MRPC/train.tsv|Quality##1 ID##2 ID##1 String##2 String~1#7#8#He said \"so\".#\"So\", he said.|He said \"so\".|\"So\", he said.|equivalent",
        "QQP|QQP/train.tsv|id#qid1#qid2#question1#question2#is_duplicate~0#1#2#Why?#How?#0|Why?|How?|not_duplicate",
        "STSB|STS-B/train.tsv|index#genre#filename#year#old_index#source1#source2#sentence1#sentence2#score~0#a#b#c#d#e#f#A cat.#A dog.#1.250"
                + "|A cat.|A dog.|1.250",
        "STSB|STS-B/sts-train.csv|main-news#headlines#2016#0001#3.8#A \"cat\".#A dog.#src#src|A \"cat\".|A dog.|3.8",
        "STSB|stsb/train.jsonl|{\"sentence1\": \"A cat.\", \"sentence2\": \"A dog.\", \"label\": 2.5}|A cat.|A dog.|2.5",
        "MNLI|MNLI/train.tsv|0#1#2#g#p#p#t#t#A cat.#A dog.#neutral#neutral|A cat.|A dog.|neutral",
        "MNLI|MNLI/train.tsv|index#promptID#pairID#genre#sentence1#sentence2#label1#gold_label~0#1#2#g#A cat.#A dog.#neutral#contradiction"
                + "|A cat.|A dog.|contradiction",
        "MNLI|mnli/train.jsonl|{\"premise\": \"A cat.\", \"hypothesis\": \"A dog.\", \"label\": 2, \"idx\": 0}|A cat.|A dog.|contradiction",
        "QNLI|QNLI/train.tsv|index#question#sentence#label~0#Who?#A cat.#entailment|Who?|A cat.|entailment",
        "QNLI|qnli/train.jsonl|{\"question\": \"Who?\", \"sentence\": \"A cat.\", \"label\": 1}|Who?|A cat.|not_entailment",
        "RTE|RTE/train.tsv|index#sentence1#sentence2#label~0#\"A\" was B.#A.#not_entailment|\"A\" was B.|A.|not_entailment",
        "WNLI|WNLI/train.tsv|index#sentence1#sentence2#label~0#It is so.#So.#1|It is so.|So.|entailment",
        "WNLI|train.tsv|index#sentence1#sentence2#label~0#It is so.#So.#0|It is so.|So.|not_entailment",
    })
    void eachTaskIsReadInGluesLayoutAndTheHubs(GlueTask task, String name, String text, String first, String second, String label)
            throws IOException {
        // of MRPC's header the marks are letters
        String written = text.replace('~', '\n').replace("##1 ID##2 ID##1 String##2 String", "\t#1 ID\t#2 ID\t#1 String\t#2 String");
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, written.contains("Quality") ? written.replaceAll("(?m)^(1)#7#8#(.*)#(.*)$", "$1\t7\t8\t$2\t$3")
                : written.replace('#', '\t'));

        LabelledText read = open(task).open(Split.TRAIN).getFirst();

        assertThat(read).isEqualTo(pair(first, second, label));
        assertThat(new TaskLabels(task.labels()).of(read, 0, "the task")).isNotNaN();
    }

    @Test
    void microsoftsFilesAreQuotedAndMayHoldTabs() throws IOException {
        file("MRPC/msr_paraphrase_train.txt", "Quality\t\u00a71 ID\tx\n".replace("Quality\t\u00a71 ID\tx\n", "")
                + "1#1#2#\"He , they say , said \"\" so \"\" .\"#\"So 	 he said .\"\r\n0#3#4#No .#Yes .\r\n");
        file("MRPC/msr_paraphrase_test.txt", "1#5#6#A .#B .\r\n");

        assertThat(open(GlueTask.MRPC).open(Split.TRAIN)).containsExactly(
                pair("He , they say , said \" so \" .", "So \t he said .", "equivalent"), pair("No .", "Yes .", "not_equivalent"));
        assertThat(open(GlueTask.MRPC).open(Split.DEV)).containsExactly(pair("A .", "B .", "equivalent"));
        assertThat(remarks).anyMatch(remark -> remark.contains("Microsoft's test part is measured on instead"));
    }

    @Test
    void gluesIdsTakeMrpcsDevPartOutOfItsTrainingFile() throws IOException {
        file("MRPC/msr_paraphrase_train.txt", "1#1#2#A .#B .\n0#3#4#No .#Yes .\n1#5#6#C .#D .\n");
        file("MRPC/dev_ids.tsv", "3#4\n");

        assertThat(open(GlueTask.MRPC).open(Split.TRAIN)).extracting(LabelledText::first).containsExactly("A .", "C .");
        assertThat(open(GlueTask.MRPC).open(Split.DEV)).extracting(LabelledText::first).containsExactly("No .");
        assertThat(remarks).isEmpty();
    }

    @Test
    void mnliHasTwoDevParts() throws IOException {
        file("MNLI/dev_matched.tsv", "index#sentence1#sentence2#gold_label\n0#A.#B.#neutral\n1#A.#B.#-\n");
        file("MNLI/dev_mismatched.tsv", "index#sentence1#sentence2#gold_label\n0#C.#D.#entailment\n");

        assertThat(open(GlueTask.MNLI).has(Split.DEV)).isTrue();
        assertThat(open(GlueTask.MNLI).open(Split.DEV)).containsExactly(pair("A.", "B.", "neutral"));
        assertThat(open(GlueTask.MNLI).mismatched().orElseThrow()).containsExactly(pair("C.", "D.", "entailment"));
        assertThat(remarks.getFirst()).contains("no label that people agreed on", "dev_matched.tsv, line 3");
    }

    @Test
    void brokenLinesOfQqpArePassedOverAndCounted() throws IOException {
        file("QQP/train.tsv", "id#qid1#qid2#question1#question2#is_duplicate\n0#1#2#Why?\n1#3#4#Who?#What?#1\n");

        assertThat(open(GlueTask.QQP).open(Split.TRAIN)).containsExactly(pair("Who?", "What?", "duplicate"));
        assertThat(remarks.getFirst()).contains("1 lines of QQP's train part have fewer fields than the header", "line 2");
    }

    @Test
    void secretLabelsAreNone() throws IOException {
        file("SST-2/test.tsv", "index#sentence\n0#good\n");
        file("sst2/test.jsonl", "{\"sentence\": \"good\", \"label\": -1}");

        assertThat(open(GlueTask.SST2).open(Split.TEST)).containsExactly(new LabelledText("good", null, null));
        assertThat(Glue.open(GlueTask.SST2, folder.resolve("sst2"), remarks::add).open(Split.TEST))
                .containsExactly(new LabelledText("good", null, null));
    }

    @Test
    void whatIsNotTheTasksIsNamedWithFileAndLine() throws IOException {
        file("CoLA/train.tsv", "x99#1##A cat.\nx99#1#A cat.\n");
        file("RTE/train.csv", "sentence,label\nx,1\n");
        file("QNLI/dev.tsv", "index#sentence1#sentence2#label\n0#a#b#entailment\n");

        assertThatThrownBy(() -> open(GlueTask.COLA).open(Split.TRAIN)).isInstanceOf(LoraException.class)
                .hasMessageContaining("train.tsv, line 2: expected a header with sentence, or the columns of GLUE's own file, found 3 fields");
        assertThatThrownBy(() -> open(GlueTask.RTE).open(Split.TRAIN)).hasMessageContaining("line 2: has one text, and an example of RTE has two");
        assertThatThrownBy(() -> open(GlueTask.SST2).open(Split.TRAIN)).hasMessageContaining("no train part");
    }

    @ParameterizedTest
    @EnumSource
    void eachTaskHasANameAndMeasures(GlueTask task) {
        assertThat(GlueTask.named(task.title())).contains(task);
        assertThat(GlueTask.named(task.text())).contains(task);
        assertThat(task.measure().labels()).isEqualTo(task.labels());
        assertThat(task.labels().equals(Labels.NUMBER)).isEqualTo(task == GlueTask.STSB);
    }
}
