"""Golden values for lora4j: small random GPT-2s, adapters saved by PEFT, and what PyTorch computes on them in float64.

    python tests/golden/make_golden.py [--out tests/src/test/resources/golden] [CASE ...]

Every expected number comes from the files as written: the model folder is read back with Transformers, the adapter with
PEFT, both as float32, then `.double()`. Two choices that are not Transformers' own:

* the loss is computed here, because Transformers casts logits to float32 before its cross-entropy;
* `lora_dropout` is 0 and the model is in eval mode, so nothing is random.

README.md beside this file describes the files, the cases and what was found about PEFT.
"""
import argparse
import json
import math
import os
import pathlib
import shutil
import sys
import warnings

import peft
import torch
import torch.nn.functional as F
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

STEPS = 10
LR = 1e-2
CASES = {}


def case(description, **fields):
    """Registers a case; the function it decorates may edit the PEFT model before it is saved."""
    def register(edit):
        CASES[edit.__name__] = dict(description=description, edit=edit, **fields)
        return edit
    return register


# ---- building blocks ------------------------------------------------------------------------------------------------

def config(**over):
    base = dict(vocab_size=67, n_positions=24, n_embd=20, n_layer=2, n_head=4, n_inner=None,
                activation_function="gelu_new", resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
                layer_norm_epsilon=1e-5, bos_token_id=0, eos_token_id=0, tie_word_embeddings=True)
    return GPT2Config(**{**base, **over})


@torch.no_grad()
def randomise(model):
    """Weights at which nothing is trivially zero, one or saturated."""
    for name, p in model.named_parameters():
        if name.endswith("wte.weight") or name.startswith("lm_head"):
            p.normal_(0, 1.5 / math.sqrt(p.shape[1]))          # logits of standard deviation about 1.5
        elif name.endswith("wpe.weight"):
            p.normal_(0, 0.15)
        elif ".ln_" in name:
            p.normal_(1.0 if name.endswith("weight") else 0.0, 0.2)
        elif name.endswith("bias"):
            p.normal_(0, 0.1)
        else:
            p.normal_(0, 1.2 / math.sqrt(p.shape[0]))           # Conv1D: (in, out)


@torch.no_grad()
def randomise_adapter(model):
    """PEFT starts B (for embeddings: A) at zero; a trained adapter does not look like that. Trained biases move too."""
    for name, p in model.named_parameters():
        if "lora_embedding_A" in name or "lora_B" in name:
            p.normal_(0, 0.12)
        elif "lora_embedding_B" in name:
            p.normal_(0, 0.3)
        elif "lora_A" in name:
            p.normal_(0, 1 / math.sqrt(p.shape[1]))
        elif "lora_magnitude_vector" in name:
            p.mul_(1 + torch.randn_like(p) * 0.2)               # from the lengths of the base's rows
        elif p.requires_grad:
            p.add_(torch.randn_like(p) * 0.05)


def make_batch(generator, vocab, rows, length, padding=None, first_token_loss=False, token_types=False, prompt=3):
    """Right- or left-padded rows of different lengths; the first `prompt` tokens of a row carry no loss."""
    ids = torch.randint(1, vocab, (rows, length), generator=generator)
    labels, mask = ids.clone(), torch.ones_like(ids)
    for b in range(rows):
        pad = 0 if padding is None else [0, 4, length // 2, 1][b % 4]
        if padding == "right":
            mask[b, length - pad:] = 0
            labels[b, :prompt + b] = -100
        elif padding == "left":
            mask[b, :pad] = 0
            if not first_token_loss:
                labels[b, :pad + 1] = -100
        else:
            labels[b, :prompt + b] = -100
    ids[mask == 0] = 0
    labels[mask == 0] = -100
    batch = {"input_ids": ids, "labels": labels}
    if padding:
        batch["attention_mask"] = mask
    if token_types:
        batch["token_type_ids"] = torch.randint(1, vocab, (rows, length), generator=generator)
    return batch


def save_model(model, folder, dtype, shards, hub_keys):
    if dtype != "float32":
        model = model.to(getattr(torch, dtype))
    model.save_pretrained(folder, **({"max_shard_size": shards} if shards else {}))
    (folder / "generation_config.json").unlink(missing_ok=True)
    if hub_keys:    # the layout of the first GPT-2 checkpoints: no "transformer." prefix, causal masks among the weights
        path = folder / "model.safetensors"
        tensors = {k.removeprefix("transformer."): v for k, v in load_file(path).items()}
        n = model.config.n_positions
        for layer in range(model.config.n_layer):
            tensors[f"h.{layer}.attn.bias"] = torch.ones(n, n).tril().view(1, 1, n, n)
        save_file(tensors, path, metadata={"format": "pt"})


def key_of(name):
    """A parameter's key in the adapter's file."""
    return (name.replace(".modules_to_save.default", "").replace(".default", "")
            .replace("lora_magnitude_vector.weight", "lora_magnitude_vector"))


def load(folder, adapter, attention="sdpa"):
    """The case as a reader finds it on disk, in float64. Returns the model and {adapter file key: parameter}."""
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    model = model.double().eval()
    return model, {key_of(n): p for n, p in model.named_parameters() if p.requires_grad}


def logits_and_loss(model, batch):
    logits = model(**{k: v for k, v in batch.items() if k != "labels"}).logits
    assert logits.dtype == torch.float64
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten(), ignore_index=-100)
    return logits, loss


