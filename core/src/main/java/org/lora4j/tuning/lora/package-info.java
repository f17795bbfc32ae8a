/**
 * The method of Hu et al. 2021: a frozen map with a trainable low-rank update beside it, its initialisations, its
 * scalings, and which maps of a model get one.
 */
@NullMarked
package org.lora4j.tuning.lora;

import org.jspecify.annotations.NullMarked;
