/** The README and the pages for readers tell the truth. */
package org.lora4j.readme;
