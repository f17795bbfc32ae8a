/** What the library's own sources and classes must hold to, read from them. */
package org.lora4j.sources;
