"""One cell of the GLUE table in PyTorch + PEFT, by the recipe of glue_recipe.py: LoRA on query and value.

    python benchmarks/glue_pytorch.py MODEL_DIR GLUE_DIR TASK RANK SEED OUT.json [--threads N] [--steps N]

Batches are of examples of about one length, as lora4j's are; the learning rate rises over the first 6 % of the steps and falls
to zero; the base's dropout is what its config.json says; the dev set is measured at the end.
"""
import argparse
import json
import math
import random
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import glue_recipe as recipe


def encode(tokenizer, examples):
    return [(tokenizer(a, b, truncation="longest_first", max_length=recipe.LENGTH), label) for a, b, label in examples]


def batches(encoded, rng, pad):
    """Examples of about one length side by side, in a new order: shuffled, sorted within pools of 50 batches, batches shuffled."""
    order = list(range(len(encoded)))
    if rng:
        rng.shuffle(order)
    pool = 50 * recipe.BATCH if rng else len(order)
    pieces = []
    for at in range(0, len(order), pool):
        part = sorted(order[at:at + pool], key=lambda i: len(encoded[i][0]["input_ids"]))
        pieces += [part[i:i + recipe.BATCH] for i in range(0, len(part), recipe.BATCH)]
    if rng:
        rng.shuffle(pieces)
    for piece in pieces:
        rows = [encoded[i] for i in piece]
        length = max(len(row["input_ids"]) for row, _ in rows)
        fill = lambda key, value: torch.tensor([row[key] + [value] * (length - len(row[key])) for row, _ in rows])
        batch = {"input_ids": fill("input_ids", pad), "attention_mask": fill("attention_mask", 0)}
        if "token_type_ids" in rows[0][0]:
            batch["token_type_ids"] = fill("token_type_ids", 0)
        yield batch, [label for _, label in rows]


def measured(kind, predicted, wanted):
    if kind == "accuracy":
        return sum(p == w for p, w in zip(predicted, wanted)) / len(wanted)
    p, w = torch.tensor(predicted, dtype=torch.float64), torch.tensor(wanted, dtype=torch.float64)
    p, w = p - p.mean(), w - w.mean()  # of two classes, Matthews' correlation is Pearson's
    size = p.norm() * w.norm()
    return (p @ w / size).item() if size else 0.0


@torch.no_grad()
def evaluate(model, dev, pad, kind):
    model.eval()
    predicted, wanted = [], []
    for batch, labels in batches(dev, None, pad):
        scores = model(**batch).logits
        predicted += (scores[:, 0] if kind == "pearson" else scores.argmax(1)).tolist()
        wanted += labels
    model.train()
    return measured(kind, predicted, wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("model", "glue", "task", "rank", "seed", "out"):
        parser.add_argument(name)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--steps", type=int)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    spec, seed = recipe.TASKS[args.task], int(args.seed)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    train = encode(tokenizer, recipe.read(args.glue, args.task, "train"))
    dev = encode(tokenizer, recipe.read(args.glue, args.task, "dev"))
    regression = spec["measure"] == "pearson"
    model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=1 if regression else 2)
    model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=int(args.rank), lora_alpha=recipe.ALPHA,
                                             target_modules=list(recipe.TARGETS)))
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=1, eps=recipe.EPSILON, weight_decay=recipe.DECAY)
    per_epoch = math.ceil(len(train) / recipe.BATCH)
    steps = args.steps or spec["epochs"] * per_epoch
    warmup = math.ceil(recipe.WARMUP * steps)
    rate = recipe.ROWS[f"lora-{args.rank}"]["lr"]
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate * (step / warmup if step < warmup else (steps - step) / max(1, steps - warmup)))
    model.train()
    step, started, trained = 0, time.time(), 0.0
    while step < steps:
        for batch, labels in batches(train, rng, tokenizer.pad_token_id):
            begun = time.time()
            scores = model(**batch).logits
            loss = torch.nn.functional.mse_loss(scores[:, 0], torch.tensor(labels, dtype=torch.float32)) if regression \
                else torch.nn.functional.cross_entropy(scores, torch.tensor(labels))
            loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            trained += time.time() - begun
            step += 1
            if step == steps:
                break
    best = evaluate(model, dev, tokenizer.pad_token_id, spec["measure"])
    json.dump(dict(task=args.task, row=f"pytorch-lora-{args.rank}", seed=seed, measure=spec["measure"], best=best,
                   steps=steps, trainable=sum(p.numel() for p in trainable), seconds=time.time() - started,
                   training_seconds=trained, torch=torch.__version__), open(args.out, "w"), indent=1)
    print(f"{args.task} r {args.rank} seed {seed}: {spec['measure']} {best:.4f}, {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
