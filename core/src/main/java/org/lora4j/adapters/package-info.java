/**
 * Adapters without a model: what stands in a file, in PEFT's words, so that one format can be turned into another and an
 * adapter be looked at. {@link org.lora4j.adapters.StoredAdapter} is that form, {@link org.lora4j.adapters.AdapterFiles}
 * opens any of the formats.
 */
@NullMarked
package org.lora4j.adapters;

import org.jspecify.annotations.NullMarked;
