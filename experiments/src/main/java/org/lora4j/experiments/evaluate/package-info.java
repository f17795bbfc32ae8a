/** Texts that a model writes for the inputs of a test set, kept so that a killed decoding goes on, and scored. */
package org.lora4j.experiments.evaluate;
