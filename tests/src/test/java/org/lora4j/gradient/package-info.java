/** Backward of whole models against central differences of their loss, in double. */
package org.lora4j.gradient;
