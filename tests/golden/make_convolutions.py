"""Golden values of LoRA on convolutions, in float64: PEFT's Conv2d where it is right, PyTorch's own operations elsewhere.

    python tests/golden/make_convolutions.py

PEFT forgets the dilation and lets A see all groups, so with those the branch is written out with torch.nn.functional.conv2d. Tensors
of `tests/src/test/resources/convolutions.safetensors` are called CASE.NAME; x, y and their gradients have channels second, as in PyTorch.
"""
import json
import pathlib

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from torch import nn

OUT = pathlib.Path(__file__).parent.parent / "src/test/resources"
CASES = {  # (B, C, H, W), out, kernel, stride, padding, dilation, groups, rank, alpha, bias
    "square": ((2, 3, 6, 5), 4, (3, 3), (1, 1), (1, 1), (1, 1), 1, 2, 4, True),
    "oblong": ((2, 4, 5, 7), 6, (2, 3), (2, 1), (0, 2), (1, 1), 1, 3, 5, False),
    "one": ((2, 5, 3, 4), 3, (1, 1), (1, 1), (0, 0), (1, 1), 1, 2, 2, True),
    "row": ((3, 4, 1, 9), 5, (1, 5), (1, 2), (0, 2), (1, 1), 1, 2, 3, True),      # a Conv1d
    "dilated": ((2, 3, 7, 7), 4, (3, 2), (1, 2), (2, 1), (2, 3), 1, 2, 4, True),
    "groups": ((2, 6, 5, 5), 4, (3, 3), (2, 2), (1, 1), (1, 1), 2, 4, 8, True),
    "depthwise": ((2, 3, 5, 4), 6, (3, 3), (1, 1), (1, 1), (1, 1), 3, 3, 6, False),
}

tensors, settings = {}, {}
for name, (size, out, kernel, stride, padding, dilation, groups, rank, alpha, bias) in CASES.items():
    torch.manual_seed(len(name))
    base = nn.Conv2d(size[1], out, kernel, stride, padding, dilation, groups, bias=bias).double()
    a = torch.randn(rank, size[1] // groups, *kernel, dtype=torch.float64, requires_grad=True)
    b = torch.randn(out, rank // groups, 1, 1, dtype=torch.float64, requires_grad=True)
    x = torch.randn(*size, dtype=torch.float64, requires_grad=True)
    w0 = base.weight.detach().clone()
    y = base(x) + alpha / rank * F.conv2d(F.conv2d(x, a, None, stride, padding, dilation, groups), b, groups=groups)
    if groups == 1 and dilation == (1, 1):      # and PEFT says the same
        model = get_peft_model(nn.Sequential(base), LoraConfig(r=rank, lora_alpha=alpha, target_modules=["0"])).double()
        layer = model.base_model.model[0]
        layer.lora_A["default"].weight.data = a.detach().clone()
        layer.lora_B["default"].weight.data = b.detach().clone()
        assert torch.equal(model(x), y) or torch.allclose(model(x), y, rtol=1e-14, atol=1e-14)
        tensors[name + ".delta"] = layer.get_delta_weight("default").detach().double()
    else:
        delta = torch.einsum("gor,grn->gon", b.view(groups, out // groups, rank // groups), a.reshape(groups, rank // groups, -1))
        tensors[name + ".delta"] = (alpha / rank * delta).reshape(w0.shape).detach()
    dy = torch.randn_like(y)
    grads = torch.autograd.grad(y, [x, a, b], dy)
    found = {"w": w0, "a": a, "b": b, "x": x, "y": y, "dy": dy, "dx": grads[0], "da": grads[1], "db": grads[2]}
    if bias:
        found["bias"] = base.bias if hasattr(base, "bias") else layer.base_layer.bias
    tensors.update({f"{name}.{key}": value.detach().clone().contiguous() for key, value in found.items()})
    settings[name] = dict(stride=stride, padding=padding, dilation=dilation, groups=groups, rank=rank, alpha=alpha)
    print(name, tuple(y.shape))
save_file({k: v.contiguous() for k, v in tensors.items()}, OUT / "convolutions.safetensors")
(OUT / "convolutions.json").write_text(json.dumps(settings, indent=1) + "\n")
