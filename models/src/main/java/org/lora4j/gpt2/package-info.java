/** GPT-2 (Radford et al. 2019) of any size: its configuration, its blocks, and its files as Hugging Face lays them out. */
@NullMarked
package org.lora4j.gpt2;

import org.jspecify.annotations.NullMarked;
