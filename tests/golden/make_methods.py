"""Golden values for methods other than LoRA: adapter layers in small models, and what PyTorch computes on them in float64.

    python tests/golden/make_methods.py [CASE ...]

The models and batches are those of the other cases (golden, decoders, classifiers), which say how they were made. Here an
adapter layer is a module of its own, hooked into Transformers' model where the method has it; no code of lora4j is involved. A
case's folder has the adapter as lora4j saves it, and `expected.safetensors`: logits, loss, and grad.KEY for each tensor.
"""
import json
import pathlib
import shutil
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
import make_decoders
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

RESOURCES = pathlib.Path(__file__).parent.parent / "src/test/resources"
PREFIX = "base_model.model."
ACTIVATIONS = {"gelu": F.gelu, "relu": F.relu, "silu": F.silu, "tanh": torch.tanh}
CASES = {
    # name: (the case whose model and batch it takes, the method's name)
    "gpt2_houlsby": ("golden/c_attn", "houlsby:5"),
    "gpt2_houlsby_norms": ("golden/right_padding", "houlsby:3,activation=tanh,norms=true"),
    "gpt2_lin": ("golden/right_padding", "lin:4"),
    "gpt2_lin_left_padding": ("golden/left_padding", "lin:2,skip=1"),
    "gpt2_classifier_pfeiffer": ("classifiers/gpt2_full", "pfeiffer:4"),
    "llama_houlsby": ("decoders/llama_full", "houlsby:4,activation=silu"),
    "qwen3_lin": ("decoders/qwen3_full", "lin:3"),
    "bert_houlsby_norms": ("classifiers/bert_full", "houlsby:4,norms=true"),
    "bert_pfeiffer": ("classifiers/bert_full", "pfeiffer:3"),
    "roberta_lin": ("classifiers/roberta_full", "lin:4"),
    "distilbert_houlsby": ("classifiers/distilbert_full", "houlsby:2"),
    "deberta_dropped": ("classifiers/deberta_v3_full", "adapterdrop:3,skip=1"),
}
KINDS = {  # places, a norm of its own, activation, blocks left out
    "houlsby": (("attention", "mlp"), False, "gelu", 0),
    "lin": (("after",), True, "relu", 0),
    "pfeiffer": (("after",), False, "relu", 0),
    "adapterdrop": (("after",), False, "relu", 5),
}


class Layer(nn.Module):
    def __init__(self, width, size, norm, activation):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-5) if norm else None
        self.down, self.up = nn.Linear(width, size), nn.Linear(size, width)
        self.activation = ACTIVATIONS[activation]
        with torch.no_grad():
            self.down.weight.normal_(0, width ** -0.5)
            self.up.weight.normal_(0, 0.4)
            self.down.bias.normal_(0, 0.2)
            self.up.bias.normal_(0, 0.2)
            if norm:
                self.norm.weight.normal_(1, 0.2)
                self.norm.bias.normal_(0, 0.2)

    def forward(self, x):
        n = self.norm(x) if self.norm is not None else x
        return x + self.up(self.activation(self.down(n)))


def spots(model):
    """For each block: its name, and for each place the module whose output it changes and the name that lora4j gives it."""
    kind = model.config.model_type
    modules = dict(model.named_modules())
    blocks = {"gpt2": "transformer.h", "llama": "model.layers", "qwen3": "model.layers",
              "distilbert": "distilbert.transformer.layer", "deberta-v2": "deberta.encoder.layer"}.get(kind, kind + ".encoder.layer")
    attention, mlp = {
        "gpt2": (("attn.resid_dropout", "attn"), ("mlp.dropout", "mlp")),
        "llama": (("self_attn", "self_attn"), ("mlp", "mlp")),
        "qwen3": (("self_attn", "self_attn"), ("mlp", "mlp")),
        "distilbert": (("attention.out_lin", "attention"), ("ffn.dropout", "ffn")),
    }.get(kind, (("attention.output.dropout", "attention.output"), ("output.dropout", "output")))
    for i in range(len(modules[blocks])):
        block = f"{blocks}.{i}"
        yield block, {"attention": (modules[f"{block}.{attention[0]}"], f"{block}.{attention[1]}.branch"),
                      "mlp": (modules[f"{block}.{mlp[0]}"], f"{block}.{mlp[1]}.branch"),
                      "after": (modules[block], f"{block}.after")}


