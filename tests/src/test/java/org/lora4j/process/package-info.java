/** The command line as its users meet it: commands on golden values, and processes that are killed or run out of room. */
package org.lora4j.process;
