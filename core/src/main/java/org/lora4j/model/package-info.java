/** What training, decoding and printing may ask of a model, whatever family it is of. */
package org.lora4j.model;
