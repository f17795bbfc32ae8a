/** What turns gradients into updates: AdamW with both orders of weight decay, schedules, clipping. */
@NullMarked
package org.lora4j.optim;

import org.jspecify.annotations.NullMarked;
