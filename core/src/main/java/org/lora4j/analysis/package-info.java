/**
 * Section 7 of the paper: norms, singular values and directions of an adapter's updates, how much two subspaces have in common, and
 * what an update does to its base's weight.
 */
@NullMarked
package org.lora4j.analysis;

import org.jspecify.annotations.NullMarked;
