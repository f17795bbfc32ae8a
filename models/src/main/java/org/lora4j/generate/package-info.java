/** Writing text with a language model: greedy and sampled decoding behind a key/value cache. */
package org.lora4j.generate;
