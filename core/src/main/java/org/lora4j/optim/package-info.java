/** What turns gradients into updates: AdamW with both orders of weight decay, schedules, clipping. */
package org.lora4j.optim;
