/** RoBERTa (Liu et al. 2019): BERT with positions counted behind the padding, one kind of tokens, and a head of two maps. */
@NullMarked
package org.lora4j.roberta;

import org.jspecify.annotations.NullMarked;
