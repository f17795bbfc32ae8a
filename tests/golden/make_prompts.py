"""Golden values of prompt tuning, P-tuning and prefix tuning: small random models, prompts as PEFT saves them, and what PyTorch
and PEFT compute with them in float64.

    python tests/golden/make_prompts.py [--out tests/src/test/resources/prompts] [CASE ...]

Files and choices are those of make_golden.py, with which README.md begins, and of make_decoders.py and make_classifiers.py for
their models. What differs:

* PEFT does not load a prompt to train it, nor save the network that makes one. `trained.safetensors` has what trains, in float32,
  by PEFT's names without `.default`; logits, loss, gradients and losses are those of a fresh PEFT model with these values.
* `adapter/` is what PEFT's `save_pretrained` makes of it, and `logits_saved` what PEFT computes with that folder.
* logits are those of the batch's own tokens: prompt tuning's are cut off what PEFT gives for its virtual tokens.
"""
import json
import math
import os
import pathlib
import shutil

import peft
import torch
import torch.nn.functional as F
import transformers
from peft import PeftModel, PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

import make_classifiers as classifiers
import make_decoders as decoders
import make_golden as golden
from make_golden import all_runs, arguments, write_json

CASES = {}
PROMPTS = {"prompt": PromptTuningConfig, "p": PromptEncoderConfig, "prefix": PrefixTuningConfig}
DECODER = {**decoders.SIZES, "vocab_size": 29, "intermediate_size": 14}
GPT2 = dict(vocab_size=29, n_positions=20, n_embd=12, n_layer=2, n_head=3)
SMALL = dict(vocab_size=29, hidden_size=12, intermediate_size=14, num_attention_heads=3, max_position_embeddings=18)


def case(name, family, kind, description, classifier=False, config=None, batch=None, **prompt):
    CASES[name] = dict(family=family, kind=kind, description=description, classifier=classifier, config=config or {},
                       batch=batch or {}, prompt=prompt)


case("gpt2_prompt", "gpt2", "prompt", "prompt tuning", num_virtual_tokens=4)
case("gpt2_prompt_left", "gpt2", "prompt", "prompt tuning, padding on the left", num_virtual_tokens=3,
     batch=dict(rows=4, length=11, padding="left"))
case("gpt2_p", "gpt2", "p", "P-tuning with its MLP", num_virtual_tokens=3, encoder_hidden_size=5)
case("gpt2_prefix", "gpt2", "prefix", "prefix tuning, padding on the right", num_virtual_tokens=4,
     batch=dict(rows=4, length=11, padding="right"))
case("gpt2_prefix_left", "gpt2", "prefix", "prefix tuning, padding on the left", num_virtual_tokens=2,
     batch=dict(rows=4, length=11, padding="left"))
case("gpt2_prefix_projection", "gpt2", "prefix", "prefix tuning with a projection", num_virtual_tokens=3, prefix_projection=True,
     encoder_hidden_size=5)
case("llama_prompt", "llama", "prompt", "prompt tuning of a Llama with grouped heads", num_virtual_tokens=3,
     batch=dict(rows=4, length=11, padding="right"))
case("llama_p", "llama", "p", "P-tuning of a Llama, as wide as the model", num_virtual_tokens=2)
case("llama_prefix", "llama", "prefix", "prefix tuning of a Llama with grouped heads", num_virtual_tokens=3)
case("qwen3_prefix_projection", "qwen3", "prefix", "prefix tuning with a projection, norms of heads, heads of their own size",
     config=dict(head_dim=6), num_virtual_tokens=2, prefix_projection=True, encoder_hidden_size=4)
case("mistral_prefix", "mistral", "prefix", "prefix tuning behind a window of five positions", config=dict(sliding_window=5),
     num_virtual_tokens=3)
case("bert_prompt", "bert", "prompt", "prompt tuning of a BERT that classifies, types and padding", classifier=True,
     batch=dict(padding="right", token_types=True), num_virtual_tokens=3)
case("roberta_prompt", "roberta", "prompt", "prompt tuning of a RoBERTa that classifies", classifier=True, num_virtual_tokens=2,
     batch=dict(padding="right"))
case("distilbert_p", "distilbert", "p", "P-tuning of a DistilBERT that classifies, whose width PEFT has to be told", classifier=True,
     num_virtual_tokens=2, encoder_hidden_size=5, token_dim=12, num_attention_heads=3)
case("gpt2_classifier_prompt", "gpt2", "prompt", "prompt tuning of a GPT-2 that classifies, without padding: PEFT takes the last "
     "position, padding or not", classifier=True, config=dict(pad_token_id=3), num_virtual_tokens=3)
case("gpt2_classifier_prefix", "gpt2", "prefix", "prefix tuning of a GPT-2 that classifies", classifier=True,
     config=dict(pad_token_id=3), batch=dict(padding="right"), num_virtual_tokens=3)
case("bert_prefix", "bert", "prefix", "prefix tuning of a BERT that classifies", classifier=True, num_virtual_tokens=3,
     batch=dict(padding="right"))


