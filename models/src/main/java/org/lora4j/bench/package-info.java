/** What {@code lora4j bench} measures: products, training steps and decoding on random weights. */
package org.lora4j.bench;
