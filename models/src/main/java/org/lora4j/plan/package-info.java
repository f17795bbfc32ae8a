/** What a model, a method of adaptation and a step of training need: counted by doing it on a backend that holds nothing. */
@NullMarked
package org.lora4j.plan;

import org.jspecify.annotations.NullMarked;
