"""GGUF files as llama.cpp's Python package writes them: blocks of every type with what they stand for, models, and an adapter.

    pip install gguf
    python tests/golden/make_gguf.py [--out tests/src/test/resources/gguf]

* `types/`: tensors of each type, and `expected.safetensors` with what gguf's own code makes of them. Q4_K and Q6_K, which that
  code does not write, are random bytes with moderate factors.
* the others: models of `decoders`, their tensors named by gguf's own map, changed as llama.cpp's converter changes them (rows of
  heads in pairs for Llama, 1 added to Gemma's norms); of `llama_qv` also its adapter.
* `lone_bpe/`, `lone_spm/`: models alone, with all that llama.cpp's converter says of them and a tokenizer; `ids.json` has what
  Hugging Face's tokenizers makes of some texts with the same tokens.
"""
import argparse
import json
import pathlib
import shutil

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
DECODERS = HERE.parent / "src/test/resources/decoders"
ARCHITECTURES = {"llama_qv": gguf.MODEL_ARCH.LLAMA, "qwen2_tied": gguf.MODEL_ARCH.QWEN2, "qwen3_all_linear": gguf.MODEL_ARCH.QWEN3,
                 "gemma3_full": gguf.MODEL_ARCH.GEMMA3, "phi3_all_linear": gguf.MODEL_ARCH.PHI3,
                 "mistral_no_window": gguf.MODEL_ARCH.LLAMA}


