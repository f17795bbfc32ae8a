"""Gives PEFT the prompts that lora4j trains, and prints how far apart the logits are that both compute with them.

    python tests/golden/peft_prompts.py MODEL_DIR [--work DIR] [--lora4j PATH]

`lora4j train` makes each kind in a few steps, PEFT loads the folder as it is and computes in float64, `lora4j trace` in float32.
The other way, PEFT's folders read by lora4j, is PromptValuesTest.
"""
import argparse
import pathlib
import subprocess

import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = ["prompt-tuning:5", "prompt-tuning:5,init=random", "p-tuning:4,width=32", "prefix-tuning:5", "prefix-tuning:3,projection=true"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("peft-prompts"))
    parser.add_argument("--lora4j", nargs="+", default=[str(ROOT / "lora4j")])
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
    ids = torch.randint(1, base.config.vocab_size, (2, 17))
    mask = torch.ones_like(ids)
    mask[1, 12:] = 0
    batch = args.work.resolve() / "batch.safetensors"
    save_file({"input_ids": ids, "attention_mask": mask}, batch)
    for method in METHODS:
        folder = args.work.resolve() / method.replace(":", "-").replace(",", "-").replace("=", "-")
        run = lambda *words: subprocess.run([*args.lora4j, *map(str, words)], check=True, capture_output=True)
        run("train", "--model", args.model, "--data", "e2e", "--method", method, "--examples", 16, "--dev-examples", 4, "--epochs", 1,
            "--lr", "1e-2", "--samples", 0, "--out", folder, "--overwrite")
        run("trace", "--model", args.model, "--adapter", folder, "--batch", batch, "--out", folder / "trace.safetensors")
        ours = load_file(folder / "trace.safetensors")["logits"].double()
        base = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
        model = PeftModel.from_pretrained(base, folder).double().eval()
        with torch.no_grad():
            theirs = model(input_ids=ids, attention_mask=mask).logits[:, -ids.shape[1]:]
        seen = mask.bool()
        error = ((ours - theirs)[seen].abs().max() / theirs[seen].abs().max()).item()
        print(f"{method:36s} {error:.1e}")
        assert error < 2e-5, method


if __name__ == "__main__":
    main()
