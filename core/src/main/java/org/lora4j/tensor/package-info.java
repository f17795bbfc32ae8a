/** Shapes, tensors and strided matrix views, and the counter-based random numbers that fill them. */
package org.lora4j.tensor;
