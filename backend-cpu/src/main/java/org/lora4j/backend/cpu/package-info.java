/** {@link org.lora4j.backend.Backend} in {@code float} on {@code jdk.incubator.vector}, with every core. */
package org.lora4j.backend.cpu;
