/** Section 7 of the paper asked of adapters in files: one or two of them, and their base. */
@NullMarked
package org.lora4j.experiments.analysis;

import org.jspecify.annotations.NullMarked;