# ---- ten steps ------------------------------------------------------------------------------------------------------

def warmup_then_linear(step, warmup=3, total=STEPS):
    """Transformers' get_linear_schedule_with_warmup; the first step's learning rate is zero."""
    return step / warmup if step < warmup else (total - step) / (total - warmup)


class AuthorsAdamW:
    """The AdamW of the LoRA authors' GPT-2 example: Adam's step first, then p -= lr·wd·p.

    `literal` also takes over their denominator, sqrt(v) + eps before bias correction; otherwise it is PyTorch's,
    sqrt(v / (1 - beta2^t)) + eps.
    """

    def __init__(self, params, eps, weight_decay, literal, betas=(0.9, 0.999)):
        self.params, self.eps, self.wd, self.literal, self.betas, self.t = params, eps, weight_decay, literal, betas, 0
        self.m, self.v = [torch.zeros_like(p) for p in params], [torch.zeros_like(p) for p in params]

    @torch.no_grad()
    def step(self, lr):
        self.t += 1
        (b1, b2), t = self.betas, self.t
        for p, m, v in zip(self.params, self.m, self.v):
            m.mul_(b1).add_(p.grad, alpha=1 - b1)
            v.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
            c1, c2 = 1 - b1 ** t, 1 - b2 ** t
            if self.literal:
                p.addcdiv_(m, v.sqrt().add_(self.eps), value=-lr * math.sqrt(c2) / c1)
            else:
                p.addcdiv_(m / c1, (v / c2).sqrt_().add_(self.eps), value=-lr)
            p.add_(p, alpha=-lr * self.wd)


def ten_steps(folder, adapter, batch, masks, *, name, eps, order, schedule, clip=None, wd=0.01,
              load=load, logits_and_loss=logits_and_loss):
    model, params = load(folder, adapter)
    values = list(params.values())
    lrs = [LR * warmup_then_linear(i) if schedule else LR for i in range(STEPS)]
    if order == "before":
        torch_adam = torch.optim.AdamW(values, lr=LR, betas=(0.9, 0.999), eps=eps, weight_decay=wd)
    else:
        own_adam = AuthorsAdamW(values, eps, wd, literal=order == "after, eps before bias correction")
    losses, norms = [], []
    for lr in lrs:
        model.zero_grad(set_to_none=True)
        _, loss = logits_and_loss(model, batch)
        loss.backward()
        losses.append(loss.item())
        for key, p in params.items():
            if key in masks:
                p.grad.mul_(masks[key])
        norms.append(torch.nn.utils.clip_grad_norm_(values, clip if clip else math.inf).item())
        if order == "before":
            torch_adam.param_groups[0]["lr"] = lr
            torch_adam.step()
        else:
            own_adam.step(lr)
    with torch.no_grad():
        after = logits_and_loss(model, batch)[1].item()
    return dict(name=name, decay_order=order, eps=eps, betas=[0.9, 0.999], weight_decay=wd, lr=lrs, max_grad_norm=clip,
                losses=losses, loss_after=after, grad_norms_before_clipping=norms)


def all_runs(folder, adapter, batch, masks, first_norm, **how):
    run = lambda **k: ten_steps(folder, adapter, batch, masks, **k, **how)
    clip = float(f"{first_norm * 0.6:.2g}")    # below the first steps' norms, above some later ones
    return [
        run(name="adamw", eps=1e-8, order="before", schedule=False),
        run(name="adamw_schedule", eps=1e-6, order="before", schedule=True),
        run(name="authors_order", eps=1e-6, order="after", schedule=True),
        run(name="authors_literal", eps=1e-6, order="after, eps before bias correction", schedule=True),
        run(name="adamw_clipped", eps=1e-8, order="before", schedule=False, clip=clip),
    ]


