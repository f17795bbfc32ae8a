/** What an adapter changed about single answers: token by token or label by label, and layer by layer. */
@NullMarked
package org.lora4j.experiments.explain;

import org.jspecify.annotations.NullMarked;
