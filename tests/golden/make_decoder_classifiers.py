"""Golden values of decoders that classify: like those of make_classifiers.py, whose files these are too, in the float64 of
make_decoders.py.

    python tests/golden/make_decoder_classifiers.py [--out tests/src/test/resources/classifiers] [CASE ...]
"""
import transformers

import make_classifiers
import make_decoders
from make_classifiers import LEFT, RIGHT, arguments, build

CASES = {}
SIZES = dict(vocab_size=41, hidden_size=16, intermediate_size=22, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=32, bos_token_id=None, eos_token_id=None, pad_token_id=7)

for kind, name in dict(llama="Llama", mistral="Mistral", qwen2="Qwen2", qwen3="Qwen3", gemma="Gemma", phi3="Phi3").items():
    make_classifiers.FAMILIES[kind] = (getattr(transformers, name + "Config"), SIZES,
                                       getattr(transformers, name + "ForSequenceClassification"), None)


def load(folder, adapter, attention=None, plain=make_classifiers.load):
    model, params = plain(folder, adapter, attention)
    return make_decoders.in_double(model), params


make_classifiers.load = load
make_classifiers.randomise = make_decoders.randomise


def case(kind, name, description, **fields):
    CASES[f"{kind}_{name}"] = dict(description=description, family=kind, **fields)


QV = dict(r=4, lora_alpha=12, target_modules=["q_proj", "v_proj"])

case("llama", "right_padding", "The last token that is not padding; LoRA on q and v, with the head.", lora=QV, batch=RIGHT)
case("llama", "full", "No adapter, padding on the left: every parameter trains.", labels=2, batch=LEFT)
case("mistral", "window", "A window of four positions, LoRA on all linear maps.", config=dict(sliding_window=4),
     lora=dict(r=2, lora_alpha=5, target_modules="all-linear"))
case("qwen2", "regression", "One label, biases on q, k and v; DoRA.", labels=1,
     lora=dict(r=3, lora_alpha=8, target_modules="all-linear", use_dora=True), batch=LEFT)
case("qwen3", "head_norms", "Norms over heads; rsLoRA with every bias.", config=dict(head_dim=6, attention_bias=True),
     lora=dict(**QV, use_rslora=True, bias="all"), batch=RIGHT)
case("gemma", "scaled", "Embeddings times a root; padding without a mask, found by its id.", config=dict(head_dim=6),
     lora=dict(r=3, lora_alpha=6, target_modules=["embed_tokens", "v_proj", "down_proj"]), batch=dict(padding="right", mask=False))
case("phi3", "fused", "Fused maps.", lora=dict(r=2, lora_alpha=4, target_modules=["qkv_proj", "gate_up_proj"]), batch=RIGHT)


def main():
    out, cases = arguments(__doc__.splitlines()[0], "classifiers")
    for number, (name, spec) in enumerate(CASES.items(), 701):
        if not cases or name in cases:
            build(name, spec, out, number)


if __name__ == "__main__":
    main()
