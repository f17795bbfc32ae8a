/**
 * The reference backend: double precision and plain loops, each operation as close to its formula as Java allows. Other
 * backends are judged by their distance from it.
 */
package org.lora4j.backend.reference;
