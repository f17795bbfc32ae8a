"""Writes the files that the tests of org.lora4j.io and org.lora4j.lora compare with: what safetensors and PEFT do.

    python3 core/src/test/python/make_files.py

Made with safetensors 0.8.0, torch 2.13.0, peft 0.21.0. The tests themselves need no Python.
"""

import json
import math
import types
from pathlib import Path

import torch
from peft import LoraConfig
from peft.tuners.tuners_utils import _ExcludedModule, check_target_module_exists
from peft.utils.other import get_pattern_key
from safetensors.torch import save_file

RESOURCES = Path(__file__).parents[1] / "resources" / "org" / "lora4j"

GPT2 = [
    f"transformer.h.{layer}.{module}"
    for layer in (0, 1, 2, 10, 11)
    for module in ("attn", "attn.c_attn", "attn.c_proj", "mlp", "mlp.c_fc", "mlp.c_proj", "ln_1")
]
NAMES = ["transformer.wte", "transformer.wpe", *GPT2, "transformer.ln_f", "lm_head"] + [
    "h.0.attn.c_attn",
    "c_attn",
    "my_c_attn",
    "base.layers.3.experts.1.w1",
    "base.layers.1.experts.3.w1",
    "roberta.encoder.layer.5.attention.self.query",
    "roberta.encoder.layer.5.attention.self.query2",
    "classifier.dense",
    "score",
    "head.score.c_attn",
]

SELECTORS = [
    dict(target_modules=["c_attn"]),
    dict(target_modules=["attn.c_proj", "c_fc"]),
    dict(target_modules=["transformer.h.1.mlp.c_proj"]),
    dict(target_modules=["attn"]),
    dict(target_modules=["_attn"]),
    dict(target_modules=[]),
    dict(target_modules="c_attn"),
    dict(target_modules=r".*\.c_attn"),
    dict(target_modules=r".*\.h\.(0|1)\..*c_(attn|proj)"),
    dict(target_modules=r".*\.h\.(?P<layer_idx>\d+)\.attn.*"),
    dict(target_modules=r"(?P<first>.).*(?P=first)"),
    dict(target_modules=r"(?i).*C_ATTN"),
    dict(target_modules=r".*(?<!mlp)\.c_proj"),
    dict(target_modules=r"(?!.*\b1\b).*c_attn\Z"),
    dict(target_modules=r".*\.h\.[^.]{,1}\.mlp\.[a-z_]+$"),
    dict(target_modules=r".*[[&&.]c_[^]a]+"),
    dict(target_modules=r"(?#all of them).*attn"),
    dict(target_modules=r"transformer\.(wte|wpe)|lm_head"),
    dict(target_modules=["c_attn"], layers_to_transform=1),
    dict(target_modules=["c_attn"], layers_to_transform=0),
    dict(target_modules=["c_attn"], layers_to_transform=[1, 11]),
    dict(target_modules=["c_attn"], layers_to_transform=[]),
    dict(target_modules=["w1"], layers_to_transform=[3]),
    dict(target_modules=["w1"], layers_to_transform=[3], layers_pattern="experts"),
    dict(target_modules=["w1"], layers_to_transform=[3], layers_pattern=["h", "layers"]),
    dict(target_modules=["c_attn"], layers_to_transform=[0], layers_pattern="h"),
    dict(target_modules=["c_attn"], layers_to_transform=[0], layers_pattern=["h"]),
    dict(target_modules=["c_attn"], layers_to_transform=[0], layers_pattern=[]),
    dict(target_modules=["c_attn"], layers_to_transform=[0], layers_pattern=""),
    dict(target_modules=["c_attn"], layers_to_transform=[0], layers_pattern="layers"),
    dict(target_modules=["c_attn", "query"], layers_to_transform=[1, 5], layers_pattern=["h", "layer"]),
    dict(target_modules=["c_attn"], layers_to_transform=[0], layers_pattern="h|layers"),
    dict(target_modules=["c_attn", "c_proj"], exclude_modules=["mlp.c_proj"]),
    dict(target_modules=["c_attn", "c_proj"], exclude_modules=r".*\.1\..*"),
    dict(target_modules=["c_attn", "c_proj"], exclude_modules="c_proj"),
    dict(target_modules=["c_attn"], exclude_modules=["transformer.h.0.attn.c_attn"]),
    dict(target_modules=r".*c_proj", exclude_modules=["attn.c_proj"]),
    dict(target_modules=["c_attn"], exclude_modules=[]),
    dict(target_modules=["c_attn"], exclude_modules=""),
    dict(target_modules=["c_attn", "dense"], modules_to_save=["score", "classifier"]),
    dict(target_modules=["c_attn", "wte"], modules_to_save=["wte"]),
    dict(target_modules=r".*", modules_to_save=["lm_head", "h"]),
]

