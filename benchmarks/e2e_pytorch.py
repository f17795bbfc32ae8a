"""The main job's recipe in PyTorch: LoRA on q and v of a GPT-2, on E2E, to compare lora4j with.

    python benchmarks/e2e_pytorch.py MODEL_DIR e2e-dataset.zip [--out result.json] [--save-adapter DIR]
    python benchmarks/e2e_pytorch.py MODEL_DIR e2e-dataset.zip --pairs 6000 --steps 750 --warmup-ratio 0.1      # demo

Prints JSON: dev loss before and after (mean over all completion tokens of the dev set), examples/s, seconds.

What a run does, for whoever wants the same numbers:

* Context: `name[X], eatType[pub]` becomes `name : X | Type : pub`, fields in the order of the CSV. Names change as in
  FIELD_NAMES, values never. (The authors' own files are tokenised further: `£20-25` is `£ 20 - 25` there and punctuation
  of the text stands alone.)
* Tokens: BPE(context) + [eot] + BPE(" " + text) + [eot], text stripped of outer white space; targets are the completion's
  tokens, its end-of-text included.
* Batches: a seeded permutation of the pairs is cut into windows of 50 batches; each window is sorted by length and cut into
  batches; the batches of all windows are then shuffled. The last window is short and so is one of its batches. Padding is
  on the right to the longest of the batch, so no mask is needed.
* Loss of a step: mean over the batch's completion tokens. AdamW with PyTorch's order of decay; learning rate
  lr·i/warmup in step i = 0, 1, …, then linear to zero; no dropout, smoothing or clipping; float32.
"""
import argparse
import csv
import io
import json
import math
import pathlib
import re
import sys
import time
import zipfile

import torch
import torch.nn.functional as F
from tokenizers import ByteLevelBPETokenizer
from torch import nn
from transformers import GPT2LMHeadModel

FIELD_NAMES = {"eatType": "Type", "familyFriendly": "family friendly", "priceRange": "price"}
FIELD = re.compile(r"(?:^|, )([^\[\]]+)\[([^\[\]]*)\]")


class LoraQV(nn.Module):
    """h = c_attn(x) + s·(x·Aᵀ)·Bᵀ on the q and the v part, as two products of rank r each; c_attn is frozen."""

    def __init__(self, c_attn, r, alpha):
        super().__init__()
        d = c_attn.weight.shape[0]
        self.c_attn, self.r, self.scaling, self.d = c_attn, r, alpha / r, d
        self.lora_A = nn.Parameter(torch.randn(2 * r, d) / math.sqrt(d))    # q's rows, then v's: N(0, 1/in)
        self.lora_B = nn.Parameter(torch.zeros(2, d, r))

    def forward(self, x):
        h = self.c_attn(x)
        u = F.linear(x, self.lora_A) * self.scaling
        h[..., :self.d] += F.linear(u[..., :self.r], self.lora_B[0])
        h[..., 2 * self.d:] += F.linear(u[..., self.r:], self.lora_B[1])
        return h


def context(mr):
    fields = FIELD.findall(mr)
    if ", ".join(f"{name}[{value}]" for name, value in fields) != mr:
        sys.exit(f"cannot read the meaning representation {mr!r}")
    return " | ".join(f"{FIELD_NAMES.get(name, name)} : {value}" for name, value in fields)


def read_pairs(zip_path, name, tokenizer, eot, longest):
    """Token ids and the length of the context, end-of-text included, per pair."""
    with zipfile.ZipFile(zip_path) as archive:
        text = archive.read(f"e2e-dataset/{name}.csv").decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    contexts = tokenizer.encode_batch([context(row["mr"]) for row in rows])
    completions = tokenizer.encode_batch([" " + row["ref"].strip() for row in rows])
    pairs = [(c.ids + [eot] + t.ids + [eot], len(c.ids) + 1) for c, t in zip(contexts, completions)]
    if max(len(ids) for ids, _ in pairs) > longest:
        sys.exit(f"{name}: a pair is longer than the model's {longest} positions")
    return pairs


def grouped_batches(pairs, batch, generator, window=50):
    order = torch.randperm(len(pairs), generator=generator).tolist()
    batches = []
    for start in range(0, len(order), window * batch):
        part = sorted(order[start:start + window * batch], key=lambda i: len(pairs[i][0]))
        batches += [part[i:i + batch] for i in range(0, len(part), batch)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def sum_of_losses(model, rows):
    """Summed negative log-likelihood of the completions' tokens and their number; logits for targets only."""
    length = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([tokens + [0] * (length - len(tokens)) for tokens, _ in rows])
    at, targets = [], []
    for b, (tokens, prompt) in enumerate(rows):
        at += range(b * length + prompt - 1, b * length + len(tokens) - 1)
        targets += tokens[prompt:]
    hidden = model.transformer(input_ids=ids, use_cache=False).last_hidden_state.flatten(0, 1)
    logits = model.lm_head(hidden[torch.tensor(at)])
    return F.cross_entropy(logits, torch.tensor(targets), reduction="sum"), len(targets)


@torch.inference_mode()
def dev_loss(model, pairs, batch=32):
    total, count = 0.0, 0
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]))
    for start in range(0, len(order), batch):
        loss, n = sum_of_losses(model, [pairs[i] for i in order[start:start + batch]])
        total, count = total + loss.item(), count + n
    return total / count


