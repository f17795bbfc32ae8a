/** What PyTorch and PEFT compute on small models, and whether every backend computes the same. */
package org.lora4j.golden;
