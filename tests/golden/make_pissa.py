"""Golden values of PiSSA: what PEFT begins with, ten losses from there, and the adapter that it saves, in both of its forms.

    python tests/golden/make_pissa.py

PEFT decomposes in float32; from there on everything is float64. The bases and batches are those of cases in `golden` and
`decoders`. A folder of `tests/src/test/resources/pissa` has `peft` (A and B as trained, `init_lora_weights` "pissa"), `converted`
(PEFT's plain LoRA of twice the rank) and `expected.safetensors`: update, s·B₀·A₀ of the first module, losses, and the logits after
the last step.
"""
import pathlib
import shutil
import tempfile

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import make_decoders
import make_golden as golden

RESOURCES = pathlib.Path(__file__).parent.parent / "src/test/resources"
CASES = {
    "gpt2_c_attn": ("golden/c_attn", dict(r=4, lora_alpha=8, target_modules=["c_attn"])),
    "gpt2_rslora": ("golden/right_padding", dict(r=3, lora_alpha=2, target_modules=["c_attn", "c_fc"], use_rslora=True)),
    "llama_qv": ("decoders/llama_full", dict(r=2, lora_alpha=2, target_modules=["q_proj", "v_proj"])),
}
LR = 3e-3

for name, (of, settings) in CASES.items():
    out = RESOURCES / "pissa" / name
    shutil.rmtree(out, ignore_errors=True)
    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(RESOURCES / of / "model", dtype=torch.float32)
    base.config.name_or_path = base.name_or_path = "model"
    model = get_peft_model(base, LoraConfig(init_lora_weights="pissa", task_type="CAUSAL_LM", **settings))
    initial = tempfile.mkdtemp()
    model.peft_config["default"].init_lora_weights = True   # as PEFT's example does: the file is A₀ and B₀ as they are
    model.save_pretrained(initial)
    model.peft_config["default"].init_lora_weights = "pissa"
    model = model.double().eval()
    if model.config.model_type != "gpt2":
        model = make_decoders.in_double(model)
    first = next(m for m in model.modules() if hasattr(m, "lora_A") and len(m.lora_A))
    update = first.scaling["default"] * first.lora_B["default"].weight @ first.lora_A["default"].weight
    batch = {k: v.long() for k, v in load_file(RESOURCES / of / "batch.safetensors").items()}
    trained = [p for p in model.parameters() if p.requires_grad]
    adam = torch.optim.AdamW(trained, lr=LR, eps=1e-8, weight_decay=0.01)
    losses = []
    for _ in range(10):
        model.zero_grad(set_to_none=True)
        _, loss = golden.logits_and_loss(model, batch)
        loss.backward()
        losses.append(loss.item())
        adam.step()
    logits, _ = golden.logits_and_loss(model, batch)
    model = model.float()
    model.save_pretrained(out / "peft")
    model.save_pretrained(out / "converted", path_initial_model_for_weight_conversion=initial)
    for readme in out.glob("*/README.md"):
        readme.unlink()
    save_file({"update": update.detach().contiguous(), "losses": torch.tensor(losses, dtype=torch.float64),
               "logits": logits.detach().contiguous()}, out / "expected.safetensors")
    (out / "of.txt").write_text(of + "\n")
    print(name, losses[0], losses[-1])
