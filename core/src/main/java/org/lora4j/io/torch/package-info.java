/**
 * PyTorch's {@code .pt} and {@code .bin} files, read without running the pickle inside them, and written.
 *
 * <p>{@link org.lora4j.io.torch.TorchFile} opens one as a {@link org.lora4j.io.TensorSource};
 * {@link org.lora4j.io.torch.TorchWriter} writes one. Between them stand a reader of zip archives that takes stored entries
 * only, and an interpreter of a closed set of pickle opcodes and globals that calls nothing.
 */
@NullMarked
package org.lora4j.io.torch;

import org.jspecify.annotations.NullMarked;
