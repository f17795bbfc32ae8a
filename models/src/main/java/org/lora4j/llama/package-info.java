/**
 * Llama (Touvron et al. 2023) and the models like it, by {@code model_type}: Mistral, Qwen2, Qwen3, Gemma, Gemma 2, Gemma 3's texts,
 * Phi-3. Their configurations, blocks, rotary embeddings, and files as Hugging Face lays them out.
 */
@NullMarked
package org.lora4j.llama;

import org.jspecify.annotations.NullMarked;
