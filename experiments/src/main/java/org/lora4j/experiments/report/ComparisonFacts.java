package org.lora4j.experiments.report;

import java.util.Map;

/**
 * What was compared, for the page's reader.
 *
 * @param command the command line that does it again
 * @param facts   label and value: model, adapter, inputs, updates
 */
public record ComparisonFacts(String command, Map<String, String> facts) {
}
