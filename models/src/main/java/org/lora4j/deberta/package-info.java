/** DeBERTa in its second and third versions (He et al. 2021): attention by content and by distance, apart from one another. */
@NullMarked
package org.lora4j.deberta;

import org.jspecify.annotations.NullMarked;
