/**
 * The contract between model code and the machine: {@link org.lora4j.backend.Backend} names some 25 operations with
 * their formulas, and providers found by {@link java.util.ServiceLoader} implement them.
 */
@NullMarked
package org.lora4j.backend;

import org.jspecify.annotations.NullMarked;