# ---- one case -------------------------------------------------------------------------------------------------------

def build(name, spec, out, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)                                # relative paths, so that no machine's folders get into the files
    model_dir, adapter_dir = pathlib.Path("model"), pathlib.Path("adapter")

    model = GPT2LMHeadModel(config(**spec.get("config", {})))
    randomise(model)
    save_model(model, model_dir, spec.get("dtype", "float32"), spec.get("shards"), spec.get("hub_keys"))

    notes, masks, saved = dict(spec.get("notes", {})), {}, []
    lora = spec.get("lora")
    if lora:
        base = GPT2LMHeadModel.from_pretrained(model_dir, dtype=torch.float32)
        tuned = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **lora))
        randomise_adapter(tuned)
        spec["edit"](tuned)
        tuned.save_pretrained(adapter_dir)
        (adapter_dir / "README.md").unlink()        # a model card template
        saved = sorted(load_file(adapter_dir / "adapter_model.safetensors"))
    adapter = adapter_dir if lora else None

    batch = make_batch(generator, model.config.vocab_size, **spec.get("batch", dict(rows=3, length=13)))
    save_file(batch, "batch.safetensors")

    model, params = load(model_dir, adapter)
    logits, loss = logits_and_loss(model, batch)
    loss.backward()
    expected = {"logits": logits.detach(), "loss": loss.detach().reshape(1)}
    for key, p in params.items():
        expected[f"grad.{key}"] = p.grad
    if spec.get("merged"):
        masks = merged_qv_masks(params, spec["lora"]["r"] // 2)
        for key, mask in masks.items():
            expected[f"grad_dense.{key}"] = params[key].grad.clone()
            expected[f"grad.{key}"] = params[key].grad * mask
        expected.update(loralib_gradients(params, spec["lora"]["r"] // 2))
    if spec.get("eager"):
        expected["logits_eager"] = logits_and_loss(load(model_dir, adapter, "eager")[0], batch)[0].detach()
        notes["loss_eager"] = logits_and_loss(load(model_dir, adapter, "eager")[0], batch)[1].item()
    check(expected, params, saved, logits, name)
    check_loaded(model, adapter)
    check_transformers_agrees(model_dir, adapter, batch, loss, name)
    save_file({k: v.contiguous() for k, v in expected.items()}, "expected.safetensors")

    first_norm = math.sqrt(sum(float((expected[f"grad.{k}"] ** 2).sum()) for k in params))
    runs = all_runs(model_dir, adapter, batch, masks, first_norm)
    write_json("losses.json", dict(steps=STEPS, batch="batch.safetensors, all of it, every step",
                                   losses="losses[i] is the loss before update i; loss_after the one after the last",
                                   runs=runs))

    trainable = sorted(params)
    write_json("case.json", dict(
        name=name, description=spec["description"], method="lora" if lora else "full", attention="sdpa", seed=seed,
        torch=torch.__version__.split("+")[0], transformers=transformers.__version__, peft=peft.__version__,
        trainable_parameters=sum(p.numel() for p in params.values()), trainable_keys=trainable,
        adapter_file_keys_not_trainable=sorted(set(saved) - set(trainable)),
        trainable_keys_not_in_adapter_file=sorted(set(trainable) - set(saved)) if lora else [],
        loss=loss.item(), **({"notes": notes} if notes else {})))
    print(f"{name:28s} loss {loss.item():.6f}  |grad| {first_norm:.4f}  after ten steps "
          f"{runs[0]['loss_after']:.4f}  {len(params)} tensors, {len(saved)} in the adapter file")


def check(expected, params, saved, logits, name):
    for key, value in expected.items():
        assert torch.isfinite(value).all(), (name, key)
        assert value.abs().max() > 1e-6, (name, key, "is zero")
    assert 0.5 < logits.std() < 8, (name, logits.std())
    for key in saved:
        assert key in params or "base_layer" in key, (name, key)


def check_loaded(model, adapter):
    """PEFT drops what it does not recognise with a warning at most: every saved tensor must have arrived."""
    if adapter:
        arrived = {key_of(k): v for k, v in model.state_dict().items()}
        for key, value in load_file(adapter / "adapter_model.safetensors").items():
            assert torch.equal(arrived[key], value.double()), key


def check_transformers_agrees(model_dir, adapter, batch, loss, name):
    """Our loss is Transformers' own up to its float32."""
    model, _ = load(model_dir, adapter)
    with torch.no_grad():
        theirs = model(**batch).loss.item()
    assert abs(theirs - loss.item()) < 2e-6 * abs(loss.item()), (name, theirs, loss.item())


def merged_qv_masks(params, r):
    """Where B' of a q-and-v MergedLinear may be non-zero: q rows × columns 0..r-1, v rows × columns r..2r-1."""
    masks = {}
    for key, p in params.items():
        if "lora_B" in key:
            d = p.shape[0] // 3
            mask = torch.zeros_like(p)
            mask[:d, :r] = 1
            mask[2 * d:, r:] = 1
            masks[key] = mask
    return masks


def loralib_gradients(params, r):
    """The same gradients in loralib's layout: lora_A (2r, d) and lora_B (2d, r), q's rows before v's."""
    out = {}
    for key, p in params.items():
        place = key.removeprefix("base_model.model.").rsplit(".lora_", 1)[0]
        if "lora_A" in key:
            out[f"grad_loralib.{place}.lora_A"] = p.grad.clone()
        else:
            d = p.shape[0] // 3
            out[f"grad_loralib.{place}.lora_B"] = torch.cat([p.grad[:d, :r], p.grad[2 * d:, r:]])
    return out


def write_json(path, value):
    pathlib.Path(path).write_text(json.dumps(value, indent=1) + "\n")


# ---- the cases ------------------------------------------------------------------------------------------------------

def unchanged(model):
    pass


def simple(name, description, **fields):
    CASES[name] = dict(description=description, edit=unchanged, **fields)


C_ATTN = dict(r=4, lora_alpha=32, target_modules=["c_attn"], fan_in_fan_out=True)

simple("c_attn", "Rank 4 on every c_attn: the smallest useful case; start here when something is wrong.", lora=C_ATTN)

simple("c_attn_c_proj_c_fc",
       "Suffix matching: 'c_proj' is both attn.c_proj and mlp.c_proj. Three layers of 27, so heads of 9.",
       config=dict(n_layer=3, n_embd=27, n_head=3, vocab_size=71),
       lora=dict(r=3, lora_alpha=5, target_modules=["c_attn", "c_proj", "c_fc"], fan_in_fan_out=True),
       batch=dict(rows=2, length=17))

simple("rank_alpha_pattern",
       "rank_pattern and alpha_pattern, by full name, by suffix and by regular expression; fan_in_fan_out is left at its "
       "default, see the README for what PEFT does with it.",
       config=dict(n_layer=3, n_embd=26, n_head=2),
       lora=dict(r=4, lora_alpha=8, target_modules=["c_attn", "mlp.c_proj"],
                 rank_pattern={"transformer.h.0.attn.c_attn": 7, "mlp.c_proj": 2, r"h\.[12]\.attn\.c_attn": 5},
                 alpha_pattern={"h.1.attn.c_attn": 3, r".*\.2\.mlp\.c_proj": 11}))

simple("rslora", "use_rslora: the scale is alpha / sqrt(r), with a rank_pattern, so each rank has its own.",
       lora=dict(r=6, lora_alpha=7, use_rslora=True, target_modules=["c_attn", "c_fc"], fan_in_fan_out=True,
                 rank_pattern={"c_fc": 3}))

simple("bias_all", "bias='all': every bias of the model trains, LayerNorm's too. The saved biases differ from the base's.",
       lora=dict(**C_ATTN, bias="all"))

simple("bias_lora_only", "bias='lora_only': the biases of adapted layers train. See the README for the keys.",
       lora=dict(**C_ATTN, bias="lora_only"))

simple("right_padding", "Rows of different lengths padded on the right, with attention_mask.",
       config=dict(vocab_size=83), lora=C_ATTN, batch=dict(rows=4, length=14, padding="right"), eager=True)

FULLY_MASKED = ("Queries at padded positions before the first real token see no key at all. Here (sdpa) their attention "
                "output is zero; eager attention gives them the mean of all values, see logits_eager.")
simple("left_padding",
       "Padding on the left, positions not shifted (0 is the first column, padded or not). No loss comes from a fully "
       "masked row, so loss and gradients do not depend on what such a row gives.",
       config=dict(vocab_size=83), lora=C_ATTN, batch=dict(rows=4, length=14, padding="left"), eager=True,
       notes={"fully_masked_rows": FULLY_MASKED})

simple("left_padding_first_token",
       "As left_padding, but the first real token is a target too, predicted from a fully masked row: loss and gradients "
       "depend on the zero that sdpa gives there.",
       config=dict(vocab_size=83), lora=C_ATTN,
       batch=dict(rows=4, length=14, padding="left", first_token_loss=True), eager=True,
       notes={"fully_masked_rows": FULLY_MASKED})

simple("layers_to_transform", "Only layers 0 and 2 of three are adapted: nothing below a gradient's first use is needed.",
       config=dict(n_layer=3, n_embd=18, n_head=2),
       lora=dict(**C_ATTN, layers_to_transform=[0, 2], layers_pattern="h"))

simple("top_layer_only", "layers_to_transform with a single number: backward may stop at the last block.",
       config=dict(n_layer=3, n_embd=18, n_head=2), lora=dict(**C_ATTN, layers_to_transform=2))

simple("target_regex", "target_modules as one string: a regular expression that must match the whole module name.",
       config=dict(n_layer=3, n_embd=21, n_head=3),
       lora=dict(r=2, lora_alpha=9, target_modules=r".*\.h\.([01])\.(attn|mlp)\.c_proj", fan_in_fan_out=True))

simple("embedding_wte", "LoRA on the token embedding and on c_attn: lora_embedding_A and _B. The tied head keeps the base.",
       lora=dict(r=4, lora_alpha=6, target_modules=["wte", "c_attn"], fan_in_fan_out=True))

simple("embedding_wpe", "LoRA on the position embedding only.", lora=dict(r=3, lora_alpha=6, target_modules=["wpe"]))

simple("gelu_exact", "activation_function 'gelu' (erf) and n_inner 45 instead of 4 × 20.",
       config=dict(activation_function="gelu", n_inner=45),
       lora=dict(r=4, lora_alpha=16, target_modules=["c_fc", "mlp.c_proj"], fan_in_fan_out=True))

simple("activation_relu", "activation_function 'relu'.", config=dict(activation_function="relu"),
       lora=dict(r=4, lora_alpha=16, target_modules=["c_fc", "mlp.c_proj"], fan_in_fan_out=True))

simple("activation_silu", "activation_function 'silu'.", config=dict(activation_function="silu"),
       lora=dict(r=4, lora_alpha=16, target_modules=["c_fc", "mlp.c_proj"], fan_in_fan_out=True))

simple("inverse_layer_scale", "scale_attn_by_inverse_layer_idx: layer i divides its scores by i + 1 as well.",
       config=dict(n_layer=3, n_embd=18, n_head=2, scale_attn_by_inverse_layer_idx=True), lora=C_ATTN)

simple("unscaled_attention", "scale_attn_weights false, and layer_norm_epsilon 1e-3.",
       config=dict(scale_attn_weights=False, layer_norm_epsilon=1e-3, n_embd=20, n_head=4), lora=C_ATTN)

simple("full_finetuning", "No adapter: gradients of all parameters, under their names in model.safetensors. Tied head.",
       config=dict(n_embd=22, n_head=2, n_inner=37, vocab_size=61), batch=dict(rows=2, length=11))

simple("untied_head", "tie_word_embeddings false: lm_head.weight is its own tensor.",
       config=dict(tie_word_embeddings=False, n_embd=20), lora=C_ATTN)

simple("untied_head_full", "No adapter, untied head: wte and lm_head have different gradients.",
       config=dict(tie_word_embeddings=False, n_embd=18, n_head=3, n_inner=25, vocab_size=61),
       batch=dict(rows=2, length=9))

simple("untied_head_lora", "LoRA on an untied lm_head (no bias there); PEFT then saves the base layer's weight too.",
       config=dict(tie_word_embeddings=False, n_embd=20),
       lora=dict(r=4, lora_alpha=8, target_modules=["lm_head", "c_attn"], fan_in_fan_out=False))

simple("sharded", "Two shards and model.safetensors.index.json.", shards="45KB", lora=C_ATTN)

simple("base_bf16", "The base is stored in bfloat16; the adapter in float32.", dtype="bfloat16", lora=C_ATTN,
       config=dict(vocab_size=129, n_embd=33, n_head=3))

simple("base_f16", "The base is stored in float16; the adapter in float32.", dtype="float16", lora=C_ATTN,
       config=dict(vocab_size=101, n_embd=32, n_head=4))

simple("hub_keys", "The layout of the first GPT-2 checkpoints: names without 'transformer.', and causal masks (attn.bias).",
       hub_keys=True, config=dict(n_embd=20), lora=C_ATTN)

simple("token_types", "token_type_ids: GPT-2 looks them up in wte and adds them.", config=dict(n_embd=20), lora=C_ATTN,
       batch=dict(rows=2, length=10, token_types=True))


@case("MergedLoraLinear of rank 4 and alpha 32 on q and v of c_attn, as one PEFT adapter of rank 8 and alpha 64. "
      "B' (3d × 8) is zero but for the q rows × columns 0..3 and the v rows × columns 4..7; A' has A_q's rows before A_v's.",
      merged=True, config=dict(n_embd=32, vocab_size=97),
      lora=dict(r=8, lora_alpha=64, target_modules=["c_attn"], fan_in_fan_out=True),
      notes={"merged_r": 4, "merged_alpha": 32, "enable_lora": [True, False, True],
             "grad": "grad.<B key> holds the trainable entries' gradients and zero elsewhere",
             "grad_dense": "what PEFT itself, which trains all of B', gets for B'",
             "grad_loralib": "the same in loralib's layout: lora_A (2r, d), lora_B (2d, r)",
             "losses": "only the trainable entries are trained, the zero blocks stay zero"})
def merged_qv(model):
    params = {n: p for n, p in model.named_parameters() if "lora_B" in n}
    with torch.no_grad():
        for name, mask in merged_qv_masks(params, 4).items():
            params[name].mul_(mask)


simple("modules_to_save", "LoRA on c_attn; ln_f, the tied lm_head and c_fc are trained as a whole, on copies: wte stays the base's.",
       config=dict(n_embd=20), lora=dict(**C_ATTN, modules_to_save=["ln_f", "lm_head", "c_fc"]))

simple("modules_to_save_wte", "wte is trained as a whole, on a copy: the tied lm_head stays the base's.",
       config=dict(n_embd=20), lora=dict(**C_ATTN, modules_to_save=["wte"]))

simple("dora_c_attn", seed=101,
       description="use_dora on every c_attn: magnitudes that differ from the lengths of the base's rows.",
       lora=dict(**C_ATTN, use_dora=True))

simple("dora_all_linear", seed=102,
       description="use_dora on every linear map, by all-linear, with trained biases.",
       config=dict(n_embd=24, n_head=3, n_inner=41),
       lora=dict(r=3, lora_alpha=8, target_modules="all-linear", fan_in_fan_out=True, use_dora=True, bias="all"))

simple("dora_rslora", seed=103,
       description="use_dora and use_rslora, with a rank_pattern; the biases of adapted layers train.",
       lora=dict(r=6, lora_alpha=7, use_rslora=True, use_dora=True, target_modules=["c_attn", "mlp.c_proj"],
                 fan_in_fan_out=True, rank_pattern={"c_attn": 2}, bias="lora_only"))

simple("dora_embedding", seed=104,
       description="use_dora on wte, wpe and c_fc: an embedding has a magnitude for each feature, its length being "
                   "taken over the vocabulary.",
       lora=dict(r=4, lora_alpha=6, target_modules=["wte", "wpe", "c_fc"], fan_in_fan_out=True, use_dora=True))

simple("dora_untied_head", seed=105,
       description="use_dora on an untied lm_head, which has no bias, and on attn.c_proj.",
       config=dict(tie_word_embeddings=False, n_embd=20),
       lora=dict(r=4, lora_alpha=8, target_modules=["lm_head", "attn.c_proj"], use_dora=True))


def arguments(description, folder):
    """Where to write and which cases, with everything set so that a run gives the same bytes."""
    if os.environ.get("PYTHONHASHSEED") != "0":     # PEFT writes target_modules in the order of a Python set
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1"})
    parser = argparse.ArgumentParser(description=description)
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--out", type=pathlib.Path, default=here.parent / "src/test/resources" / folder)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    warnings.filterwarnings("ignore", message=".*loss_type.*")
    transformers.utils.logging.disable_progress_bar()
    return args.out.resolve(), args.cases


def main():
    out, cases = arguments(__doc__.splitlines()[0], "golden")
    numbered = [name for name, spec in CASES.items() if "seed" not in spec]
    for name, spec in CASES.items():
        if not cases or name in cases:
            build(name, spec, out, spec["seed"] if "seed" in spec else 1 + numbered.index(name))


if __name__ == "__main__":
    main()
