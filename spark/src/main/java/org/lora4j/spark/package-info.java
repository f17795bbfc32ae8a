/**
 * Training, evaluation and scoring on an Apache Spark cluster. What travels in data-parallel LoRA is the gradient of A and B
 * alone (the paper's section 4.2: 0.01 % of GPT-3), so an ordinary cluster and an ordinary network are enough.
 */
@org.jspecify.annotations.NullMarked
package org.lora4j.spark;
