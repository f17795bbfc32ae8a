"""Has the real PEFT write adapters with every option it has for GPT-2, in both of its layouts and in those of its older
versions, and compares what lora4j computes with them. Prints a line for each and the largest difference.

    python tests/golden/peft_matrix.py [--work DIR] [--only NAME …]

Each adapter has random A, B, biases and saved modules. PEFT computes in float64 what it loads; `lora4j trace --backend
reference` loads the same folder; the difference is the largest of the logits, relative to the largest logit. Then `lora4j
convert` writes the adapter again, as peft-bin and as gguf and back where that is possible, and PEFT loads that; and `lora4j
merge` writes a model that Transformers loads. Adapters that lora4j must refuse are checked to be refused by the field's name.
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
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOUND = 2e-5
warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

CASES = {
    "c_attn": dict(target_modules=["c_attn"]),
    "all three lists": dict(target_modules=["c_attn", "c_proj", "c_fc"]),
    "attn.c_proj": dict(target_modules=["attn.c_proj"]),
    "mlp.c_proj": dict(target_modules=["mlp.c_proj"]),
    "full names": dict(target_modules=["transformer.h.0.attn.c_attn", "transformer.h.1.mlp.c_fc"]),
    "expression": dict(target_modules=r".*\.(?:c_attn|c_fc)"),
    "expression of layers": dict(target_modules=r"transformer\.h\.[12]\..*c_proj"),
    "expression of wte": dict(target_modules=r".*(wte|c_attn)"),
    "all-linear": dict(target_modules="all-linear"),
    "all-linear but": dict(target_modules="all-linear", exclude_modules=["c_fc"]),
    "exclude expression": dict(target_modules=["c_attn", "c_proj"], exclude_modules=r".*mlp.*"),
    "exclude one": dict(target_modules=["c_proj"], exclude_modules=["transformer.h.0.attn.c_proj"]),
    "layer 1": dict(target_modules=["c_attn"], layers_to_transform=1),
    "layers 0 and 2": dict(target_modules=["c_attn", "c_fc"], layers_to_transform=[0, 2]),
    "layers_pattern": dict(target_modules=["c_attn"], layers_to_transform=[1], layers_pattern="h"),
    "layers_pattern list": dict(target_modules=["c_attn"], layers_to_transform=[1, 2], layers_pattern=["h", "layers"]),
    "rank_pattern": dict(target_modules=["c_attn", "c_proj"], rank_pattern={"attn.c_proj": 2, "c_attn": 5}),
    "rank_pattern expression": dict(target_modules=["c_attn", "c_proj"], rank_pattern={r"h\.[01]\.mlp\.c_proj": 3}),
    "alpha_pattern": dict(target_modules=["c_attn", "c_fc"], alpha_pattern={"c_fc": 3, "h.1.attn.c_attn": 64}),
    "both patterns": dict(target_modules=["c_attn", "c_fc"], rank_pattern={"c_fc": 7}, alpha_pattern={"c_fc": 5}),
    "rslora": dict(target_modules=["c_attn"], use_rslora=True),
    "rslora and patterns": dict(target_modules=["c_attn", "c_fc"], use_rslora=True, rank_pattern={"c_fc": 9},
                                alpha_pattern={"c_attn": 3}),
    "bias all": dict(target_modules=["c_attn"], bias="all"),
    "bias lora_only": dict(target_modules=["c_attn", "mlp.c_proj"], bias="lora_only"),
    "wte": dict(target_modules=["wte"]),
    "wte and wpe": dict(target_modules=["wte", "wpe", "c_attn"]),
    "lm_head": dict(target_modules=["lm_head", "c_attn"]),
    "wte and lm_head": dict(target_modules=["wte", "lm_head"]),
    "dropout": dict(target_modules=["c_attn"], lora_dropout=0.3),
    "alpha 0.5": dict(target_modules=["c_attn"], lora_alpha=0.5),
    "r 1": dict(target_modules=["c_attn"], r=1),
    "r 40, more than the width": dict(target_modules=["c_proj"], r=40),
    "gaussian": dict(target_modules=["c_attn"], init_lora_weights="gaussian"),
    "no init": dict(target_modules=["c_attn"], init_lora_weights=False),
    "orthogonal": dict(target_modules=["c_attn"], init_lora_weights="orthogonal"),
    "save ln_f": dict(target_modules=["c_attn"], modules_to_save=["ln_f"]),
    "save lm_head": dict(target_modules=["c_attn"], modules_to_save=["lm_head"]),
    "save wte": dict(target_modules=["c_attn"], modules_to_save=["wte"]),
    "save wte and lm_head": dict(target_modules=["c_attn"], modules_to_save=["wte", "lm_head"]),
    "save wpe": dict(target_modules=["c_attn"], modules_to_save=["wpe"]),
    "save mlp": dict(target_modules=["c_attn"], modules_to_save=["mlp"]),
    "save c_fc": dict(target_modules=["c_attn"], modules_to_save=["c_fc"]),
    "save a layer": dict(target_modules=["c_attn"], modules_to_save=["h.2"]),
    "save ln_1, bias lora_only": dict(target_modules=["c_attn"], modules_to_save=["ln_1"], bias="lora_only"),
    "save ln_f, all-linear": dict(target_modules="all-linear", modules_to_save=["ln_f"]),
    "fan_in_fan_out said": dict(target_modules=["c_attn"], fan_in_fan_out=True),
    "runtime_config": dict(target_modules=["c_attn"], runtime_config=dict(ephemeral_gpu_offload=False)),
    "no task": dict(target_modules=["c_attn"], task_type=None),
    "bfloat16": dict(target_modules=["c_attn", "c_fc"], dtype=torch.bfloat16),
    "float16": dict(target_modules=["c_attn", "c_fc"], dtype=torch.float16),
    "all at once": dict(target_modules=["c_attn", "c_proj", "wte"], exclude_modules=["h.0.mlp.c_proj"], use_rslora=True,
                        rank_pattern={"c_attn": 6}, alpha_pattern={"wte": 2}, bias="lora_only", modules_to_save=["ln_f"]),
}

REFUSED = {
    "use_qalora": (dict(use_qalora=True), "use_qalora"),
    "lora_bias": (dict(lora_bias=True), "lora_bias"),
    "layer_replication": (dict(layer_replication=[[0, 2], [1, 3]]), "layer_replication"),
    "trainable_token_indices": (dict(trainable_token_indices=[1, 2]), "trainable_token_indices"),
    "target_parameters": (dict(target_parameters=["x.weight"]), "target_parameters"),
    "megatron_config": (dict(megatron_config={"a": 1}), "megatron_config"),
    "alora": (dict(alora_invocation_tokens=[5, 6]), "alora_invocation_tokens"),
    "arrow": (dict(arrow_config={"top_k": 2}), "arrow_config"),
    "bdlora": (dict(use_bdlora={"nblocks": 2}), "use_bdlora"),
    "velora": (dict(velora_config={"num_groups": 2}), "velora_config"),
    "kasa": (dict(kasa_config={"beta": 1}), "kasa_config"),
    "monteclora": (dict(monteclora_config={"use_entropy": True}), "monteclora_config"),
    "ensure_weight_tying": (dict(ensure_weight_tying=True), "ensure_weight_tying"),
    "pissa": (dict(init_lora_weights="pissa"), "pissa"),
    "pissa_niter": (dict(init_lora_weights="pissa_niter_4"), "pissa"),
    "olora": (dict(init_lora_weights="olora"), "olora"),
    "corda": (dict(init_lora_weights="corda"), "corda"),
    "loftq": (dict(init_lora_weights="loftq"), "loftq"),
    "lora_ga": (dict(init_lora_weights="lora_ga"), "lora_ga"),
    "unknown init": (dict(init_lora_weights="new_kind"), "new_kind"),
    "unknown field": (dict(use_new_thing=True), "use_new_thing"),
    "ia3": (dict(peft_type="IA3"), "IA3"),
}


def lora4j(*args, fails=False):
    done = subprocess.run([ROOT / "lora4j", *map(str, args)], capture_output=True, text=True)
    if (done.returncode != 0) != fails:
        raise RuntimeError(f"lora4j {' '.join(map(str, args))}: exit code {done.returncode}: {done.stderr}")
    return done.stderr


def make_bases(work):
    for name, tied in (("tied", True), ("untied", False)):
        torch.manual_seed(3)
        config = GPT2Config(vocab_size=97, n_positions=20, n_embd=24, n_layer=3, n_head=3, tie_word_embeddings=tied,
                            bos_token_id=0, eos_token_id=0)
        model = GPT2LMHeadModel(config)
        for parameter in model.parameters():
            parameter.data.add_(torch.randn_like(parameter) * 0.1)
        model.save_pretrained(work / name)


def make(base, options, out):
    torch.manual_seed(5)
    model = GPT2LMHeadModel.from_pretrained(base, dtype=torch.float32)
    options = dict(r=4, lora_alpha=8, task_type="CAUSAL_LM", lora_dropout=0.0) | options
    dtype = options.pop("dtype", None)
    model = get_peft_model(model, LoraConfig(**options))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.add_(torch.randn_like(parameter) * 0.2)
    if dtype:
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.data = parameter.data.to(dtype)
    model.save_pretrained(out)
    tensors = load_file(out / "adapter_model.safetensors")
    binary = out.with_name(out.name + "-bin")
    shutil.rmtree(binary, ignore_errors=True)
    binary.mkdir()
    shutil.copy(out / "adapter_config.json", binary)
    torch.save(tensors, binary / "adapter_model.bin")
    return tensors


def with_peft(base, adapter, ids):
    model = PeftModel.from_pretrained(GPT2LMHeadModel.from_pretrained(base, dtype=torch.float32), adapter)
    with torch.no_grad():
        return model.double().eval()(input_ids=ids).logits


def with_lora4j(base, adapter, work):
    lora4j("trace", "--model", base, "--adapter", adapter, "--backend", "reference", "--batch", work / "batch.safetensors",
           "--out", work / "out.safetensors", "--quiet")
    return load_file(work / "out.safetensors")["logits"].double()


def check(name, what, expected, found, bound=BOUND):
    error = ((expected - found).abs().max() / expected.abs().max()).item()
    verdict = "" if error <= bound else "   <-- over the bound"
    print(f"{name:32} {what:26} {error:.1e}{verdict}", flush=True)
    return error <= bound


def all_ways(out, base, base_name, options, ids, work):
    """One adapter: read in both layouts, written again, by way of GGUF, merged."""
    expected = with_peft(base, out, ids)
    good = check(out.name, "safetensors", expected, with_lora4j(base, out, work))
    binary = out.with_name(out.name + "-bin")
    good &= check(out.name, "bin", expected, with_lora4j(base, binary, work))
    lora4j("convert", binary, "--to", "peft", "--out", work / "again", "--overwrite", "--quiet")
    good &= check(out.name, "bin to peft, in PEFT", expected, with_peft(base, work / "again", ids))
    lora4j("convert", out, "--to", "peft-bin", "--out", work / "again", "--overwrite", "--quiet")
    good &= check(out.name, "peft to bin, in PEFT", expected, with_peft(base, work / "again", ids))
    if base_name == "tied" and not {"bias", "modules_to_save"} & set(options) and "wpe" not in str(options):
        lora4j("convert", out, "--out", work / "adapter.gguf", "--overwrite", "--quiet")
        lora4j("convert", work / "adapter.gguf", "--out", work / "again", "--overwrite", "--quiet", "--model", base)
        # where B had to be multiplied in 16 bits, it was rounded once more
        bound = 4e-3 if options.get("dtype") else BOUND
        good &= check(out.name, "by way of gguf, in PEFT", expected, with_peft(base, work / "again", ids), bound)
    lora4j("merge", "--model", base, "--adapter", out, "--out", work / "merged", "--overwrite", "--quiet", "--json")
    with torch.no_grad():
        merged = GPT2LMHeadModel.from_pretrained(work / "merged").double().eval()(input_ids=ids).logits
    return check(out.name, "merged, in Transformers", expected, merged) and good


def old_layouts(work, base, ids):
    """What PEFT's older versions would have written, by their own rules."""
    good = True
    folder = work / "c_attn"
    expected = with_peft(base, folder, ids)
    config = json.loads((folder / "adapter_config.json").read_text())
    fields = {
        "0.2": ["base_model_name_or_path", "bias", "fan_in_fan_out", "inference_mode", "lora_alpha", "lora_dropout",
                "modules_to_save", "peft_type", "r", "target_modules", "task_type"],
        "0.4": ["auto_mapping", "base_model_name_or_path", "bias", "fan_in_fan_out", "inference_mode", "init_lora_weights",
                "layers_pattern", "layers_to_transform", "lora_alpha", "lora_dropout", "modules_to_save", "peft_type", "r",
                "revision", "target_modules", "task_type"],
        "0.7": ["alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "fan_in_fan_out", "inference_mode",
                "init_lora_weights", "layers_pattern", "layers_to_transform", "loftq_config", "lora_alpha", "lora_dropout",
                "megatron_config", "megatron_core", "modules_to_save", "peft_type", "r", "rank_pattern", "revision",
                "target_modules", "task_type"],
    }
    extra = {"0.2": {"merge_weights": False, "enable_lora": None}, "0.7": {"loftq_config": {}, "megatron_core": "megatron.core"}}
    for version, names in fields.items():
        old = work / f"old-{version}"
        shutil.rmtree(old, ignore_errors=True)
        old.mkdir()
        (old / "adapter_config.json").write_text(json.dumps({n: config.get(n) for n in names} | extra.get(version, {})))
        torch.save(load_file(folder / "adapter_model.safetensors"), old / "adapter_model.bin")
        good &= check(f"config of PEFT {version}", "lora4j", expected, with_lora4j(base, old, work))
    # 0.2: an update each of q and v, B a grouped convolution
    torch.manual_seed(9)
    grouped, tensors = {}, {}
    r, d = 4, 24
    for layer in range(3):
        key = f"base_model.model.transformer.h.{layer}.attn.c_attn."
        a, b = torch.randn(2 * r, d) * 0.3, torch.randn(2 * d, r, 1) * 0.3
        grouped |= {key + "lora_A.weight": a, key + "lora_B.weight": b}
        dense = torch.zeros(3 * d, 2 * r)
        dense[:d, :r], dense[2 * d:, r:] = b[:d, :, 0], b[d:, :, 0]
        tensors |= {key + "lora_A.weight": a, key + "lora_B.weight": dense}
    for version, values, more in (("0.2", grouped, dict(enable_lora=[True, False, True])), ("0.21", tensors, dict(r=8, lora_alpha=16))):
        old = work / f"merged-linear-{version}"
        shutil.rmtree(old, ignore_errors=True)
        old.mkdir()
        (old / "adapter_config.json").write_text(json.dumps(config | dict(r=r, lora_alpha=8) | more))
        torch.save(values, old / "adapter_model.bin")
    good &= check("enable_lora of PEFT 0.2", "lora4j", with_peft(base, work / "merged-linear-0.21", ids),
                  with_lora4j(base, work / "merged-linear-0.2", work))
    # 0.2 to 0.6: keys of biases and of saved modules
    for source, what in (("bias lora_only", "biases of PEFT 0.6"), ("save lm_head", "modules_to_save of PEFT 0.2")):
        old = work / f"old {source}"
        shutil.rmtree(old, ignore_errors=True)
        old.mkdir()
        shutil.copy(work / source / "adapter_config.json", old)
        tensors = {k.replace(".base_layer.bias", ".bias").replace("lm_head.weight", "lm_head.modules_to_save.weight"): v
                   for k, v in load_file(work / source / "adapter_model.safetensors").items()}
        torch.save(tensors, old / "adapter_model.bin")
        good &= check(what, "lora4j", with_peft(base, work / source, ids), with_lora4j(base, old, work))
    torch.save(load_file(folder / "adapter_model.safetensors"), work / "old-0.4" / "adapter_model.bin",
               _use_new_zipfile_serialization=False)
    good &= check("a .bin of PyTorch 1.5", "lora4j", expected, with_lora4j(base, work / "old-0.4", work))
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", default="runs/peft-matrix", type=pathlib.Path)
    parser.add_argument("--only", nargs="*")
    args = parser.parse_args()
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    print(f"PyTorch {torch.__version__}, Transformers {transformers.__version__}, PEFT {peft.__version__}\n")
    make_bases(work)
    ids = torch.randint(97, (2, 12), generator=torch.Generator().manual_seed(1))
    save_file({"input_ids": ids}, work / "batch.safetensors")
    good = True
    for base_name in ("tied", "untied"):
        base = work / base_name
        for name, options in CASES.items():
            if args.only and name not in args.only or base_name == "untied" and not ({"wte", "lm_head"} & set(
                    [*options.get("modules_to_save", []), *(options["target_modules"] if isinstance(
                        options["target_modules"], list) else [])])):
                continue
            out = work / (name if base_name == "tied" else name + ", untied")
            try:
                make(base, dict(options), out)
            except Exception as e:  # an option this version of PEFT does not take
                print(f"{name:32} PEFT itself fails: {str(e)[:90]}")
                continue
            try:
                good &= all_ways(out, base, base_name, options, ids, work)
            except RuntimeError as e:
                good = False
                print(f"{out.name:32} {e}   <-- fails")
    if not args.only:
        good &= old_layouts(work, work / "tied", ids)
        config = json.loads((work / "c_attn" / "adapter_config.json").read_text())
        for name, (fields, word) in REFUSED.items():
            bad = work / "refused"
            shutil.rmtree(bad, ignore_errors=True)
            shutil.copytree(work / "c_attn", bad)
            (bad / "adapter_config.json").write_text(json.dumps(config | fields))
            message = lora4j("trace", "--model", work / "tied", "--adapter", bad, "--batch", work / "batch.safetensors",
                             "--out", work / "out.safetensors", fails=True)
            named = word in message and message.count("\n") == 1
            good &= named
            print(f"{name:32} refused{'' if named else ': ' + message + '   <-- without its name'}")
    print("\nall within", BOUND) if good else sys.exit("\nsome are over the bound")


if __name__ == "__main__":
    main()
