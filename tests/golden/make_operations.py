"""Operations of lora4j by themselves as PyTorch and Transformers compute them, in float64.

    python tests/golden/make_operations.py [--out tests/src/test/resources/operations]

activations.csv   every name of Transformers' ACT2FN that lora4j knows: x, f(x) and, by autograd, f'(x)
rms_norm.csv      Llama's and Gemma's RMSNorm of one small matrix: y, and the gradients of sum(y * g)
attention.csv     scaled_dot_product_attention with fewer key heads than heads: y, and the gradients of sum(y * g)

Inputs are float32 numbers, written as such, so that reading them rounds nothing.
"""
import argparse
import pathlib

import torch
from transformers.activations import ACT2FN

ACTIVATIONS = ["gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate", "gelu_python_tanh", "gelu", "gelu_python",
               "relu", "silu", "swish", "tanh", "quick_gelu", "sigmoid"]


def rows(path, header, lines):
    path.write_text("\n".join([header, *lines]) + "\n")


def floats(*shape):
    return torch.randn(*shape, dtype=torch.float32).double().requires_grad_()


def activations(path):
    lines = []
    points = torch.cat([torch.arange(-12, 12.01, 0.75), torch.tensor([-1e-3, 1e-3, 0.3, -0.3])]).float().double()
    for name in ACTIVATIONS:
        x = points.clone().requires_grad_()
        y = ACT2FN[name](x)
        y.sum().backward()
        for i in range(len(x)):
            lines.append(f"{name},{x[i].item()!r},{y[i].item()!r},{x.grad[i].item()!r}")
    rows(path, "name,x,y,slope", lines)


def flat(name, tensor):
    return name + "," + " ".join(repr(v) for v in tensor.detach().flatten().tolist())


def rms_norm(path):
    lines = []
    for name, one in [("llama", 0.0), ("gemma", 1.0)]:
        from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
        from transformers.models.llama.modeling_llama import LlamaRMSNorm
        x, w, g = floats(5, 19), floats(19), floats(5, 19)
        module = (LlamaRMSNorm if one == 0 else GemmaRMSNorm)(19, eps=1e-6)
        module.weight = torch.nn.Parameter(w.detach().clone())
        # the modules compute in float32 whatever comes in; this is what they write down, in float64
        y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * (one + w)
        assert (module(x.float()) - y.float()).abs().max() < 1e-5
        (y * g).sum().backward()
        for key, value in [("x", x), ("w", w), ("g", g), ("y", y), ("dx", x.grad), ("dw", w.grad)]:
            lines.append(flat(name + "." + key, value))
    rows(path, "name,values", lines)


def attention(path):
    lines = []
    for name, causal, heads, key_heads in [("grouped", True, 6, 2), ("one", False, 4, 1)]:
        batch, length, size = 2, 7, 5
        q, g = floats(batch, length, heads, size), floats(batch, length, heads, size)
        k, v = floats(batch, length, key_heads, size), floats(batch, length, key_heads, size)
        y = torch.nn.functional.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=causal, enable_gqa=True).transpose(1, 2)
        (y * g).sum().backward()
        for key, value in [("q", q), ("k", k), ("v", v), ("g", g), ("y", y), ("dq", q.grad), ("dk", k.grad), ("dv", v.grad)]:
            lines.append(flat(name + "." + key, value))
    rows(path, "name,values", lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path,
                        default=pathlib.Path(__file__).parents[1] / "src/test/resources/operations")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(20210617)
    activations(out / "activations.csv")
    rms_norm(out / "rms_norm.csv")
    attention(out / "attention.csv")


if __name__ == "__main__":
    main()
