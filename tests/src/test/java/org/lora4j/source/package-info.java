/** What is true of the sources themselves, and found by reading them. */
package org.lora4j.source;
