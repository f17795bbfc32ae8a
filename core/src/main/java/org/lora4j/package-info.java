/** lora4j: LoRA (Hu et al. 2021) in pure Java. What every part shares is here: errors, and how they name things. */
@NullMarked
package org.lora4j;

import org.jspecify.annotations.NullMarked;
