/** What an adapter looks like from outside: the norms and singular values of its updates, as in section 7 of the paper. */
@NullMarked
package org.lora4j.analysis;

import org.jspecify.annotations.NullMarked;