def save_as_peft(model, layers, folder):
    """q and v of rank r as one c_attn adapter of rank 2r and alpha 2·alpha with zero blocks."""
    from peft import LoraConfig
    from safetensors.torch import save_file
    tensors, r = {}, layers[0].r
    for i, layer in enumerate(layers):
        wide = torch.zeros(3 * layer.d, 2 * r)
        wide[:layer.d, :r], wide[2 * layer.d:, r:] = layer.lora_B[0].detach(), layer.lora_B[1].detach()
        key = f"base_model.model.transformer.h.{i}.attn.c_attn"
        tensors[f"{key}.lora_A.weight"] = layer.lora_A.detach().clone()
        tensors[f"{key}.lora_B.weight"] = wide
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    alpha = 2 * layers[0].scaling * r
    alpha = int(alpha) if alpha.is_integer() else alpha
    LoraConfig(task_type="CAUSAL_LM", r=2 * r, lora_alpha=alpha, target_modules=["c_attn"],
               fan_in_fan_out=True, inference_mode=True).save_pretrained(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path, help="e2e-dataset.zip")
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--alpha", type=float, default=32)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--pairs", type=int, help="train on the first so many of a seeded permutation (default: all)")
    parser.add_argument("--steps", type=int, help="default: one epoch")
    parser.add_argument("--warmup", type=int, default=500)
    parser.add_argument("--warmup-ratio", type=float, help="instead of --warmup, a part of the steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="default: PyTorch's choice")
    parser.add_argument("--out", type=pathlib.Path, help="also write the JSON here")
    parser.add_argument("--save-adapter", type=pathlib.Path, metavar="DIR")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)

    model = GPT2LMHeadModel.from_pretrained(args.model, dtype=torch.float32, attn_implementation="sdpa").eval()
    model.requires_grad_(False)
    layers = []
    for block in model.transformer.h:
        block.attn.c_attn = LoraQV(block.attn.c_attn, args.rank, args.alpha)
        layers.append(block.attn.c_attn)
    params = [p for p in model.parameters() if p.requires_grad]

    tokenizer = ByteLevelBPETokenizer(str(args.model / "vocab.json"), str(args.model / "merges.txt"))
    eot, longest = model.config.eos_token_id, model.config.n_positions
    train = read_pairs(args.data, "trainset", tokenizer, eot, longest)
    dev = read_pairs(args.data, "devset", tokenizer, eot, longest)
    if args.pairs:
        train = [train[i] for i in torch.randperm(len(train), generator=generator)[:args.pairs].tolist()]

    steps = args.steps or math.ceil(len(train) / args.batch)
    warmup = round(args.warmup_ratio * steps) if args.warmup_ratio is not None else args.warmup
    optimizer = torch.optim.AdamW(params, lr=args.lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=args.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: i / warmup if i < warmup else max(0, (steps - i) / (steps - warmup)))

    before = dev_loss(model, dev)
    print(f"dev loss before: {before:.4f}", file=sys.stderr, flush=True)
    batches, examples, tokens, curve, recent = [], 0, 0, [], []
    started = time.perf_counter()
    for step in range(steps):
        batches = batches or grouped_batches(train, args.batch, generator)
        rows = [train[i] for i in batches.pop(0)]
        loss, count = sum_of_losses(model, rows)
        optimizer.zero_grad(set_to_none=True)
        (loss / count).backward()
        optimizer.step()
        schedule.step()
        examples, tokens = examples + len(rows), tokens + sum(len(ids) for ids, _ in rows)
        recent.append(loss.item() / count)
        if (step + 1) % 250 == 0 or step + 1 == steps:
            curve.append([step + 1, sum(recent) / len(recent)])
            rate = examples / (time.perf_counter() - started)
            print(f"step {step + 1}/{steps}  train loss {curve[-1][1]:.4f}  {rate:.1f} examples/s",
                  file=sys.stderr, flush=True)
            recent = []
    seconds = time.perf_counter() - started
    if args.save_adapter:
        save_as_peft(model, layers, args.save_adapter)
    after = dev_loss(model, dev)

    result = dict(dev_loss_before=before, dev_loss_after=after, dev_perplexity_before=math.exp(before),
                  dev_perplexity_after=math.exp(after), training_seconds=seconds, examples_per_second=examples / seconds,
                  tokens_per_second=tokens / seconds, examples=examples, steps=steps, warmup=warmup,
                  trainable_parameters=sum(p.numel() for p in params), dev_pairs=len(dev),
                  dev_targets=sum(len(ids) - prompt for ids, prompt in dev), train_pairs=len(train), lr=args.lr,
                  rank=args.rank, alpha=args.alpha, weight_decay=args.weight_decay, batch=args.batch, seed=args.seed,
                  torch=torch.__version__, threads=torch.get_num_threads(), train_loss=curve)
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
