/**
 * The layers of a Transformer: each has its forward beside its backward, written by hand, with the equations above them.
 * What a backward needs of its forward is kept in a {@link org.lora4j.nn.Workspace}, so that a layer holds nothing but
 * its parameters and any number of passes can share it.
 */
@NullMarked
package org.lora4j.nn;

import org.jspecify.annotations.NullMarked;