PATTERNS = [
    {"c_attn": 4},
    {"c_attn": 4, "h.0.attn.c_attn": 8},
    {"h.0.attn.c_attn": 8, "c_attn": 4},
    {"^transformer.h.0.attn.c_attn": 8},
    {"^h.0.attn.c_attn": 8},
    {"transformer.h.1.mlp.c_proj": 2, "mlp.c_(fc|proj)": 3},
    {r"h\.1\d*\.attn\.c_proj": 6},
    {r".*\.0\..*": 5},
    {"attn": 7},
    {r"(?P<layer_no>1.)\.mlp\.c_fc": 9},
    {"c_attn$": 4, "c_pro": 5},
    {"wte|lm_head": 11},
    {"_attn": 3},
    {r"(c_attn)\1": 2},
    {r"(.)\1": 2},
    {r".*\1c_attn": 3},
    {r"\1c_attn": 3},
    {r"c_attn|mlp.c_fc": 5},
    {r"(?P<n>c_fc)": 7},
]


def selector_cases():
    cases = []
    for fields in SELECTORS:
        # LoraConfig would make sets of the lists, which would lose their order in the file
        asked = dict(exclude_modules=None, modules_to_save=None, layers_to_transform=None, layers_pattern=None,
                     target_parameters=None, **{}) | fields
        config = types.SimpleNamespace(**asked)
        matched = []
        for name in NAMES:
            found = check_target_module_exists(config, name)
            if found and not isinstance(found, _ExcludedModule):
                matched.append(name)
        cases.append({"config": fields, "matched": matched})
    return cases


def pattern_cases():
    return [
        {"pattern": pattern, "values": {name: pattern[key] for name in NAMES if (key := get_pattern_key(pattern, name)) in pattern}}
        for pattern in PATTERNS
    ]


def tensors():
    nan, inf = math.nan, math.inf
    half = [0.0, -0.0, 1.0, -2.5, 65504.0, 2.0**-24, 2.0**-14, inf, -inf, nan, 1 / 3]
    return {
        "f64": torch.tensor([0.1, -0.0, 1e300, 5e-324, inf, nan], dtype=torch.float64),
        "f32": torch.tensor([[0.1, -0.0, 3.4028234e38], [1.4e-45, -inf, nan]], dtype=torch.float32),
        "f16": torch.tensor(half, dtype=torch.float16),
        "bf16": torch.tensor([0.0, -0.0, 1.0, -2.5, 3.3895314e38, 2.0**-133, 2.0**-126, inf, -inf, nan, 1 / 3], dtype=torch.bfloat16),
        "i64": torch.tensor([[-(2**63), 2**63 - 1, -1]], dtype=torch.int64),
        "i32": torch.tensor([[-(2**31)], [2**31 - 1]], dtype=torch.int32),
        "u8": torch.tensor([0, 127, 128, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4, dtype=torch.float16),
        "größe \U0001f600 \uff5e": torch.tensor([1.0]),
        "größe \uff5e \U0001f600": torch.tensor([2.0]),
        'quo"te\\ \n\t\x1f\x7f/': torch.tensor([3.0]),
        "Z.weight": torch.ones(2, 1, 3, dtype=torch.bfloat16),
    }


def main():
    save_file(tensors(), RESOURCES / "io" / "all_types.safetensors", metadata={"format": "pt"})
    # what PEFT's save_pretrained writes, with values that are hard to spell the same
    config = LoraConfig(r=4, lora_alpha=0.5, lora_dropout=1e-05, target_modules=r".*\.c_(attn|proj)", task_type="CAUSAL_LM",
                        base_model_name_or_path="größe/\U0001f600", rank_pattern={"b": 2, "a": 3},
                        alpha_pattern={"a": 1e16, "b": 123456789.125, "c": 0.0001, "d": 1e22, "e": 16}, fan_in_fan_out=True)
    config.save_pretrained(RESOURCES / "io")
    (RESOURCES / "io" / "adapter_config.json").rename(RESOURCES / "io" / "peft_0_21.json")
    (RESOURCES / "lora" / "peft_selectors.json").write_text(
        json.dumps({"names": NAMES, "selectors": selector_cases(), "patterns": pattern_cases()}, indent=1))


if __name__ == "__main__":
    main()
