/**
 * Families of models: {@link org.lora4j.family.ModelFamily} has everything that is true of one {@code model_type} of a
 * {@code config.json}, {@link org.lora4j.family.Families} finds the one that a folder belongs to.
 */
@NullMarked
package org.lora4j.family;

import org.jspecify.annotations.NullMarked;
