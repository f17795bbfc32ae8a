"""Golden values of LoRA+: ten losses under PEFT's own optimiser, in float64.

    python tests/golden/make_lora_plus.py

The models, adapters and batches are those of cases in `golden`. `tests/src/test/resources/lora_plus.json` has for each run the case,
the settings and the losses before each step.
"""
import json
import pathlib

import torch
from peft.optimizers import create_loraplus_optimizer

import make_golden as golden

RESOURCES = pathlib.Path(__file__).parent.parent / "src/test/resources"
RUNS = [  # case, ratio, embedding's rate (None for PEFT's own), weight decay
    ("c_attn", 16, None, 0.0),
    ("c_attn_c_proj_c_fc", 4, None, 0.1),
    ("bias_all", 8, None, 0.1),
    ("embedding_wte", 8, 1e-2, 0.1),
    ("modules_to_save", 3, None, 0.05),
    ("dora_embedding", 5, 3e-3, 0.1),
    ("dora_all_linear", 5, None, 0.1),
]
LR = 3e-4

runs = []
for case, ratio, embedding, decay in RUNS:
    folder = RESOURCES / "golden" / case
    batch = {k: v.long() for k, v in golden.load_file(folder / "batch.safetensors").items()}
    model, params = golden.load(folder / "model", folder / "adapter")
    optimiser = create_loraplus_optimizer(
        model, torch.optim.AdamW, lr=LR, loraplus_lr_ratio=ratio, loraplus_weight_decay=decay, eps=1e-8,
        **({} if embedding is None else {"loraplus_lr_embedding": embedding}))
    losses = []
    for _ in range(10):
        model.zero_grad(set_to_none=True)
        _, loss = golden.logits_and_loss(model, batch)
        loss.backward()
        losses.append(loss.item())
        optimiser.step()
    runs.append({"case": case, "lr": LR, "ratio": ratio, "embedding_lr": embedding, "weight_decay": decay, "losses": losses})
    print(case, losses[0], losses[-1])
(RESOURCES / "lora_plus.json").write_text(json.dumps({"runs": runs}, indent=1) + "\n")
