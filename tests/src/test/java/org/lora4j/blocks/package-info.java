/** Blocks made of parts: every form against differences, the places where a method can put something, decoding. */
package org.lora4j.blocks;
