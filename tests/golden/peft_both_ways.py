"""Trades adapters between lora4j and the real PEFT on one base and prints what both compute, as a table for docs/results.md.

    python tests/golden/peft_both_ways.py MODEL_DIR [--work DIR] [--backend cpu] [--steps 5] [--only NAME …]
    python tests/golden/peft_both_ways.py MODEL_DIR --adapter DIR        one adapter that PEFT saved, and nothing else

Ours to PEFT: `lora4j train` makes an adapter, PEFT loads it. PEFT to ours: PEFT makes one, with B and the biases random and
trained for three steps, and `lora4j trace` loads it. In both directions PEFT computes in float64 what it loads as float32,
and the columns are the largest error of a tensor relative to its largest value: that of the logits, that of the loss, and
the worst of all gradients. Where lora4j trains parts of a fused map, PEFT's gradient of B is dense, and only the parts'
blocks are compared, and of DoRA's magnitudes the parts' rows; outside them ours must be zero.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel

from peft_roundtrip import compute, load

ROOT = pathlib.Path(__file__).resolve().parents[2]

# what train is asked for
OURS = {
    "q,v": [],
    "q,v, dropout 0.1": ["--dropout", "0.1"],
    "q,k,v": ["--targets", "q,k,v"],
    "v in layers 1 and 3": ["--targets", "v", "--layers", "1,3"],
    "c_attn, c_proj, c_fc": ["--targets", "c_attn,c_proj,c_fc"],
    "c_attn, bias all": ["--targets", "c_attn", "--bias", "all"],
    "attn.c_proj, bias lora_only": ["--targets", "attn.c_proj", "--bias", "lora_only"],
    "q,v, rslora": ["--rslora"],
    "wte, c_attn": ["--targets", "wte,c_attn"],
    "q,v, DoRA": ["--dora"],
    "c_attn, wte, DoRA, bias all": ["--targets", "c_attn,wte", "--dora", "--bias", "all"],
    "all-linear, DoRA, rslora": ["--targets", "all-linear", "--dora", "--rslora", "--alpha", "4"],
    "all-linear, Kaiming": ["--targets", "all-linear", "--init", "kaiming"],
}

# what PEFT is asked for
THEIRS = {
    "c_attn": dict(r=8, lora_alpha=16, target_modules=["c_attn"]),
    "rank_pattern, alpha_pattern": dict(
        r=4, lora_alpha=8, target_modules=["c_attn", "c_proj", "c_fc"],
        rank_pattern={"attn.c_proj": 2, r"h\.[01]\.mlp\.c_fc": 6}, alpha_pattern={"c_attn": 32}),
    "rslora, bias all": dict(r=4, lora_alpha=8, use_rslora=True, bias="all", target_modules=["c_attn", "mlp.c_proj"]),
    "wte, bias lora_only": dict(r=4, lora_alpha=8, bias="lora_only", target_modules=["wte", "c_fc"]),
    "expression": dict(r=4, lora_alpha=8, target_modules=r"transformer\.h\.[0-3]\.(attn|mlp)\.c_proj"),
    "all-linear": dict(r=4, lora_alpha=8, target_modules="all-linear"),
    "c_attn, DoRA": dict(r=8, lora_alpha=16, target_modules=["c_attn"], use_dora=True),
    "all-linear, wte, DoRA, rslora": dict(
        r=4, lora_alpha=8, target_modules=["c_attn", "c_proj", "c_fc", "wte"], use_dora=True, use_rslora=True, bias="all"),
}


def lora4j(*args):
    done = subprocess.run([ROOT / "lora4j", *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"lora4j {' '.join(map(str, args))}: exit code {done.returncode}: {done.stderr}")


def make_batch(model_dir, path):
    vocab = json.load(open(f"{model_dir}/config.json"))["vocab_size"]
    g = torch.Generator().manual_seed(1)
    ids = torch.randint(vocab, (3, 24), generator=g)
    labels, mask = ids.clone(), torch.ones_like(ids)
    labels[:, :9] = -100
    labels[1, 18:] = -100
    mask[1, 18:] = 0
    save_file({"input_ids": ids, "attention_mask": mask, "labels": labels}, path)


def make_with_peft(model_dir, config, batch, out):
    torch.manual_seed(2)
    base = GPT2LMHeadModel.from_pretrained(model_dir, dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **config))
    trainable = {n: p for n, p in model.named_parameters() if p.requires_grad}
    for name, p in trainable.items():
        p.data.add_(torch.randn_like(p) * 0.02)
    optimizer = torch.optim.AdamW(trainable.values(), lr=1e-3)
    for _ in range(3):
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(out)


def blocks(gradient, parts, rank):
    """Of PEFT's dense gradient of B what belongs to the parts: rows of the part, columns of its rank."""
    kept = torch.zeros_like(gradient)
    width = gradient.shape[0] // 3
    for j, part in enumerate(parts):
        of_part = slice("qkv".index(part) * width, ("qkv".index(part) + 1) * width)
        kept[of_part, j * rank:(j + 1) * rank] = gradient[of_part, j * rank:(j + 1) * rank]
    return kept


