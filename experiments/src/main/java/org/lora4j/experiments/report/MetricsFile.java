package org.lora4j.experiments.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.experiments.report.TrainingCurves.EvaluationPoint;
import org.lora4j.experiments.report.TrainingCurves.TrainingPoint;
import org.lora4j.io.FileErrors;
import org.lora4j.train.MetricsLog;

/**
 * Reads the curves of a run from its {@link MetricsLog}: one JSON object a line, of either kind or both at once.
 *
 * <pre>
 *   {"step":10,"loss":3.21,"lr":0.01,"tokens_per_second":4100}
 *   {"step":100,"dev_loss":2.1,"dev_perplexity":8.2}
 *   {"step":100,"dev_accuracy":0.87,"dev_f1":0.9,"dev_loss":0.4}
 * </pre>
 *
 * Keys it does not know are passed over. A run that was killed, or that is still running, may leave half a line at the
 * end, which is dropped. Should a step be there twice, the later line counts.
 */
public final class MetricsFile {

    private static final ObjectReader JSON = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build()
            .readerFor(JsonNode.class);

    private static final String DEV = "dev_";

    private MetricsFile() {}

    /**
     * Reads the curves of a run back.
     *
     * @throws LoraException if there is no such file, or a line other than the last is not JSON with a step
     */
    public static TrainingCurves read(Path file) {
        try {
            // not Files.readAllLines: a kill can cut a character in two, which that would refuse
            return parse(new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList(), file.toString());
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }

    /** @param name what error messages call the source of these lines */
    static TrainingCurves parse(List<String> lines, String name) {
        TreeMap<Long, TrainingPoint> training = new TreeMap<>();
        TreeMap<Long, EvaluationPoint> evaluations = new TreeMap<>();
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).isBlank()) {
                continue;
            }
            JsonNode line = parseLine(lines.get(i));
            if (line == null && i == lines.size() - 1) {
                break;
            }
            if (line == null || !line.path("step").isIntegralNumber()) {
                throw new LoraException(Names.oneLine(name) + ", line " + (i + 1)
                        + ": expected a JSON object with a whole number called step, found " + Names.quoted(lines.get(i))
                        + ". Is this the metrics.jsonl of a run?");
            }
            long step = line.get("step").longValue();
            if (line.has("loss")) {
                training.put(step, new TrainingPoint(step, number(line, "loss"), number(line, "lr"),
                        number(line, "tokens_per_second")));
            }
            if (line.hasNonNull("dev_loss")) { // null where it was not a number
                double loss = number(line, "dev_loss");
                double perplexity = number(line, "dev_perplexity");
                Map<String, Double> measures = measures(line);
                evaluations.put(step, new EvaluationPoint(step, loss,
                        Double.isNaN(perplexity) && measures.isEmpty() ? Math.exp(loss) : perplexity, measures));
            }
        }
        return new TrainingCurves(new ArrayList<>(training.values()), new ArrayList<>(evaluations.values()));
    }

    /** What was measured on dev beside loss and perplexity, in the order of the line. */
    private static Map<String, Double> measures(JsonNode line) {
        Map<String, Double> measures = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : line.properties()) {
            String name = field.getKey().startsWith(DEV) ? field.getKey().substring(DEV.length()) : "";
            if (!name.isEmpty() && !name.equals("loss") && !name.equals("perplexity")) {
                measures.put(name, number(line, field.getKey()));
            }
        }
        return measures;
    }

    /** Null if this line is not an object. */
    private static JsonNode parseLine(String text) {
        try {
            JsonNode line = JSON.readTree(text);
            return line.isObject() ? line : null;
        } catch (JsonProcessingException e) {
            return null;
        }
    }

    private static double number(JsonNode line, String key) {
        JsonNode value = line.get(key);
        return value != null && value.isNumber() ? value.doubleValue() : Double.NaN;
    }
}
