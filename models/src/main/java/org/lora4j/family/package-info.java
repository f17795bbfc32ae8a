/**
 * Families of models: {@link org.lora4j.family.ModelFamily} has everything that is true of one {@code model_type} of a
 * {@code config.json}, {@link org.lora4j.family.Families} finds the one that a folder belongs to.
 */
package org.lora4j.family;
