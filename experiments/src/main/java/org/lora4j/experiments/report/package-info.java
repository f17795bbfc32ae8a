/**
 * What a run leaves for people to look at: its metrics read back from {@code metrics.jsonl}, and one self-contained HTML
 * page with the loss curves, what the model wrote before and after, and the recipe beside the paper's.
 */
package org.lora4j.experiments.report;
