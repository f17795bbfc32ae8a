/**
 * A pretrained base for experiments where no model hub is reached: MiniLM (a BERT of 6 blocks, 384 wide) out of an artifact of
 * Maven Central that carries it as ONNX, made a folder in Hugging Face layout. Only for tests and measurements.
 */
package org.lora4j.minilm;
