package org.lora4j.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where adapters are loaded to, while requests are answered. */
interface AdapterHost {

    /** Null where there is none of that name. */
    @Nullable ServedAdapter find(String name);

    /**
     * @throws org.lora4j.LoraException if it is none of this base
     * @throws ApiException             if the name is taken
     */
    ServedAdapter load(String name, Path folder);

    /** @throws ApiException if there is none of that name */
    void unload(String name);

    /** What is said of one. */
    ObjectNode described(ServedAdapter adapter);

    /** What is said of all. */
    ObjectNode models();
}
