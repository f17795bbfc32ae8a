"""Writes the GGUF files that the tests of org.lora4j.io.gguf read and compare with, by llama.cpp's own writer.

    python3 core/src/test/python/make_gguf_files.py

Made with gguf 0.19.0 and numpy. The tests themselves need no Python.
"""

from pathlib import Path

import gguf
import numpy as np

OUT = Path(__file__).parents[1] / "resources" / "org" / "lora4j" / "io" / "gguf"
count = np.arange(8, dtype=np.float32)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


writer = gguf.GGUFWriter(OUT / "reference.gguf", "gpt2")
writer.add_bool("a.bool", True)
writer.add_uint8("a.uint8", 200)
writer.add_int64("a.int64", -5)
writer.add_float64("a.float64", 0.125)
writer.add_array("a.texts", ["x", "", "yz"])
writer.add_array("a.numbers", [1, 2, 3, 4])
writer.add_tensor("blk.0.attn_qkv.weight.lora_a", count.reshape(2, 4))
writer.add_tensor("half", np.array([0.5, 1.5, 2.5], dtype=np.float16))
finish(writer)

# as convert_lora_to_gguf.py begins one
writer = gguf.GGUFWriter(OUT / "adapter.gguf", "gpt2")
writer.add_type(gguf.GGUFType.ADAPTER)
writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 16.0)
writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
writer.add_tensor("blk.0.attn_qkv.weight.lora_a", count.reshape(2, 4))
writer.add_tensor("blk.0.attn_qkv.weight.lora_b", count.reshape(4, 2).astype(np.float16))
finish(writer)
