/** Shapes, tensors and strided matrix views, and the counter-based random numbers that fill them. */
@NullMarked
package org.lora4j.tensor;

import org.jspecify.annotations.NullMarked;
