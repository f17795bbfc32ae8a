/**
 * Adapter layers: small networks of two maps that a method puts into the blocks, in the forms that the paper compares LoRA with.
 */
@NullMarked
package org.lora4j.tuning.layers;

import org.jspecify.annotations.NullMarked;