def types(out):
    rng = np.random.default_rng(1)
    writer = gguf.GGUFWriter(out / "types.gguf", "llama")
    expected = {}
    x = rng.standard_normal((3, 512)).astype(np.float32)
    for kind in (Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_K, Type.Q6_K):
        name = f"{kind.name}.weight"
        if kind in (Type.Q4_K, Type.Q6_K):
            block, size = gguf.GGML_QUANT_SIZES[kind]
            data = rng.integers(0, 256, (3, 512 // block, size), dtype=np.uint8)
            factors = rng.uniform(0.01, 0.1, (3, 512 // block, 2)).astype(np.float16)
            if kind == Type.Q4_K:
                data[..., :4] = factors.view(np.uint8)
            else:
                data[..., -2:] = factors[..., :1].view(np.uint8)
            data = data.reshape(3, -1)
        else:
            data = x.astype(np.float16) if kind == Type.F16 else x if kind == Type.F32 else gguf.quants.quantize(x, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
        expected[name] = gguf.quants.dequantize(data.view(np.uint8) if kind == Type.F16 else data, kind).reshape(3, 512).astype(np.float32) \
            if kind not in (Type.F32, Type.F16) else np.asarray(data, dtype=np.float32)
    close(writer)
    save_file(expected, out / "expected.safetensors")


def close(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def paired(w, heads):
    """convert_hf_to_gguf.py's permute."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def heads(config, name):
    return config["num_key_value_heads"] if ".k_proj" in name else config["num_attention_heads"]


def model(case, architecture, out, cases=None, alone=None):
    source = (cases or DECODERS) / case / "model"
    config = json.loads((source / "config.json").read_text())
    writer = gguf.GGUFWriter(out / "model.gguf", gguf.MODEL_ARCH_NAMES[architecture])
    blocks = config.get("num_hidden_layers", config.get("n_layer"))
    writer.add_block_count(blocks)
    if alone:
        alone(writer, config, out)
    names = gguf.get_tensor_name_map(architecture, blocks)
    for name, w in load_file(source / "model.safetensors").items():
        theirs = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert theirs, name
        if architecture == gguf.MODEL_ARCH.LLAMA and (".q_proj" in name or ".k_proj" in name):
            w = paired(w, heads(config, name))
        if architecture == gguf.MODEL_ARCH.GEMMA3 and name.endswith("norm.weight"):
            w = w + 1
        if architecture == gguf.MODEL_ARCH.GPT2 and name.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight")):
            w = w.T
        writer.add_tensor(theirs, np.ascontiguousarray(w))
    if architecture == gguf.MODEL_ARCH.LLAMA and not alone:
        writer.add_tensor("rope_freqs.weight", np.ones(2, dtype=np.float32))
    close(writer)
    if not alone:
        shutil.copy(source / "config.json", out)


TEXTS = ["the hen and the inn", " a then\nthe 12<|end|>in", "", "and  the", "x"]
LETTERS = list("abcdefghijklmnopqrstuvwxyz")


def sizes(writer, config):
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    if config.get("head_dim"):
        writer.add_key_length(config["head_dim"])


def vocabulary(writer, config, tokens, special, scores=None):
    unused = [f"[PAD{i}]" for i in range(len(tokens), config["vocab_size"])]
    writer.add_token_list(tokens + unused)
    writer.add_token_types([special.get(token, 1) for token in tokens] + [5] * len(unused))
    if scores:
        writer.add_token_scores(scores + [0.0] * len(unused))


def bpe(writer, config, out):
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    sizes(writer, config)
    merges = ["t h", "th e", "Ġ the", "i n", "Ġ a", "a n", "an d", "Ġ and"]
    tokens = ["<|end|>", "Ġ", "Ċ", *LETTERS, *"012", *(merge.replace(" ", "") for merge in merges)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    vocabulary(writer, config, tokens, {"<|end|>": 3})
    writer.add_token_merges(merges)
    writer.add_eos_token_id(0)
    writer.add_chat_template("{% for m in messages %}{{ m.content }}<|end|>{% endfor %}")
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens[1:], 1)}, [tuple(m.split()) for m in merges]))
    words = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(words), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|end|>"])
    shift = {tokenizer.token_to_id("<|end|>"): 0}
    (out / "ids.json").write_text(json.dumps([[t, [shift.get(i, i) for i in tokenizer.encode(t).ids]] for t in TEXTS]) + "\n")


def spm(writer, config, out):
    from tokenizers import Tokenizer, models, normalizers
    sizes(writer, config)
    joined = ["th", "the", "▁the", "in", "▁a", "an", "and", "▁and"]
    merges = [("t", "h"), ("th", "e"), ("▁", "the"), ("i", "n"), ("▁", "a"), ("a", "n"), ("an", "d"), ("▁", "and")]
    tokens = ["<unk>", "<s>", "</s>", *joined, "▁", *LETTERS]
    writer.add_tokenizer_model("llama")
    vocabulary(writer, config, tokens, {"<unk>": 2, "<s>": 3, "</s>": 3}, [0.0] * 3 + [-float(i) for i in range(len(tokens) - 3)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    plain = [t for t in TEXTS if "<" not in t]
    (out / "ids.json").write_text(json.dumps([[t, [1] + tokenizer.encode(t).ids] for t in plain]) + "\n")


def adapter(case, out):
    config = json.loads((DECODERS / case / "model/config.json").read_text())
    peft = json.loads((DECODERS / case / "adapter/adapter_config.json").read_text())
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    writer = gguf.GGUFWriter(out / "adapter.gguf", "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(peft["lora_alpha"]))
    for name, w in load_file(DECODERS / case / "adapter/adapter_model.safetensors").items():
        module, part = name.removeprefix("base_model.model.").removesuffix(".weight").rsplit(".", 1)
        if part == "lora_B" and (".q_proj" in module or ".k_proj" in module):
            w = paired(w, heads(config, module + "."))
        writer.add_tensor(names.get_name(module) + ".weight." + part.lower(), np.ascontiguousarray(w))
    close(writer)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "src/test/resources/gguf")
    out = parser.parse_args().out.resolve()
    for name in ("types", "adapter", "gpt2", "lone_bpe", "lone_spm", *ARCHITECTURES):
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
    types(out / "types")
    for case, architecture in ARCHITECTURES.items():
        model(case, architecture, out / case)
    model("c_attn", gguf.MODEL_ARCH.GPT2, out / "gpt2", DECODERS.parent / "golden")
    model("qwen2_tied", gguf.MODEL_ARCH.QWEN2, out / "lone_bpe", alone=bpe)
    model("llama_qv", gguf.MODEL_ARCH.LLAMA, out / "lone_spm", alone=spm)
    adapter("llama_qv", out / "adapter")


if __name__ == "__main__":
    main()
