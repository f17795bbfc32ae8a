/** Comparisons of backends: right ones are within their bounds, and one that is wrong somewhere is found there. */
package org.lora4j.experiments.compare;
