/** The method: tensors, the backend contract and its reference, layers, LoRA, optimisers, and the files of adapters. */
@SuppressWarnings("requires-automatic") // EJML has no descriptors yet
module org.lora4j.core {
    requires transitive com.fasterxml.jackson.databind;
    requires com.google.common;
    requires ejml.core;
    requires ejml.ddense;
    requires static org.jspecify; // where null is meant; not needed to run

    exports org.lora4j;
    exports org.lora4j.adapters;
    exports org.lora4j.analysis;
    exports org.lora4j.backend;
    exports org.lora4j.backend.reference to org.lora4j.experiments;
    exports org.lora4j.io;
    exports org.lora4j.io.gguf;
    exports org.lora4j.io.torch;
    exports org.lora4j.model;
    exports org.lora4j.nn;
    exports org.lora4j.optim;
    exports org.lora4j.select;
    exports org.lora4j.tensor;
    exports org.lora4j.tuning;
    exports org.lora4j.tuning.layers;
    exports org.lora4j.tuning.lora;
    exports org.lora4j.tuning.prefix;

    uses org.lora4j.backend.BackendProvider;
    uses org.lora4j.model.ModelNames;

    provides org.lora4j.backend.BackendProvider with org.lora4j.backend.reference.ReferenceProvider;
}
