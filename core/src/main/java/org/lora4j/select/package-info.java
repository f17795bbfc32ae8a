/** Choosing modules by name: the words, expressions and patterns of PEFT's configurations. */
package org.lora4j.select;
