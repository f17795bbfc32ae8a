/** BERT (Devlin et al. 2018): positions by column, two kinds of tokens, and a pooler before the head. */
@NullMarked
package org.lora4j.bert;

import org.jspecify.annotations.NullMarked;
