"""Writes the PyTorch files that the tests of org.lora4j.io.torch read.

    python3 core/src/test/python/make_torch_files.py

Made with torch 2.13.0. The tests themselves need no Python.
"""

import os
import pickle
from pathlib import Path

import torch

OUT = Path(__file__).parents[1] / "resources" / "org" / "lora4j" / "io" / "torch"

matrix = torch.arange(12, dtype=torch.float32).reshape(3, 4)
tensors = {
    "float": matrix,
    "double": matrix.double() / 3,
    "half": matrix.half() / 8,
    "bfloat16": matrix.bfloat16() / 8,
    "long": torch.tensor([1, -(2**40)]),
    "int": torch.tensor([[7], [-8]], dtype=torch.int32),
    "byte": torch.tensor([0, 255], dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 5),
    "transposed": matrix.t(),
    "rows": matrix[1:],
    "columns": matrix[:, 1:3],
    "cube": torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
    "parameter": torch.nn.Parameter(matrix + 1),
}
torch.save(tensors, OUT / "tensors.pt")
torch.save(tensors, OUT / "tensors_protocol_4.pt", pickle_protocol=4)
torch.save(tensors, OUT / "tensors_legacy.pt", _use_new_zipfile_serialization=False)
torch.save({"model_state_dict": torch.nn.Linear(3, 2).state_dict(), "epoch": 3, "name": "x", "rate": 0.5, "none": None},
           OUT / "checkpoint.pt")
torch.serialization.set_crc32_options(False)
torch.save({"float": matrix}, OUT / "no_checksums.pt")
torch.serialization.set_crc32_options(True)
# contiguous tensors of their own storages: what TorchWriter writes, too
torch.save({name: t.clone().contiguous() for name, t in tensors.items() if name not in ("parameter",)}, OUT / "plain.pt")
torch.save({f"h.{i}.weight": torch.full((2, 3), float(i)) for i in range(1203)}, OUT / "many.pt")


class Calls:
    def __reduce__(self):
        return os.system, ("echo this must never run",)


torch.save({"lora_A": Calls()}, OUT / "calls_system.pt")
torch.save({"lora_A": torch.nn.Linear(2, 2)}, OUT / "whole_module.pt")
torch.save({"a": {1, 2}}, OUT / "set.pt")
torch.save([matrix], OUT / "list.pt")
torch.save({"float": matrix.expand(1000, 3, 4)}, OUT / "expanded.pt")
torch.save({"float": matrix.to(torch.complex64)}, OUT / "complex.pt")
(OUT / "bare.pkl").write_bytes(pickle.dumps({"a": [1.0]}))
torch.jit.script(torch.nn.Linear(2, 2)).save(str(OUT / "script.pt"))
