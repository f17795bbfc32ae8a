"""Golden values of Llama and the models like it: small random ones, adapters saved by PEFT, and what PyTorch computes on them
in float64.

    python tests/golden/make_decoders.py [--out tests/src/test/resources/decoders] [CASE ...]

Files and choices are those of make_golden.py, with which README.md begins. What differs:

* Transformers norms in float32 whatever the model's type is, and makes the angles of rotary embeddings so; both are done in
  float64 here, from frequencies in the float32 in which it keeps them. `case.json` says how far its own logits are from that.
* `greedy.json` has what the model writes behind the first tokens of the batch's first row, with its cache.
"""
import json
import math
import os
import pathlib
import shutil
import types

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import make_golden as golden
from make_golden import all_runs, arguments, key_of, logits_and_loss, make_batch, randomise_adapter, write_json

CASES = {}
SIZES = dict(vocab_size=53, hidden_size=16, intermediate_size=22, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=32, bos_token_id=None, eos_token_id=None, pad_token_id=None)
CONFIGS = {
    "llama": transformers.LlamaConfig, "mistral": transformers.MistralConfig, "qwen2": transformers.Qwen2Config,
    "qwen3": transformers.Qwen3Config, "gemma": transformers.GemmaConfig, "gemma2": transformers.Gemma2Config, "gemma3": transformers.Gemma3TextConfig,
    "phi3": transformers.Phi3Config,
}


def case(kind, name, description, config=None, **fields):
    CASES[f"{kind}_{name}"] = dict(kind=kind, description=description, config=config or {}, **fields)


def qv(r=3, alpha=6, **more):
    return dict(r=r, lora_alpha=alpha, target_modules=["q_proj", "v_proj"], **more)


def everywhere(r=2, alpha=5, **more):
    return dict(r=r, lora_alpha=alpha, target_modules="all-linear", **more)


ROPE = dict(rope_theta=10000.0)
case("llama", "qv", "grouped key heads, LoRA on q and v", lora=qv())
case("llama", "full", "no adapter, all gradients", dict(tie_word_embeddings=True))
case("llama", "biases", "attention_bias and mlp_bias, heads of their own size, LoRA and every bias on all linear maps",
     dict(attention_bias=True, mlp_bias=True, head_dim=6), lora=everywhere(bias="all"))
case("llama", "biases_full", "attention_bias and mlp_bias, no adapter", dict(attention_bias=True, mlp_bias=True))
case("llama", "right_padding", "right padding", lora=everywhere(), batch=dict(rows=4, length=11, padding="right"))
case("llama", "left_padding", "left padding", lora=everywhere(), batch=dict(rows=4, length=11, padding="left"))
case("llama", "embeddings_and_head", "LoRA on embed_tokens and lm_head",
     lora=dict(r=3, lora_alpha=6, target_modules=["embed_tokens", "lm_head", "o_proj"]))
case("llama", "gate_up_down", "LoRA on the perceptron, chosen by an expression, with rslora",
     lora=dict(r=4, lora_alpha=8, target_modules=r".*layers\.1\.mlp\.(gate|up|down)_proj", use_rslora=True))
case("llama", "dora", "DoRA on all linear maps", lora=everywhere(use_dora=True))
case("llama", "linear", "linear scaling, in version 4's words", dict(rope_parameters=dict(ROPE, rope_type="linear", factor=3.0)), lora=qv(),
     version4=True)
case("llama", "dynamic", "dynamic scaling, beyond the positions", dict(rope_parameters=dict(ROPE, rope_type="dynamic", factor=2.5),
     max_position_embeddings=8), lora=qv(), batch=dict(rows=2, length=14))
case("llama", "llama3", "Llama 3.1's scaling", dict(rope_parameters=dict(rope_theta=500.0, rope_type="llama3", factor=8.0,
     low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64), max_position_embeddings=256, head_dim=16),
     lora=qv())
case("llama", "yarn", "YaRN", dict(rope_parameters=dict(rope_theta=500.0, rope_type="yarn", factor=4.0,
     original_max_position_embeddings=64), max_position_embeddings=256, head_dim=16), lora=qv())
case("llama", "yarn_mscale", "YaRN with a scale said otherwise", dict(rope_parameters=dict(rope_theta=500.0, rope_type="yarn",
     factor=4.0, mscale=1.0, mscale_all_dim=0.5, beta_fast=16, beta_slow=2, truncate=False,
     original_max_position_embeddings=64), max_position_embeddings=256, head_dim=16), lora=qv())
