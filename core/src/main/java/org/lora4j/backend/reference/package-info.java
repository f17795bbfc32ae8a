/**
 * The reference backend: double precision and plain loops, each operation as close to its formula as Java allows. Other
 * backends are judged by their distance from it.
 */
@NullMarked
package org.lora4j.backend.reference;

import org.jspecify.annotations.NullMarked;
