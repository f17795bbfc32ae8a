/** Whole training runs: what they allocate, how they resume, that they learn, and that they repeat bit for bit. */
package org.lora4j.training;
