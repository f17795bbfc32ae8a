/** The README tells the truth. */
package org.lora4j.readme;
