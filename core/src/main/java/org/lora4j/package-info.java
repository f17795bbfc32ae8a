/** lora4j: LoRA (Hu et al. 2021) in pure Java. What every part shares is here: the errors users see. */
package org.lora4j;