case("llama", "bf16_sharded", "a base in bfloat16 and in shards", lora=qv(), dtype="bfloat16", shards="4KB")
case("mistral", "window", "a window of four positions", dict(sliding_window=4), lora=everywhere(), batch=dict(rows=3, length=15))
case("mistral", "window_full", "a window of four positions, left padding, no adapter", dict(sliding_window=4),
     batch=dict(rows=4, length=13, padding="left"))
case("mistral", "no_window", "no window", dict(sliding_window=None), lora=qv())
case("qwen2", "tied", "biases on q, k and v, one table", dict(tie_word_embeddings=True), lora=everywhere())
case("qwen2", "full", "biases on q, k and v, no adapter", {})
case("qwen2", "window", "a window from the second block on", dict(use_sliding_window=True, sliding_window=3, max_window_layers=1),
     lora=everywhere(), batch=dict(rows=3, length=12))
case("qwen3", "all_linear", "norms over heads of their own size", dict(head_dim=6, tie_word_embeddings=True), lora=everywhere(),
     batch=dict(rows=4, length=11, padding="right"))
case("qwen3", "full", "norms over heads, no adapter", dict(head_dim=8, attention_bias=True))
case("gemma", "all_linear", "norms times 1 + w, embeddings times a root", dict(head_dim=6), lora=everywhere())
case("gemma", "embedding", "LoRA on embeddings that are scaled", dict(head_dim=6), lora=dict(r=3, lora_alpha=6, target_modules=["embed_tokens", "v_proj"]))
GEMMA3 = dict(head_dim=6, num_hidden_layers=3, sliding_window=4, query_pre_attn_scalar=9,
              layer_types=["sliding_attention", "full_attention", "sliding_attention"])
case("gemma3", "all_linear", "local and global blocks with two bases, norms behind the branches", GEMMA3, lora=everywhere(),
     batch=dict(rows=3, length=13))
case("gemma3", "full", "local and global blocks, no adapter, left padding",
     dict(GEMMA3, num_hidden_layers=2, layer_types=["sliding_attention", "full_attention"]), batch=dict(rows=4, length=10, padding="left"))
case("gemma3", "softcap", "logits that stay below 3, a global base that is stretched",
     dict(GEMMA3, final_logit_softcapping=3.0, rope_parameters=dict(
         full_attention=dict(rope_type="linear", factor=4.0, rope_theta=1000.0),
         sliding_attention=dict(rope_type="default", rope_theta=100.0))), lora=qv())
case("phi3", "all_linear", "fused maps", lora=everywhere(), batch=dict(rows=4, length=11, padding="right"))
case("phi3", "full", "fused maps, a window, no adapter", dict(sliding_window=5))
case("phi3", "longrope", "two kinds of factors, heads of which a part turns", dict(
    hidden_size=32, max_position_embeddings=32, original_max_position_embeddings=8, rope_parameters=dict(
        rope_type="longrope", rope_theta=1000.0, partial_rotary_factor=0.75, short_factor=[1.0, 1.25, 1.5], long_factor=[2.0, 3.0, 4.5])),
     lora=dict(r=2, lora_alpha=4, target_modules=["qkv_proj"]), batch=dict(rows=2, length=12),
     prompt=10)    # behind the length at which Transformers reads everything anew


case("llama", "four_bits", "a base in four bits as bitsandbytes writes it, scales in eight", dict(hidden_size=24, intermediate_size=40),
     lora=everywhere(), four_bits=True)
case("qwen2", "four_bits_single", "a base in four bits, scales in floats, one table", dict(tie_word_embeddings=True), lora=everywhere(),
     four_bits="single")

GEMMA2 = dict(head_dim=6, num_hidden_layers=3, sliding_window=4, query_pre_attn_scalar=9)
case("gemma2", "all_linear", "scores that stay below 1.5 and logits below 3, a window in every second block",
     dict(GEMMA2, attn_logit_softcapping=1.5, final_logit_softcapping=3.0), lora=everywhere(), batch=dict(rows=3, length=13))
case("gemma2", "full", "scores that stay below 2, no adapter",
     dict(GEMMA2, num_hidden_layers=2, attn_logit_softcapping=2.0, final_logit_softcapping=None))

# ---- four bits, by bitsandbytes' formulas ----------------------------------------------------------------------------

NF4 = torch.tensor([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
                    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
                    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0])


def dynamic_map():
    data = []
    for i in range(7):
        edges = torch.linspace(0.1, 1, 2 ** i + 1, dtype=torch.float32)
        means = (edges[:-1] + edges[1:]) / 2.0
        data += ((10 ** (i - 6)) * means).tolist() + (-(10 ** (i - 6)) * means).tolist()
    return torch.tensor(sorted(data + [0, 1.0]), dtype=torch.float32)


