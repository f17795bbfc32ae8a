"""Loads an adapter that lora4j wrote with the real PEFT and writes PEFT's logits (and loss, where there are labels). An adapter
whose task type is SEQ_CLS makes a classifier of its base, of any family, with as many labels as its head has.

    python tests/golden/peft_roundtrip.py ADAPTER_DIR MODEL_DIR batch.safetensors out.safetensors [--compare ours.safetensors]

`--compare` prints the largest error of each tensor of ours relative to the largest magnitude in PEFT's, and exits with 1
if one is over `--bound`. A tensor of the adapter file that PEFT does not load unchanged is an error too: PEFT itself only
warns. `--gradients` adds grad.<key> for each trainable tensor, so that the whole of `lora4j trace --gradients` can be
compared.
"""
import argparse
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, GPT2LMHeadModel


def file_key(name):
    """The key in the adapter file: without the adapter's name, and DoRA's magnitudes without the module that holds them."""
    return name.replace(".modules_to_save.default", "").replace(".default", "").replace("lora_magnitude_vector.weight", "lora_magnitude_vector")


def classifies(adapter_dir):
    return json.loads((pathlib.Path(adapter_dir) / "adapter_config.json").read_text()).get("task_type") == "SEQ_CLS"


def labels_of(adapter_dir):
    """How many scores its head gives."""
    heads = ("classifier.weight", "classifier.out_proj.weight", "score.weight")
    tensors = load_file(f"{adapter_dir}/adapter_model.safetensors")
    return next(tensors[key].shape[0] for key in tensors if key.removeprefix("base_model.model.") in heads)


def load(model_dir, adapter_dir):
    if classifies(adapter_dir):
        base = AutoModelForSequenceClassification.from_pretrained(
            model_dir, dtype=torch.float32, num_labels=labels_of(adapter_dir), ignore_mismatched_sizes=True)
    else:
        base = GPT2LMHeadModel.from_pretrained(model_dir, dtype=torch.float32, attn_implementation="sdpa")
    model = PeftModel.from_pretrained(base, adapter_dir, is_trainable=True).double().eval()
    arrived = {file_key(k): v for k, v in model.state_dict().items()}
    for key, value in load_file(f"{adapter_dir}/adapter_model.safetensors").items():
        if key not in arrived or not torch.equal(arrived[key], value.double()):
            sys.exit(f"{adapter_dir}: PEFT did not load {key} {tuple(value.shape)}")
    return model


def compute(model, batch, gradients):
    logits = model(**{k: v for k, v in batch.items() if k != "labels"}).logits
    out = {"logits": logits.detach()}
    if "labels" in batch:
        if batch["labels"].dim() == 1:
            loss = F.cross_entropy(logits, batch["labels"]) if logits.shape[1] > 1 \
                else F.mse_loss(logits[:, 0], batch["labels"].double())
        else:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten(),
                                   ignore_index=-100)
        out["loss"] = loss.detach().reshape(1)
        if gradients:
            loss.backward()
            out.update({f"grad.{file_key(n)}": p.grad
                        for n, p in model.named_parameters() if p.requires_grad and "original_module" not in n})
    return out


def compare(theirs, ours, bound):
    worst = 0.0
    for key in sorted(set(theirs) & set(ours)):
        a, b = theirs[key].double(), ours[key].double()
        if a.shape != b.shape:
            sys.exit(f"{key}: shape {tuple(b.shape)}, PEFT has {tuple(a.shape)}")
        error = ((a - b).abs().max() / a.abs().max().clamp_min(1e-300)).item()
        worst = max(worst, error)
        print(f"{error:.3e}  {key}")
    for key in sorted(set(theirs) ^ set(ours)):
        print(f"only in {'PEFT' if key in theirs else 'ours'}: {key}")
    print(f"max relative error {worst:.3e}, bound {bound:.0e}")
    return worst <= bound


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("adapter_dir", "model_dir", "batch", "out"):
        parser.add_argument(name)
    parser.add_argument("--compare", metavar="ours.safetensors")
    parser.add_argument("--gradients", action="store_true")
    parser.add_argument("--bound", type=float, default=2e-5)
    args = parser.parse_args()
    theirs = compute(load(args.model_dir, args.adapter_dir), load_file(args.batch), args.gradients)
    save_file({k: v.contiguous() for k, v in theirs.items()}, args.out)
    if args.compare and not compare(theirs, load_file(args.compare), args.bound):
        sys.exit(1)


if __name__ == "__main__":
    main()
