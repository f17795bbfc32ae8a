/**
 * What may be asked of a model, whatever family it belongs to: {@link org.lora4j.model.Model} of any,
 * {@link org.lora4j.model.TrainableModel} of one that has a loss, {@link org.lora4j.model.CausalModel} of one that writes,
 * {@link org.lora4j.model.Classifier} of one that labels. Training, decoding, adapters and the command line use these and
 * never a family's class.
 */
@NullMarked
package org.lora4j.model;

import org.jspecify.annotations.NullMarked;
