/** Choosing modules by name: the words, expressions and patterns of PEFT's configurations. */
@NullMarked
package org.lora4j.select;

import org.jspecify.annotations.NullMarked;
