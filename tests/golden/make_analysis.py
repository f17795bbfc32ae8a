"""Section 7's numbers by NumPy, with its full singular value decompositions of ΔW, for three bases and two adapters each.

    pip install numpy==2.4.6 safetensors==0.8.0
    python tests/golden/make_analysis.py

The bases and the first adapters are those of other cases; the second, of another rank, is drawn here and written beside what is
expected, tests/src/test/resources/analysis/<case>/{second/,expected.json}. The names in expected.json are analyse --json's.
"""
import json
import os

import numpy as np
from safetensors.numpy import load_file, save_file

RESOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src", "test", "resources")
PREFIX = "base_model.model."
# case: (the folder of the base and the first adapter, rank of the second, which of the first's modules the second has not)
CASES = {
    "gpt2": ("golden/c_attn_c_proj_c_fc", 5, "h.1.mlp.c_fc"),
    "llama": ("decoders/llama_gate_up_down", 6, "layers.0.mlp.up_proj"),
    "roberta": ("classifiers/roberta_qv", 8, "layer.1.attention.self.value"),
}


def svd(matrix):
    """Left directions, values, right directions, the directions as columns, those of singular values that are rounding left out."""
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    count = int((s > s[0] * max(matrix.shape) * np.finfo(float).eps).sum())
    return u[:, :count], s, vt[:count].T


def phi(one, other):
    grid = np.zeros((one.shape[1], other.shape[1]))
    for i in range(grid.shape[0]):
        for j in range(grid.shape[1]):
            product = one[:, :i + 1].T @ other[:, :j + 1]
            grid[i, j] = (product ** 2).sum() / min(i + 1, j + 1)
    return grid


def update(a, b, scaling, w, detailed):
    delta = scaling * b @ a
    u, s, v = svd(delta)
    sa, sb = np.linalg.svd(a, compute_uv=False), np.linalg.svd(b, compute_uv=False)
    s = s[:min(len(a), *delta.shape)]
    p = s / s.sum()
    found = {
        "r": len(a), "scaling": scaling, "norm_A": np.linalg.norm(a), "norm_B": np.linalg.norm(b), "norm_delta": np.linalg.norm(delta),
        "relative_norm": np.linalg.norm(delta) / np.linalg.norm(w), "singular_values": s, "singular_values_A": sa, "singular_values_B": sb,
        "effective_rank": np.exp(-(p * np.log(p)).sum()), "stable_rank": (np.linalg.norm(delta) / s[0]) ** 2,
        "directions_delta": u.shape[1],
    }
    wu, ws, wv = svd(w)
    top = [np.linalg.norm(u[:, :i].T @ w @ v[:, :i]) for i in range(1, u.shape[1] + 1)]
    found["amplification"] = {
        "r": u.shape[1], "factor": np.linalg.norm(delta) / top[-1], "by_delta": top[-1],
        "by_base": np.sqrt((ws[:u.shape[1]] ** 2).sum()), "by_delta_top": top,
        "by_base_top": [np.sqrt((ws[:i] ** 2).sum()) for i in range(1, u.shape[1] + 1)],
        "by_random_expected": u.shape[1] * np.linalg.norm(w) / np.sqrt(w.size),
    }
    if detailed:
        k = max(u.shape[1], detailed)
        found["similarity_with_base"] = {"right": phi(wv[:, :k], v), "left": phi(wu[:, :k], u)}
    return found, (svd(a)[2], svd(b)[0], v, u)


def scaling(config, a):
    return config["lora_alpha"] / (len(a) ** 0.5 if config.get("use_rslora") else len(a))


def parts_of(module):
    return ["q", "k", "v"] if module.endswith("c_attn") else []


def adapter(folder):
    config = json.load(open(os.path.join(folder, "adapter_config.json")))
    tensors = load_file(os.path.join(folder, "adapter_model.safetensors"))
    found = {}
    for name in tensors:
        if name.endswith(".lora_A.weight"):
            module = name[len(PREFIX):-len(".lora_A.weight")]
            found[module] = (tensors[name].astype(float), tensors[name.replace("lora_A", "lora_B")].astype(float))
    return config, found


def case(name, base, rank, without):
    base = os.path.join(RESOURCES, base)
    out = os.path.join(RESOURCES, "analysis", name)
    os.makedirs(os.path.join(out, "second"), exist_ok=True)
    config, first = adapter(os.path.join(base, "adapter"))
    random = np.random.default_rng(7)
    tensors = {}
    for module, (a, b) in first.items():
        if without not in module:
            # half of it the first's, so that φ is not of random pairs alone
            mix = random.standard_normal((rank, len(a)))
            tensors[PREFIX + module + ".lora_A.weight"] = (mix @ a + random.standard_normal((rank, a.shape[1])) * a.std()).astype(np.float32)
            tensors[PREFIX + module + ".lora_B.weight"] = (random.standard_normal((b.shape[0], rank)) * b.std()).astype(np.float32)
    save_file(dict(sorted(tensors.items())), os.path.join(out, "second", "adapter_model.safetensors"), metadata={"format": "pt"})
    config2 = {**{k: v for k, v in config.items() if k in ("base_model_name_or_path", "fan_in_fan_out", "peft_type", "target_modules", "task_type")},
               "r": rank, "lora_alpha": 2 * rank, "bias": "none", "rank_pattern": {}, "alpha_pattern": {}, "modules_to_save": None}
    json.dump(config2, open(os.path.join(out, "second", "adapter_config.json"), "w"), indent=1, sort_keys=True)
    config2, second = adapter(os.path.join(out, "second"))
    weights = load_file(os.path.join(base, "model", "model.safetensors"))
    maps = []
    for module, (a, b) in first.items():
        if module not in second:
            continue
        w = weights[module + ".weight"].astype(float)
        if ".c_" in module:
            w = w.T
        names = parts_of(module)
        width = len(b) // max(1, len(names))
        for part in [None] + names:
            rows = slice(None) if part is None else slice(names.index(part) * width, (names.index(part) + 1) * width)
            weight = w[rows]
            k = 0 if part is None and names else max(1, min(128, min(weight.shape) // 10))
            both = ((a, b[rows], scaling(config, a)), (second[module][0], second[module][1][rows], scaling(config2, second[module][0])))
            (one, sides), (other, others) = [update(*each, weight, k) for each in both]
            # both see as many of the base's directions as the one that has more needs
            if k:
                k = max(k, one["directions_delta"], other["directions_delta"])
                one, other = [update(*each, weight, k)[0] for each in both]
            maps.append({
                "module": module, "part": part, "base": {"norm": np.linalg.norm(weight)}, "updates": [one, other],
                "similarity": {key: phi(x, y) for key, x, y in zip(("A_right", "B_left", "delta_right", "delta_left"), sides, others)},
            })

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple, np.ndarray)):
            return [plain(inner) for inner in value]
        return float(f"{value:.9g}") if isinstance(value, (float, np.floating)) else value

    with open(os.path.join(out, "expected.json"), "w") as file:
        json.dump({"maps": plain(maps), "left_out": sorted(set(first) - set(second))}, file, separators=(",", ":"))
        file.write("\n")
    print(name, os.path.getsize(os.path.join(out, "expected.json")))


for name, arguments in CASES.items():
    case(name, *arguments)