def changed(layer):
    def hook(_module, _inputs, output):
        if isinstance(output, tuple):
            return (layer(output[0]),) + output[1:]
        return layer(output)
    return hook


def attach(model, method):
    """Puts the layers in; returns the trained tensors by their names in lora4j."""
    kind, _, text = method.partition(":")
    size, *rest = text.split(",")
    settings = dict(setting.split("=") for setting in rest)
    places, norm, activation, skip = KINDS[kind]
    skip = int(settings.get("skip", skip))
    trained, named = {}, dict(model.named_parameters())
    for i, (block, by_place) in enumerate(spots(model)):
        if i < skip:
            continue
        for place in places:
            module, name = by_place[place]
            layer = Layer(model.config.hidden_size if hasattr(model.config, "hidden_size") else model.config.n_embd, int(size), norm,
                          settings.get("activation", activation))
            module.register_forward_hook(changed(layer))
            trained.update({f"{name}.adapter.{key}": p for key, p in layer.named_parameters()})
        if settings.get("norms") == "true":
            trained.update({key: p for key, p in named.items() if key.startswith(block + ".") and p.dim() == 1 and (
                key.endswith(".weight") or key.removesuffix("bias") + "weight" in named and named[key.removesuffix("bias") + "weight"].dim() == 1)})
    trained.update({key: p for key, p in named.items() if key.split(".")[0] in ("score", "classifier", "pre_classifier")})
    return trained


def make(name):
    of, method = CASES[name]
    out = RESOURCES / "methods" / name
    shutil.rmtree(out, ignore_errors=True)
    (out / "adapter").mkdir(parents=True)
    torch.manual_seed(sum(name.encode()))
    classifies = of.startswith("classifiers")
    auto = AutoModelForSequenceClassification if classifies else AutoModelForCausalLM
    model = auto.from_pretrained(RESOURCES / of / "model", dtype=torch.float32)
    for p in model.parameters():
        p.requires_grad_(False)
    trained = attach(model, method)
    for p in trained.values():
        p.requires_grad_(True)
        p.data.copy_(p.data.float())
    save_file({PREFIX + key: p.detach().float().contiguous() for key, p in trained.items()},
              out / "adapter/adapter_model.safetensors", metadata={"format": "pt"})
    (out / "adapter/adapter_config.json").write_text(json.dumps(
        {"base_model_name_or_path": "model", "inference_mode": True, "method": method, "peft_type": "LORA4J",
         "task_type": "SEQ_CLS" if classifies else "CAUSAL_LM"}, indent=2))
    model = model.double().eval()
    if model.config.model_type in ("llama", "qwen3"):
        model = make_decoders.in_double(model)
    for p in trained.values():
        p.data = p.data.double()
    batch = load_file(RESOURCES / of / "batch.safetensors")
    logits = model(**{k: v.long() if v.dtype != torch.float64 else v for k, v in batch.items() if k != "labels"}).logits
    labels = batch["labels"]
    if classifies:
        loss = F.cross_entropy(logits, labels.long())
    else:
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels.long()[:, 1:].flatten(), ignore_index=-100)
    loss.backward()
    expected = {"logits": logits, "loss": loss.reshape(1)}
    expected.update({"grad." + PREFIX + key: p.grad for key, p in trained.items()})
    save_file({k: v.detach().double().contiguous() for k, v in expected.items()}, out / "expected.safetensors")
    (out / "case.json").write_text(json.dumps({"of": of, "method": method, "torch": torch.__version__}, indent=2) + "\n")
    print(name, method, float(loss), sum(p.numel() for p in trained.values()))


if __name__ == "__main__":
    for chosen in sys.argv[1:] or CASES:
        make(chosen)