def nearest(table, x):
    return torch.argmin((x[:, None] - table[None]).abs(), dim=1).to(torch.uint8)


def four_bits(name, w, single):
    """bitsandbytes' tensors of a weight, and the weight that they stand for."""
    flat = w.flatten().float()
    blocks = torch.nn.functional.pad(flat, (0, -len(flat) % 64)).view(-1, 64)
    absmax = blocks.abs().amax(1)
    codes = nearest(NF4, (blocks / absmax[:, None]).flatten())[:len(flat)]
    even = torch.nn.functional.pad(codes, (0, len(codes) % 2))
    state = dict(quant_type="nf4", blocksize=64, dtype="float32", shape=list(w.shape))
    out = {name: (even[::2] << 4 | even[1::2])[:, None], name + ".quant_map": NF4}
    scales = absmax
    if single:
        out[name + ".absmax"] = absmax
    else:
        offset, levels = absmax.mean(), dynamic_map()
        rest = absmax - offset
        outer = torch.stack([part.abs().max() for part in rest.split(256)])
        spread = outer.repeat_interleave(256)[:len(rest)]
        eight = nearest(levels, rest / spread)
        scales = levels[eight.long()] * spread + offset
        out |= {name + ".absmax": eight, name + ".nested_absmax": outer, name + ".nested_quant_map": levels}
        state |= dict(nested_blocksize=256, nested_dtype="float32", nested_offset=offset.item())
    out[name + ".quant_state.bitsandbytes__nf4"] = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
    return out, (NF4[codes.long()] * scales.repeat_interleave(64)[:len(flat)]).view(w.shape)


