/**
 * The layers of a Transformer and the blocks made of them: each has its forward beside its backward, written by hand, with
 * the equations above them. What a backward needs of its forward is kept in a {@link org.lora4j.nn.Workspace}, so that a
 * layer holds nothing but its parameters and any number of passes can share it. A {@link org.lora4j.nn.Slot} holds what a
 * method may replace, a {@link org.lora4j.nn.Place} is empty until a method puts something there.
 */
@NullMarked
package org.lora4j.nn;

import org.jspecify.annotations.NullMarked;
