/**
 * GGUF, the file format of llama.cpp: {@link org.lora4j.io.gguf.GgufFile} reads one whose tensors are not quantised,
 * {@link org.lora4j.io.gguf.GgufWriter} writes one.
 */
@NullMarked
package org.lora4j.io.gguf;

import org.jspecify.annotations.NullMarked;
