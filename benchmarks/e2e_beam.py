"""Beam search over E2E's inputs in PyTorch, to compare lora4j's with: how fast Transformers' is, and what the authors' finds.

    python benchmarks/e2e_beam.py MODEL_DIR e2e-dataset.zip --adapter DIR --inputs 30                     # Transformers'
    python benchmarks/e2e_beam.py MODEL_DIR e2e-dataset.zip --adapter DIR --inputs 30 --rules authors --out beam.json

Prints JSON: inputs/s, seconds, and with --out what was written. The inputs are number 0, k, 2k, … of the distinct ones of a
part, in the order in which they first occur, as `lora4j bench beam --inputs` takes them; 0 takes all. The adapter is merged.

--rules transformers: generate() with num_beams, no_repeat_ngram_size, length_penalty and max_new_tokens, and its own ideas
    of the rest: it bans n-grams of the prompt too, does not share their probability among the other tokens, keeps 2 × width
    candidates so that ended ones take no place, and divides by the length without the stop token.
--rules authors: what gpt2_beam.py does, step by step, on Transformers' model with its key/value cache: one row in the first
    step; the score is the sum of log softmax after banning; n-grams of what was written only; an ended row counts
    sum / length^penalty with the stop token in the length, and is at -inf from then on; no early end; at the end all count.
"""
import argparse
import csv
import io
import json
import pathlib
import sys
import time
import zipfile

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import GPT2LMHeadModel

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from e2e_pytorch import context  # noqa: E402


def distinct_contexts(zip_path, name):
    with zipfile.ZipFile(zip_path) as archive:
        text = archive.read(f"e2e-dataset/{name}.csv").decode("utf-8")
    return list(dict.fromkeys(context(row["mr"]) for row in csv.DictReader(io.StringIO(text, newline=""))))


def transformers_beam(model, prompts, args):
    """One best sequence for each prompt, `args.batch` prompts at a time, padded on the left."""
    written, eot = [], model.config.eos_token_id
    for start in range(0, len(prompts), args.batch):
        some = prompts[start:start + args.batch]
        length = max(map(len, some))
        ids = torch.tensor([[eot] * (length - len(p)) + p for p in some])
        mask = torch.tensor([[0] * (length - len(p)) + [1] * len(p) for p in some])
        out = model.generate(input_ids=ids, attention_mask=mask, num_beams=args.beam, do_sample=False,
                             no_repeat_ngram_size=args.no_repeat_ngram, length_penalty=args.length_penalty,
                             max_new_tokens=args.max_new_tokens, eos_token_id=eot, pad_token_id=eot)
        for row in out[:, length:].tolist():
            written.append((row[:row.index(eot)] if eot in row else row, None))
    return written


def banned(history, n):
    tail = history[len(history) - n + 1:]
    return [history[i + n - 1] for i in range(len(history) - n + 1) if history[i:i + n - 1] == tail]


def authors_beam(model, prompt, stop_ids, args):
    width, best, best_score = args.beam, None, None
    out = model(torch.tensor([prompt]), use_cache=True)
    histories, sums = [[]], torch.zeros(1)
    for step in range(args.max_new_tokens):
        logits = out.logits[:, -1]
        for row, history in enumerate(histories):
            if args.no_repeat_ngram and step >= args.no_repeat_ngram:
                logits[row, banned(history, args.no_repeat_ngram)] = -torch.inf
        scores = (sums[:, None] + torch.log_softmax(logits, -1)).flatten()
        sums, at = torch.topk(scores, width)
        parents, tokens = at // logits.shape[-1], at % logits.shape[-1]
        histories = [histories[p] + [t] for p, t in zip(parents.tolist(), tokens.tolist())]
        for row, history in enumerate(histories):
            if history[-1] in stop_ids:
                score = sums[row].item() / len(history) ** args.length_penalty
                if best is None or score > best_score:
                    best, best_score = history[:-1], score
                sums[row] = -torch.inf
        if torch.isinf(sums).all():
            break
        if step == 0:
            out.past_key_values.batch_repeat_interleave(width)
        else:
            out.past_key_values.reorder_cache(parents)
        out = model(tokens[:, None], past_key_values=out.past_key_values, use_cache=True)
    for row, history in enumerate(histories):
        score = sums[row].item() / len(history) ** args.length_penalty
        if best is None or score > best_score:
            best, best_score = history, score
    return best, best_score


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path, help="e2e-dataset.zip")
    parser.add_argument("--adapter", type=pathlib.Path, help="PEFT's folder, merged into the model")
    parser.add_argument("--split", default="testset_w_refs", help="or devset")
    parser.add_argument("--inputs", type=int, default=30, help="0 for all distinct ones")
    parser.add_argument("--rules", choices=["transformers", "authors"], default="transformers")
    parser.add_argument("--batch", type=int, default=1, help="prompts at a time, for Transformers' search")
    parser.add_argument("--beam", type=int, default=10)
    parser.add_argument("--length-penalty", type=float, default=0.9)
    parser.add_argument("--no-repeat-ngram", type=int, default=4)
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--warmup", type=int, default=2, help="inputs that are decoded before the clock starts")
    parser.add_argument("--threads", type=int, help="default: PyTorch's choice")
    parser.add_argument("--out", type=pathlib.Path, help="what was written, as JSON")
    parser.add_argument("--texts", type=pathlib.Path, help="the texts, one a line, for lora4j score")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    model = GPT2LMHeadModel.from_pretrained(args.model, dtype=torch.float32, attn_implementation="sdpa").eval()
    if args.adapter:
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, args.adapter).merge_and_unload()
    tokenizer = ByteLevelBPETokenizer(str(args.model / "vocab.json"), str(args.model / "merges.txt"))
    eot = model.config.eos_token_id
    stop_ids = {eot}
    blank = tokenizer.token_to_id("ĊĊ")
    if blank is not None:
        stop_ids.add(blank)

    contexts = distinct_contexts(args.data, args.split)
    if args.inputs:
        contexts = contexts[:args.inputs * (len(contexts) // args.inputs):len(contexts) // args.inputs]
    prompts = [tokenizer.encode(c).ids + [eot] for c in contexts]

    def decode(some):
        if args.rules == "transformers":
            return transformers_beam(model, some, args)
        return [authors_beam(model, prompt, stop_ids, args) for prompt in some]

    decode(prompts[:max(args.warmup, args.batch if args.warmup else 0)])
    started = time.perf_counter()
    written = decode(prompts)
    seconds = time.perf_counter() - started
    texts = [tokenizer.decode(tokens).split("\n\n")[0].strip() for tokens, _ in written]
    print(json.dumps(dict(rules=args.rules, inputs=len(prompts), batch=args.batch, seconds=seconds,
                          inputs_per_second=len(prompts) / seconds, tokens=sum(len(t) for t, _ in written),
                          beam=args.beam, length_penalty=args.length_penalty, no_repeat_ngram=args.no_repeat_ngram,
                          max_new_tokens=args.max_new_tokens, threads=torch.get_num_threads(),
                          torch=torch.__version__), indent=1))
    if args.out:
        args.out.write_text(json.dumps([dict(prompt=c, text=t, tokens=tokens, score=score)
                                        for c, t, (tokens, score) in zip(contexts, texts, written)], indent=1) + "\n")
    if args.texts:
        args.texts.write_text("".join(t.replace("\n", " ") + "\n" for t in texts))


if __name__ == "__main__":
    main()
