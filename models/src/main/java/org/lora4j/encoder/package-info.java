/**
 * What models that read and do not write have in common, BERT and those made after it: configuration, names, body, files. A
 * family of them is an {@link org.lora4j.encoder.EncoderFamily} with {@link org.lora4j.encoder.EncoderNames} and a
 * {@link org.lora4j.encoder.Spelling} of its fields.
 */
@NullMarked
package org.lora4j.encoder;

import org.jspecify.annotations.NullMarked;
