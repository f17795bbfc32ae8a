package org.lora4j.adapters;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.select.TargetSelector;
import org.lora4j.tensor.Philox;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraModel;
import org.lora4j.tuning.lora.LoraScaling;

/** Adapters of every kind for a {@code SmallGpt2}, with random numbers in them, as after some training. */
final class SomeAdapters {

    private SomeAdapters() {
    }

    /** One of each kind: parts, whole maps, embeddings, the head, other ranks and scalings, trained biases, DoRA, whole modules. */
    static Map<String, LoraConfig> ofEveryKind() {
        Map<String, LoraConfig> kinds = new LinkedHashMap<>();
        kinds.put("parts", LoraConfig.of(2, 3).withParts("q", "v"));
        kinds.put("keys", LoraConfig.of(3, 1).withParts("k").withPartsInLayers(List.of(1)));
        kinds.put("fused", LoraConfig.of(4, 6).withTargets(names("c_attn", "mlp.c_proj")));
        kinds.put("stabilised", LoraConfig.of(4, 2).withScaling(LoraScaling.ALPHA_OVER_SQRT_R).withTargets(names("c_fc")));
        kinds.put("embedding", LoraConfig.of(2, 2).withTargets(names("wte", "attn.c_proj")));
        kinds.put("positions", LoraConfig.of(1, 2).withParts("v").withTargets(names("wpe")));
        kinds.put("head", LoraConfig.of(2, 5).withTargets(names("lm_head")));
        kinds.put("biased", LoraConfig.of(2, 3).withBias(BiasMode.LORA_ONLY).withTargets(names("c_attn", "c_fc")));
        kinds.put("everyBias", LoraConfig.of(1, 1).withBias(BiasMode.ALL).withParts("q"));
        kinds.put("dora", LoraConfig.of(2, 3).withDora(true).withTargets(names("c_attn", "c_fc", "wte", "lm_head")));
        kinds.put("doraParts", LoraConfig.of(2, 3).withDora(true).withBias(BiasMode.LORA_ONLY).withParts("q", "v"));
        kinds.put("whole", LoraConfig.of(2, 3).withParts("q", "v"));
        return kinds;
    }

    static TargetSelector names(String... names) {
        return TargetSelector.byNames(List.of(names));
    }

    /** All of them in a set over this model. */
    static AdapterSet setOfEveryKind(Gpt2 model) {
        AdapterSet set = new AdapterSet(model);
        ofEveryKind().forEach((name, config) -> set.load(name, base -> random(base, config, name)));
        return set;
    }

    /** Attaches one whose every number is random; biases move a little. One called whole trains some modules as a whole. */
    static LoraAdapter random(LoraModel model, LoraConfig config, String name) {
        LoraAdapter adapter = LoraAdapter.attach(model, config, 1);
        if (name.equals("whole")) {
            adapter.trainWhole(List.of("ln_f", "wte", "h.1.mlp.c_fc"));
        }
        for (Parameter parameter : adapter.trainable()) {
            move(model.backend(), parameter, Philox.site(name + parameter.name()));
        }
        return adapter;
    }

    private static void move(Backend backend, Parameter parameter, int site) {
        float[] values = backend.readFloats(parameter.value());
        float[] noise = new float[values.length];
        new Philox(7).fillNormal(noise, 0.3, 0, site);
        for (int i = 0; i < values.length; i++) {
            values[i] += noise[i];
        }
        backend.upload(values, parameter.value());
    }

    static Gpt2 model(Backend backend) {
        return SmallGpt2.of(SmallGpt2.UNTIED, backend);
    }

    static double[] logits(Gpt2 model, Batch batch) {
        return logits(model, batch, Workspace.forInference(model.backend(), batch.inputIds().length));
    }

    static double[] logits(Gpt2 model, Batch batch, Workspace ws) {
        return model.backend().readDoubles(model.logits(batch, ws));
    }

    /** One row's logits of a batch's. */
    static double[] row(double[] logits, int b, int rows) {
        int size = logits.length / rows;
        return Arrays.copyOfRange(logits, b * size, (b + 1) * size);
    }

    /** Every tensor of the base, as it is now. */
    static List<double[]> values(List<Parameter> parameters, Backend backend) {
        List<double[]> values = new ArrayList<>();
        parameters.forEach(parameter -> values.add(backend.readDoubles(parameter.baseValue())));
        return values;
    }
}
