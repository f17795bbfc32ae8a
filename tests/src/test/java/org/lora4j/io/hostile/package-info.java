/** Damaged and hostile files, for all readers: mutations of real files, and tricks one by one. */
package org.lora4j.io.hostile;