def rows(gradient, parts):
    """Of PEFT's gradient of DoRA's magnitudes what belongs to the parts."""
    kept = torch.zeros_like(gradient)
    width = gradient.shape[0] // 3
    for part in parts:
        of_part = slice("qkv".index(part) * width, ("qkv".index(part) + 1) * width)
        kept[of_part] = gradient[of_part]
    return kept


def errors(theirs, ours, parts):
    if set(theirs) != set(ours):
        sys.exit(f"not in both: {sorted(set(theirs) ^ set(ours))}")
    found = {}
    for key, a in theirs.items():
        if parts and key.endswith("lora_B.weight"):
            a = blocks(a, parts, a.shape[1] // len(parts))
        elif parts and key.endswith("lora_magnitude_vector"):
            a = rows(a, parts)
        found[key] = ((a - ours[key].double()).abs().max() / a.abs().max()).item()
    gradients = {k: v for k, v in found.items() if k.startswith("grad.")}
    return found["logits"], found["loss"], max(gradients.values()), len(gradients)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model_dir")
    parser.add_argument("--work", default="runs/peft", type=pathlib.Path)
    parser.add_argument("--backend", default="cpu")
    parser.add_argument("--steps", default=5, type=int)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--adapter", type=pathlib.Path)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    batch_file = args.work / "batch.safetensors"
    make_batch(args.model_dir, batch_file)
    batch = load_file(batch_file)
    print(f"PyTorch {torch.__version__}, Transformers {transformers.__version__}, PEFT {peft.__version__}\n")
    print("| adapter | direction | logits | loss | worst gradient | gradients |\n|---|---|---|---|---|---|")
    cases_of_peft = {args.adapter.name: None} if args.adapter else THEIRS
    for direction, cases in (("lora4j → PEFT", {} if args.adapter else OURS), ("PEFT → lora4j", cases_of_peft)):
        for number, (name, wanted) in enumerate(cases.items()):
            if args.only and name not in args.only:
                continue
            adapter = args.work / f"{'ours' if cases is OURS else 'theirs'}-{number}"
            parts = []
            if cases is OURS:
                lora4j("train", "--model", args.model_dir, "--data", "e2e", "--examples", 64, "--dev-examples", 8,
                       "--samples", 0, "--steps", args.steps, "--lr", "1e-2", "--warmup", 0, *wanted, "--out", adapter,
                       "--overwrite", "--quiet")
                targets = wanted[wanted.index("--targets") + 1] if "--targets" in wanted else "q,v"
                parts = [t for t in "qkv" if t in targets.split(",")]
            elif args.adapter:
                adapter = args.adapter
            else:
                make_with_peft(args.model_dir, wanted, batch, adapter)
            out = args.work / "out.safetensors"
            lora4j("trace", "--model", args.model_dir, "--adapter", adapter, "--batch", batch_file, "--out", out,
                   "--gradients", "--backend", args.backend, "--quiet")
            theirs = compute(load(args.model_dir, adapter), batch, gradients=True)
            logits, loss, gradient, count = errors(theirs, load_file(out), parts)
            print(f"| {name} | {direction} | {logits:.1e} | {loss:.1e} | {gradient:.1e} | {count} |", flush=True)


if __name__ == "__main__":
    main()
