/**
 * Benchmarks of single operations, sizes as parameters, the scalar {@code reference} beside the vectors of {@code cpu}.
 * How to run them stands in {@code docs/performance.md}.
 */
package org.lora4j.jmh;