def make(spec):
    if spec["classifier"]:
        config, sizes, model, _ = classifiers.FAMILIES[spec["family"]]
        small = {"gpt2": {**GPT2, "n_inner": 14}, "distilbert": dict(vocab_size=29, dim=12, hidden_dim=14, n_heads=3)}
        made = model(config(**{**sizes, **small.get(spec["family"], SMALL), "num_labels": 3, **spec["config"]}))
        classifiers.randomise(made)
    elif spec["family"] == "gpt2":
        made = golden.GPT2LMHeadModel(golden.config(**GPT2))
        golden.randomise(made)
    else:
        made = AutoModelForCausalLM.from_config(decoders.CONFIGS[spec["family"]](**{**DECODER, **spec["config"]}), dtype=torch.float32)
        decoders.randomise(made)
    return made


def read(spec, dtype=torch.float32):
    kind = AutoModelForSequenceClassification if spec["classifier"] else AutoModelForCausalLM
    return kind.from_pretrained("model", dtype=dtype, attn_implementation="sdpa")


def prompted(spec):
    config = PROMPTS[spec["kind"]](task_type="SEQ_CLS" if spec["classifier"] else "CAUSAL_LM", **spec["prompt"])
    return get_peft_model(read(spec), config)


def key_of(name):
    return name.replace(".modules_to_save.default", "").replace(".default", "").removeprefix("base_model.")


def trainable(model):
    return {key_of(n): p for n, p in model.named_parameters() if p.requires_grad}


def in_double(model):
    return decoders.in_double(model.double().eval())


def load(spec):
    model = prompted(spec)
    for key, value in load_file("trained.safetensors").items():
        trainable(model)[key].data.copy_(value)
    model = in_double(model)
    return model, trainable(model)


def logits_and_loss(model, batch, classifier):
    model.config.use_cache = True
    logits = model(**{k: v for k, v in batch.items() if k != "labels"}).logits
    assert logits.dtype == torch.float64
    if classifier:
        return logits, F.cross_entropy(logits, batch["labels"])
    logits = logits[:, -batch["input_ids"].shape[1]:]
    return logits, F.cross_entropy(logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten(), ignore_index=-100)


@torch.no_grad()
def randomise(model):
    """A prompt that is trained, of about the size of the embeddings, and a head that is no longer the base's."""
    for name, p in model.named_parameters():
        if "prompt_encoder" in name and "embedding" in name:
            p.normal_(0, 0.6)
        elif "prompt_encoder" in name:
            p.normal_(0, 1.2 / math.sqrt(p.shape[-1]) if p.dim() == 2 else 0.2)
        elif p.requires_grad:
            p.add_(torch.randn_like(p) * 0.1)


def build(name, spec, out, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    base = make(spec)
    base.save_pretrained("model")
    pathlib.Path("model/generation_config.json").unlink(missing_ok=True)
    tuned = prompted(spec)
    randomise(tuned)
    save_file({k: p.detach().contiguous() for k, p in trainable(tuned).items()}, "trained.safetensors")
    tuned.save_pretrained("adapter")
    pathlib.Path("adapter/README.md").unlink()
    config = base.config
    batch = (classifiers.make_batch(generator, config, **{"rows": 4, "length": 9, **spec["batch"]}) if spec["classifier"]
             else golden.make_batch(generator, config.vocab_size, **{"rows": 3, "length": 11, **spec["batch"]}))
    save_file(batch, "batch.safetensors")

    model, params = load(spec)
    compute = lambda m, b: logits_and_loss(m, b, spec["classifier"])
    logits, loss = compute(model, batch)
    loss.backward()
    saved = in_double(PeftModel.from_pretrained(read(spec), "adapter"))
    with torch.no_grad():
        logits_saved = compute(saved, batch)[0]
        without = compute(in_double(read(spec)), batch)[0]
    far = (logits_saved - logits).abs().max().item()
    assert far < 1e-5 * logits.abs().max(), (name, far)
    assert (without - logits).abs().max() > 1e-2, (name, "the prompt has no effect")
    expected = {"logits": logits.detach(), "loss": loss.detach().reshape(1), "logits_saved": logits_saved}
    for key, p in params.items():
        assert p.grad.abs().max() > 1e-7, (name, key)
        expected[f"grad.{key}"] = p.grad
    save_file({k: v.contiguous() for k, v in expected.items()}, "expected.safetensors")
    first_norm = math.sqrt(sum(float((p.grad ** 2).sum()) for p in params.values()))
    runs = all_runs(None, None, batch, {}, first_norm, load=lambda *_: load(spec), logits_and_loss=compute)
    write_json("losses.json", dict(steps=golden.STEPS, batch="batch.safetensors, all of it, every step",
                                   losses="losses[i] is the loss before update i; loss_after the one after the last",
                                   runs=[run for run in runs if run["name"] in ("adamw", "authors_order")]))
    write_json("case.json", dict(
        name=name, description=spec["description"], prompt=spec["prompt"], seed=seed, torch=torch.__version__.split("+")[0],
        transformers=transformers.__version__, peft=peft.__version__, trainable_parameters=sum(p.numel() for p in params.values()),
        loss=loss.item(), saved_logits_differ_by=far))
    print(f"{name:28s} loss {loss.item():.6f}  |grad| {first_norm:.4f}  after ten steps {runs[0]['loss_after']:.4f}")


def main():
    where, wanted = arguments(__doc__.splitlines()[0], "prompts")
    for seed, (name, spec) in enumerate(CASES.items()):
        if not wanted or name in wanted:
            build(name, spec, where, 500 + seed)


if __name__ == "__main__":
    main()
