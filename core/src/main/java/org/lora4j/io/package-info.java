/**
 * Files: safetensors, single and sharded, read through a memory map and written in one atomic step; PEFT's adapters, of
 * today's and older versions; JSON as Python writes it; text and JSON Lines as people have them. PyTorch's files, GGUF, and
 * adapters without a model have packages of their own within this one.
 *
 * <p>Whatever is read may be damaged or hostile. Every reader checks what a file says about itself before it believes
 * it, allocates nothing that the file's own size does not justify, and fails with one
 * {@link org.lora4j.io.FormatException} that names the file, the tensor or field, what was found and what was expected.
 * Whatever is written is complete or absent: {@link org.lora4j.io.AtomicFile}, {@link org.lora4j.io.AtomicFolder}.
 */
@NullMarked
package org.lora4j.io;

import org.jspecify.annotations.NullMarked;
