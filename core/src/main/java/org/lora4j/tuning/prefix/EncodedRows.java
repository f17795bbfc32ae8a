package org.lora4j.tuning.prefix;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.backend.Activation;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/**
 * Rows that a small network makes of a trained table, both of which are left behind when training is over: the
 * reparametrisation of P-tuning (Liu et al. 2021) and of prefix tuning (Li and Liang 2021).
 *
 * <pre>
 *   u₀ = E      zᵢ = uᵢ₋₁·Wᵢᵀ + bᵢ      uᵢ = f(zᵢ)      S = z_m          E: (n, in)   S: (n, W)   m maps, f between them
 *
 *   dz_m = ∂L/∂S      duᵢ₋₁ = dzᵢ·Wᵢ      dzᵢ = duᵢ ⊙ f′(zᵢ)      ∂L/∂E = du₀, and Wᵢ, bᵢ as of any linear map
 * </pre>
 *
 * @param table E
 * @param maps  W₁ to W_m with their biases
 * @param f     between two maps
 */
record EncodedRows(Parameter table, List<Linear> maps, Activation f) implements PromptRows {

    @Override
    public void begin(Workspace ws) {
        Tensor u = table.value();
        for (int i = 0; i < maps.size(); i++) {
            Tensor z = memory("z" + i, i, ws);
            maps.get(i).forward(u, z, ws);
            if (i < maps.size() - 1) {
                u = memory("u" + i, i, ws);
                ws.backend().activate(f, z, u);
            }
        }
        if (ws.training()) {
            ws.backend().fill(gradient(ws), 0);
        }
    }

    private Tensor memory(String name, int map, Workspace ws) {
        return ws.block(this, name, table.value().rows(), maps.get(map).outFeatures());
    }

    @Override
    public Tensor made(Workspace ws) {
        return memory("z" + (maps.size() - 1), maps.size() - 1, ws);
    }

    @Override
    public Tensor gradient(Workspace ws) {
        return memory("dz", maps.size() - 1, ws);
    }

    @Override
    public void backward(Workspace ws) {
        Tensor dz = gradient(ws);
        for (int i = maps.size() - 1; i > 0; i--) {
            Tensor du = memory("du" + i, i - 1, ws);
            maps.get(i).backward(dz, du, ws);
            ws.backend().activateBackward(f, memory("z" + (i - 1), i - 1, ws), du, du);
            dz = du;
        }
        Tensor de = ws.block(this, "de", table.value().rows(), table.value().columns());
        maps.getFirst().backward(dz, de, ws);
        ws.backend().add(de, table.gradient());
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(List.of(table));
        maps.forEach(map -> parameters.addAll(map.parameters()));
        return parameters;
    }
}
