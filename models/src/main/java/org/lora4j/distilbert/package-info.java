/** DistilBERT (Sanh et al. 2019): half of BERT's blocks, one kind of tokens, and a head of two maps. */
@NullMarked
package org.lora4j.distilbert;

import org.jspecify.annotations.NullMarked;
