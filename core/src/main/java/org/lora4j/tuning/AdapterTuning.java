package org.lora4j.tuning;

import java.util.List;
import org.lora4j.adapters.PeftFormat;

/** A method at work that is saved as a folder beside the base, as an adapter is: LoRA, adapter layers, prefixes. */
public interface AdapterTuning extends Tuning {

    /** Every trainable tensor as the folder's file has it, in the order of {@link #trainable}. */
    List<PeftFormat.Entry> entries();

    /** What the folder's file has: {@link #entries}, unless a network that is not saved makes some of it. */
    default List<PeftFormat.Entry> savedEntries() {
        return entries();
    }

    /** Ends training, for inference: lets go of the gradients' memory. The values must not change from here on. */
    AdapterTuning freeze();

    @Override
    default Saved saved() {
        return Saved.ADAPTER;
    }
}