def in_four_bits(folder, single):
    """Turns a saved model into what bitsandbytes would have saved; `expanded` beside it is the model that it stands for."""
    shutil.copytree(folder, "expanded")
    stored, expanded = {}, {}
    for name, w in load_file(folder / "model.safetensors").items():
        if "proj.weight" in name:
            more, expanded[name] = four_bits(name, w, single)
            stored |= more
        else:
            stored[name] = expanded[name] = w
    save_file({k: v.contiguous().clone() for k, v in stored.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    save_file({k: v.contiguous() for k, v in expanded.items()}, "expanded/model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = dict(
        quant_method="bitsandbytes", load_in_4bit=True, load_in_8bit=False, bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=not single, bnb_4bit_compute_dtype="float32", bnb_4bit_quant_storage="uint8")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


@torch.no_grad()
def randomise(model):
    """Weights at which nothing is trivially zero, one or saturated."""
    gemma = "gemma" in model.config.model_type
    for name, p in model.named_parameters():
        if name.endswith("embed_tokens.weight") or name.startswith("lm_head"):
            p.normal_(0, 1.5 / math.sqrt(p.shape[1]))
        elif "norm" in name:
            p.normal_(0.0 if gemma else 1.0, 0.2)
        elif name.endswith("bias"):
            p.normal_(0, 0.1)
        else:
            p.normal_(0, 1.2 / math.sqrt(p.shape[1]))


def norm_forward(self, x):
    weight = 1 + self.weight if "Gemma" in type(self).__name__ else self.weight
    eps = self.eps if hasattr(self, "eps") else self.variance_epsilon
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def softmax(x, dim=None, dtype=None, **more):
    """Eager attention asks for float32, whatever it is given."""
    return torch.softmax(x, dim)


def rotary_forward(self, x, position_ids, layer_type=None):
    more = () if layer_type is None else (layer_type,)
    type(self).forward(self, x, position_ids, *more)      # dynamic kinds choose their frequencies there
    prefix = "" if layer_type is None else f"{layer_type}_"
    frequency, scaling = getattr(self, prefix + "inv_freq"), getattr(self, prefix + "attention_scaling")
    angles = position_ids[:, :, None].double() * frequency[None, None, :].double()
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos() * scaling, angles.sin() * scaling


def in_double(model):
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = types.MethodType(norm_forward, module)
        elif type(module).__name__.endswith("RotaryEmbedding"):
            module.forward = types.MethodType(rotary_forward, module)
    return model


def load(folder, adapter, attention="sdpa", plain=False):
    """The case as a reader finds it on disk, in float64. Returns the model and {adapter file key: parameter}."""
    folder = pathlib.Path("expanded") if pathlib.Path("expanded").exists() else folder
    if json.loads((folder / "config.json").read_text())["model_type"] == "gemma2":
        attention = "eager"    # sdpa passes its cap over
        torch.nn.functional.softmax = softmax
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    model = model.double().eval()
    return model if plain else in_double(model), {key_of(n): p for n, p in model.named_parameters() if p.requires_grad}


def save(model, folder, spec):
    if spec.get("dtype"):
        model = model.to(getattr(torch, spec["dtype"]))
    model.save_pretrained(folder, **({"max_shard_size": spec["shards"]} if spec.get("shards") else {}))
    (folder / "generation_config.json").unlink(missing_ok=True)
    if spec.get("version4"):
        path = folder / "config.json"
        config = json.loads(path.read_text())
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = {"type": rope.pop("rope_type"), **rope}
        path.write_text(json.dumps(config, indent=2) + "\n")


def greedy(model, batch, prompt, count=9):
    row = batch["input_ids"][0] if "attention_mask" not in batch else batch["input_ids"][0][batch["attention_mask"][0] == 1]
    ids = row[None, :prompt]
    with torch.no_grad():
        out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=count,
                             min_new_tokens=count, use_cache=True, pad_token_id=0, eos_token_id=None)
    return dict(prompt=ids[0].tolist(), written=out[0, prompt:].tolist())


def build(name, spec, out, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    model_dir, adapter_dir = pathlib.Path("model"), pathlib.Path("adapter")
    model = AutoModelForCausalLM.from_config(CONFIGS[spec["kind"]](**{**SIZES, **spec["config"]}), dtype=torch.float32)
    randomise(model)
    save(model, model_dir, spec)
    if spec.get("four_bits"):
        in_four_bits(model_dir, spec["four_bits"] == "single")

    lora, saved = spec.get("lora"), []
    if lora:
        base = AutoModelForCausalLM.from_pretrained("expanded" if spec.get("four_bits") else model_dir, dtype=torch.float32)
        tuned = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **lora))
        randomise_adapter(tuned)
        tuned.save_pretrained(adapter_dir)
        (adapter_dir / "README.md").unlink()
        saved = sorted(load_file(adapter_dir / "adapter_model.safetensors"))
    adapter = adapter_dir if lora else None
    batch = make_batch(generator, model.config.vocab_size, **spec.get("batch", dict(rows=3, length=11)))
    save_file(batch, "batch.safetensors")

    model, params = load(model_dir, adapter)
    logits, loss = logits_and_loss(model, batch)
    loss.backward()
    expected = {"logits": logits.detach(), "loss": loss.detach().reshape(1)}
    for key, p in params.items():
        expected[f"grad.{key}"] = p.grad
    golden.check(expected, params, saved, logits, name)
    golden.check_loaded(model, adapter)
    seen = batch["attention_mask"].bool() if "attention_mask" in batch else torch.ones_like(batch["input_ids"]).bool()
    with torch.no_grad():
        theirs = logits_and_loss(load(model_dir, adapter, plain=True)[0], batch)[0]
    far = ((theirs - logits.detach())[seen].abs().max() / logits.detach()[seen].abs().max()).item()
    assert far < 2e-6, (name, far)
    save_file({k: v.contiguous() for k, v in expected.items()}, "expected.safetensors")
    write_json("greedy.json", greedy(load(model_dir, adapter)[0], batch, spec.get("prompt", 4)))
    first_norm = math.sqrt(sum(float((expected[f"grad.{k}"] ** 2).sum()) for k in params))
    runs = all_runs(model_dir, adapter, batch, {}, first_norm, load=load)
    write_json("losses.json", dict(steps=golden.STEPS, batch="batch.safetensors, all of it, every step",
                                   losses="losses[i] is the loss before update i; loss_after the one after the last", runs=runs))
    write_json("case.json", dict(
        name=name, description=spec["description"], method="lora" if lora else "full", attention="sdpa", seed=seed,
        torch=torch.__version__.split("+")[0], transformers=transformers.__version__, peft=peft.__version__,
        trainable_parameters=sum(p.numel() for p in params.values()), loss=loss.item(),
        plain_logits_differ_by=far))
    shutil.rmtree("expanded", ignore_errors=True)
    print(f"{name:28s} loss {loss.item():.6f}  |grad| {first_norm:.4f}  plain {far:.1e}  {len(params)} tensors")


def main():
    out, cases = arguments(__doc__.splitlines()[0], "decoders")
    for number, (name, spec) in enumerate(CASES.items()):
        if not cases or name in cases:
            build(name, spec, out, 500 + number)


if __name__ == "__main__":
    main()
