"""Has the real PEFT write adapters with heads for a small random classifier of every family, and compares what lora4j computes
with them; then the way back. Prints a line for each and the largest difference.

    python tests/golden/peft_classifiers.py [--work DIR] [--family bert …] [--only NAME …] [--backend reference]

Each adapter has random A, B, biases and head. Its base is the body alone, so that the head can only come from the adapter.
PEFT computes in float64 what it loads as float32, `lora4j trace --gradients` loads the same folder; the columns are the
largest error of a tensor relative to its largest value: that of the scores, that of the loss, and the worst gradient's.
`convert` then writes the adapter as peft-bin, and as a loralib file and back, which PEFT loads, and `merge` writes a model that
Transformers' AutoModelForSequenceClassification loads.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import warnings

import peft
import torch
import torch.nn.functional as F
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForSequenceClassification

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOUND = 2e-5
VOCABULARY, LENGTH, PADDING = 61, 11, 1
warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

SIZES = dict(hidden_size=24, num_hidden_layers=3, num_attention_heads=3, intermediate_size=40)
FAMILIES = {
    "bert": (dict(SIZES, max_position_embeddings=20), "query value attention.output.dense intermediate.dense".split()),
    "roberta": (dict(SIZES, max_position_embeddings=22, type_vocab_size=1),
                "query value attention.output.dense intermediate.dense".split()),
    "distilbert": (dict(dim=24, n_layers=3, n_heads=3, hidden_dim=40, max_position_embeddings=20), "q_lin v_lin out_lin lin1".split()),
    "deberta-v2": (dict(SIZES, max_position_embeddings=20, relative_attention=True, pos_att_type=["p2c", "c2p"],
                        position_buckets=4, share_att_key=True, norm_rel_ebd="layer_norm", position_biased_input=False,
                        type_vocab_size=0), "query_proj value_proj attention.output.dense intermediate.dense".split()),
    "gpt2": (dict(n_embd=24, n_layer=3, n_head=3, n_positions=20, bos_token_id=0, eos_token_id=0),
             "c_attn c_attn attn.c_proj c_fc".split()),
}
EMBEDDING = {"gpt2": "wte"}
NORM = {"bert": "attention.output.LayerNorm", "roberta": "attention.output.LayerNorm", "distilbert": "sa_layer_norm",
        "deberta-v2": "attention.output.LayerNorm", "gpt2": "ln_f"}


def cases(family):
    q, v, o, up = FAMILIES[family][1]
    whole = "all-linear" if family != "distilbert" else ["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"]  # PEFT fails
    return {
        "q and v": dict(target_modules=[q, v]),
        "all-linear": dict(target_modules=whole),
        "output and up": dict(target_modules=[o, up]),
        "bias all": dict(target_modules=[q, v], bias="all"),
        "bias lora_only": dict(target_modules=[q, up], bias="lora_only"),
        "rslora": dict(target_modules=[q, v], use_rslora=True),
        "DoRA": dict(target_modules=[q, v, up], use_dora=True),
        "DoRA, rslora, bias all": dict(target_modules=whole, use_dora=True, use_rslora=True, bias="all"),
        "patterns": dict(target_modules=[q, v, o], alpha_pattern={o: 3},
                         rank_pattern={q: 2} | ({} if q == v else {r".*\.1\..*" + v: 6})),
        "layers 0 and 2": dict(target_modules=[q, v], layers_to_transform=[0, 2]),
        "expression": dict(target_modules=r".*\.[12]\..*(" + q + "|" + up.replace(".", r"\.") + ")"),
        "embedding": dict(target_modules=[EMBEDDING.get(family, "word_embeddings"), q]),
        "save a norm too": dict(target_modules=[q, v], modules_to_save=[NORM[family]]),
        "5 labels": dict(target_modules=[q, v], labels=5),
        "regression": dict(target_modules=[q, v], labels=1),
        "bfloat16": dict(target_modules=[q, v], dtype=torch.bfloat16),
    }


def lora4j(*args, fails=False):
    done = subprocess.run([ROOT / "lora4j", *map(str, args)], capture_output=True, text=True)
    if (done.returncode != 0) != fails:
        raise RuntimeError(f"lora4j {' '.join(map(str, args))}: exit code {done.returncode}: {done.stderr}")
    return done.stderr


def config_of(family, labels):
    return AutoConfig.for_model(family, **FAMILIES[family][0], vocab_size=VOCABULARY, pad_token_id=PADDING, num_labels=labels,
                                initializer_range=0.2)


def make_base(work, family):
    """The body alone, and the whole model as a classifier with three labels."""
    torch.manual_seed(3)
    model = AutoModelForSequenceClassification.from_config(config_of(family, 3))
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            parameter.data.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(work / "classifier")
    model.base_model.save_pretrained(work / "body")
    if family == "deberta-v2":  # its pooler stands beside the body, and PEFT does not save it
        tensors = load_file(work / "classifier" / "model.safetensors")
        save_file({k: v for k, v in tensors.items() if not k.startswith("classifier.")}, work / "body" / "model.safetensors",
                  metadata={"format": "pt"})
    if (model.base_model_prefix + ".") not in "".join(load_file(work / "classifier" / "model.safetensors")):
        sys.exit("the classifier's file has no prefix")


def base_model(folder, labels):
    torch.manual_seed(4)
    return AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, num_labels=labels,
                                                              ignore_mismatched_sizes=True)


def batch_of(family, labels, path):
    g = torch.Generator().manual_seed(1)
    ids = torch.randint(2, VOCABULARY, (4, LENGTH), generator=g)
    mask = torch.ones_like(ids)
    for row, length in enumerate((LENGTH, 7, LENGTH, 4)):
        ids[row, length:], mask[row, length:] = PADDING, 0
    batch = {"input_ids": ids, "attention_mask": mask}
    if family == "bert":
        batch["token_type_ids"] = (torch.arange(LENGTH) > 4).long().expand(4, -1).clone() * mask
    answers = torch.randn(4, generator=g) if labels == 1 else torch.randint(labels, (4,), generator=g)
    save_file(batch | {"labels": answers}, path)
    return batch, answers


def make(base, options, out):
    torch.manual_seed(5)
    options = dict(r=4, lora_alpha=8, task_type="SEQ_CLS", lora_dropout=0.0) | options
    labels, dtype = options.pop("labels", 3), options.pop("dtype", None)
    model = get_peft_model(base_model(base, labels), LoraConfig(**options))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.add_(torch.randn_like(parameter) * 0.2)
    if dtype:
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.data = parameter.data.to(dtype)
    model.save_pretrained(out)
    return labels


def file_key(name):
    return name.replace(".modules_to_save.default", "").replace(".default", "").replace(
        "lora_magnitude_vector.weight", "lora_magnitude_vector")


def with_peft(base, adapter, labels, batch, answers=None):
    model = PeftModel.from_pretrained(base_model(base, labels), adapter, is_trainable=True).double().eval()
    scores = model(**batch).logits
    out = {"logits": scores.detach()}
    if answers is not None:
        loss = F.mse_loss(scores[:, 0], answers.double()) if labels == 1 else F.cross_entropy(scores, answers)
        loss.backward()
        out["loss"] = loss.detach().reshape(1)
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and "original_module" not in name:
                out["grad." + file_key(name)] = parameter.grad
    return out


def with_lora4j(base, adapter, work, backend):
    lora4j("trace", "--model", base, "--adapter", adapter, "--backend", backend, "--batch", work / "batch.safetensors",
           "--out", work / "out.safetensors", "--gradients", "--quiet")
    return load_file(work / "out.safetensors")


def error(theirs, ours):
    if theirs.shape != ours.shape:
        return float("inf")
    return ((theirs.double() - ours.double()).abs().max() / theirs.double().abs().max().clamp_min(1e-300)).item()


def check(name, what, *errors, bound=BOUND):
    good = all(e <= bound for e in errors)
    print(f"{name:36} {what:26} " + " ".join(f"{e:.1e}" for e in errors) + ("" if good else "   <-- over the bound"), flush=True)
    return good


def all_ways(name, base, adapter, options, labels, work, args):
    batch, answers = batch_of(args.current, labels, work / "batch.safetensors")
    theirs = with_peft(base, adapter, labels, batch, answers)
    good = True
    for backend in args.backend:
        ours = with_lora4j(base, adapter, work, backend)
        if set(theirs) != set(ours):
            raise RuntimeError(f"not in both: {sorted(set(theirs) ^ set(ours))[:6]}")
        errors = {key: error(theirs[key], ours[key]) for key in theirs}
        # a key's bias has no effect on softmax, so its gradient is rounding and nothing else
        worst = max(e for key, e in errors.items() if key.startswith("grad.") and not is_key_bias(key))
        good &= check(name, f"scores, loss, gradients", errors["logits"], errors["loss"], worst)
    scores = theirs["logits"]
    lora4j("convert", adapter, "--to", "peft-bin", "--out", work / "again", "--overwrite", "--quiet")
    good &= check(name, "as .bin, in PEFT", error(scores, with_peft(base, work / "again", labels, batch)["logits"]))
    shutil.rmtree(work / "again")
    if not options.get("use_dora"):
        lora4j("convert", adapter, "--to", "loralib", "--out", work / "again.pt", "--overwrite", "--quiet")
        alpha = json.loads((adapter / "adapter_config.json").read_text())["lora_alpha"]
        done = lora4j("convert", adapter, "--to", "loralib", "--out", work / "again.pt", "--overwrite")
        alpha = float(done.split("lora_alpha = ")[1].split()[0])
        lora4j("convert", work / "again.pt", "--alpha", alpha, "--to", "peft", "--model", base, "--out", work / "again",
               "--overwrite", "--quiet")
        good &= check(name, "by way of loralib, in PEFT",
                      error(scores, with_peft(base, work / "again", labels, batch)["logits"]),
                      bound=4e-3 if options.get("dtype") else BOUND)
        shutil.rmtree(work / "again")
    lora4j("merge", "--model", base, "--adapter", adapter, "--out", work / "merged", "--overwrite", "--quiet", "--json")
    with torch.no_grad():
        merged = AutoModelForSequenceClassification.from_pretrained(work / "merged", output_loading_info=True)
        model, info = merged
        if info["missing_keys"] or info["unexpected_keys"] or info["mismatched_keys"]:
            raise RuntimeError(f"merged: {info}")
        found = model.double().eval()(**batch).logits
    return check(name, "merged, in Transformers", error(scores, found)) and good


def is_key_bias(key):
    return any(word in key for word in ("self.key.base_layer.bias", "self.key.bias", "k_lin.base_layer.bias", "k_lin.bias",
                                        "key_proj.base_layer.bias", "key_proj.bias"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", default="runs/peft-classifiers", type=pathlib.Path)
    parser.add_argument("--family", nargs="*", default=list(FAMILIES))
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--backend", nargs="*", default=["reference", "cpu"])
    args = parser.parse_args()
    print(f"PyTorch {torch.__version__}, Transformers {transformers.__version__}, PEFT {peft.__version__}\n")
    good = True
    for family in args.family:
        args.current = family
        work = args.work.resolve() / family
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        make_base(work, family)
        for name, options in cases(family).items():
            if args.only and name not in args.only:
                continue
            adapter = work / name.replace(" ", "-").replace(",", "")
            title = f"{family}: {name}"
            try:
                labels = make(work / "body", dict(options), adapter)
            except Exception as e:  # an option this version of PEFT does not take
                print(f"{title:36} PEFT itself fails: {str(e)[:90]}")
                continue
            try:
                good &= all_ways(title, work / "body", adapter, options, labels, work, args)
            except (RuntimeError, KeyError, IndexError) as e:
                good = False
                print(f"{title:36} {str(e)[:1500]}   <-- fails")
    print("\nall within", BOUND) if good else sys.exit("\nsome are over the bound")


if __name__ == "__main__":
    main()
