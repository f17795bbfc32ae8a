/** Several adapters over one base: switched, combined, and mixed in one batch. */
package org.lora4j.adapters;
