package org.lora4j.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.experiments.evaluate.DecodedLines.Decoded;
import org.lora4j.experiments.evaluate.ScorerFiles;
import org.lora4j.experiments.evaluate.TextDecoding;
import org.lora4j.experiments.metrics.E2eScores;

/** Decodes the inputs of a test set with a progress bar, and scores what came out. */
final class TaskScores {

    private final Ui ui;

    TaskScores(Ui ui) {
        this.ui = ui;
    }

    /** Texts that were written, in the order of the inputs. */
    record Written(List<Decoded> decoded, double seconds) {

        List<String> texts() {
            return decoded.stream().map(Decoded::text).toList();
        }
    }

    /** @param decoded in the order of the inputs */
    record Result(List<Decoded> decoded, E2eScores scores, double seconds) {

        List<String> texts() {
            return decoded.stream().map(Decoded::text).toList();
        }
    }

    /**
     * @param task       what the bar is called
     * @param references what people wrote, by input
     * @param folder     where the texts are kept, and where hypotheses.txt and references.txt go; null for nowhere
     */
    Result of(String task, TextDecoding decoding, Map<String, List<String>> references, Path folder) {
        Written written = write(task, decoding, references, folder);
        return new Result(written.decoded, E2eScores.of(written.texts(), List.copyOf(references.values())), written.seconds);
    }

    /** The same without scores. */
    Written write(String task, TextDecoding decoding, Map<String, List<String>> references, Path folder) {
        List<String> inputs = List.copyOf(references.keySet());
        int before = folder == null ? 0 : decoding.alreadyIn(folder, inputs);
        if (before > 0 && before < inputs.size()) {
            ui.info("going on after the %,d texts of %,d that are in %s".formatted(before, inputs.size(), folder));
        }
        List<Decoded> decoded;
        long start = System.nanoTime();
        try (Progress progress = ui.progress(task)) {
            progress.start(before, inputs.size());
            long[] tokens = new long[1];
            decoded = decoding.decode(inputs, folder, (done, last) -> {
                tokens[0] += last.tokens();
                progress.update(done, "%.0f tokens/s".formatted(tokens[0] / ((System.nanoTime() - start) * 1e-9)));
            });
        }
        double seconds = (System.nanoTime() - start) * 1e-9;
        Written written = new Written(decoded, seconds);
        if (folder != null) {
            ScorerFiles.write(folder, written.texts(), List.copyOf(references.values()));
        }
        return written;
    }

    /** The names by which programs find the scores. */
    static Map<String, Double> json(E2eScores scores) {
        Map<String, Double> json = new LinkedHashMap<>();
        json.put("bleu", scores.bleu());
        json.put("nist", scores.nist());
        json.put("meteor_without_paraphrases", scores.meteor());
        json.put("rouge_l", scores.rougeL());
        json.put("cider", scores.cider());
        return json;
    }

    void print(E2eScores scores) {
        print(json(scores));
    }

    /** @param scores by the names that {@link #json} gives them */
    void print(Map<String, Double> scores) {
        ui.print(ui.bold("BLEU      ") + "%.2f".formatted(100 * scores.get("bleu")));
        ui.print(ui.bold("NIST      ") + "%.4f".formatted(scores.get("nist")));
        ui.print(ui.bold("METEOR    ") + "%.2f".formatted(100 * scores.get("meteor_without_paraphrases"))
                + ui.dim("   without paraphrases, so not comparable with METEOR 1.5"));
        ui.print(ui.bold("ROUGE-L   ") + "%.2f".formatted(100 * scores.get("rouge_l")));
        ui.print(ui.bold("CIDEr     ") + "%.4f".formatted(scores.get("cider")));
    }
}
