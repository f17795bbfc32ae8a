package org.lora4j.tuning.prefix;

import java.util.List;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** Rows that are a parameter themselves. */
record DirectRows(Parameter table) implements PromptRows {

    @Override
    public void begin(Workspace ws) {
    }

    @Override
    public Tensor made(Workspace ws) {
        return table.value();
    }

    @Override
    public Tensor gradient(Workspace ws) {
        return table.gradient();
    }

    @Override
    public void backward(Workspace ws) {
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(table);
    }
}
