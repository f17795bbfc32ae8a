/** What {@code lora4j bench} measures: products, training steps, decoding and latency on random weights, and training on E2E. */
package org.lora4j.experiments.bench;
