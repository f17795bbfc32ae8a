"""Golden values of classifiers: small random BERTs, RoBERTas, DistilBERTs and GPT-2s with a head that classifies sequences,
adapters saved by PEFT with that head, and what PyTorch computes on them in float64.

    python tests/golden/make_classifiers.py [--out tests/src/test/resources/classifiers] [CASE ...]

Files and choices are those of make_golden.py, with which README.md begins. What differs: `labels` are (B), logits (B, labels),
and the loss is the mean over sequences of the cross-entropy or, with one label, of the squared error. All dropouts of the
configurations are other than zero; the models are in eval mode, so they have no effect.
"""
import json
import math
import os
import pathlib
import shutil

import peft
import torch
import torch.nn.functional as F
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import (AutoModelForSequenceClassification, BertConfig, BertForMaskedLM, BertForSequenceClassification,
                          DistilBertConfig, DistilBertForMaskedLM, DistilBertForSequenceClassification, GPT2Config,
                          GPT2ForSequenceClassification, RobertaConfig, RobertaForMaskedLM, RobertaForSequenceClassification)

from make_golden import STEPS, all_runs, arguments, key_of, randomise_adapter, write_json

CASES = {}
ATTENTION = "sdpa"

BERT_SIZES = dict(vocab_size=41, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=26,
                  max_position_embeddings=22, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.2,
                  classifier_dropout=0.3, layer_norm_eps=1e-5)
DISTIL_SIZES = dict(vocab_size=41, dim=16, n_layers=2, n_heads=4, hidden_dim=26, max_position_embeddings=22, dropout=0.1,
                    attention_dropout=0.2, seq_classif_dropout=0.3)
GPT2_SIZES = dict(vocab_size=41, n_positions=20, n_embd=16, n_layer=2, n_head=4, n_inner=26, resid_pdrop=0.1, embd_pdrop=0.2,
                  attn_pdrop=0.3, bos_token_id=0, eos_token_id=0)

FAMILIES = {
    "bert": (BertConfig, BERT_SIZES, BertForSequenceClassification, BertForMaskedLM),
    "roberta": (RobertaConfig, {**BERT_SIZES, "type_vocab_size": 1}, RobertaForSequenceClassification, RobertaForMaskedLM),
    "distilbert": (DistilBertConfig, DISTIL_SIZES, DistilBertForSequenceClassification, DistilBertForMaskedLM),
    "gpt2": (GPT2Config, GPT2_SIZES, GPT2ForSequenceClassification, None),
}


def case(name, description, family, **fields):
    CASES[name] = dict(description=description, family=family, **fields)


# ---- building blocks ------------------------------------------------------------------------------------------------

@torch.no_grad()
def randomise(model):
    """Weights at which nothing is trivially zero, one or saturated."""
    for name, p in model.named_parameters():
        if "embeddings" in name and p.dim() == 2 or name.endswith(("wte.weight", "wpe.weight")):
            p.normal_(0, 0.5)
        elif "norm" in name.lower() or ".ln_" in name:
            p.normal_(1.0 if name.endswith("weight") else 0.0, 0.2)
        elif name.endswith("bias"):
            p.normal_(0, 0.1)
        else:
            p.normal_(0, 1.2 / math.sqrt(p.shape[0 if ".c_" in name else 1]))       # Conv1D is (in, out)


def make_batch(generator, config, rows=4, length=11, padding=None, mask=True, token_types=False):
    """Rows of different lengths; `mask` False leaves the mask out, so that padding is attended to."""
    pad = config.pad_token_id
    ids = torch.randint(0, config.vocab_size, (rows, length), generator=generator)
    if pad is not None:
        ids[ids == pad] = (pad + 1) % config.vocab_size
    attended = torch.ones_like(ids)
    for b in range(rows):
        padded = 0 if padding is None else [0, 4, length - 2, 1][b % 4]
        if padded:
            attended[b, slice(length - padded, None) if padding == "right" else slice(None, padded)] = 0
    if pad is not None:
        ids[attended == 0] = pad
    if config.num_labels == 1:
        labels = torch.randn(rows, generator=generator) * 2
    else:
        labels = torch.randint(0, config.num_labels, (rows,), generator=generator)
    batch = {"input_ids": ids, "labels": labels}
    if padding and mask:
        batch["attention_mask"] = attended
    if token_types:
        batch["token_type_ids"] = (torch.arange(length) > length // 2).long().expand(rows, length).contiguous()
    return batch


def rename(name):
    """The names of the first BERTs."""
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def save_model(model, folder, spec):
    model.save_pretrained(folder, **({"max_shard_size": spec["shards"]} if "shards" in spec else {}))
    (folder / "generation_config.json").unlink(missing_ok=True)
    path = folder / "model.safetensors"
    if spec.get("bare"):        # as on the hub: the body's names without its prefix, old names, and numbers that are no weights
        prefix = model.base_model_prefix + "."
        tensors = {rename(k.removeprefix(prefix)): v for k, v in load_file(path).items()}
        tensors["embeddings.position_ids"] = torch.arange(model.config.max_position_embeddings).expand((1, -1)).contiguous()
        save_file(tensors, path, metadata={"format": "pt"})
    if spec.get("bin"):         # as before safetensors
        files = [path] if path.exists() else sorted(folder.glob("model-*.safetensors"))
        for file in files:
            torch.save(load_file(file), folder / file.name.replace("model", "pytorch_model").replace(".safetensors", ".bin"))
            file.unlink()
        index = folder / "model.safetensors.index.json"
        if index.exists():
            text = index.read_text().replace("model-", "pytorch_model-").replace(".safetensors", ".bin")
            (folder / "pytorch_model.bin.index.json").write_text(text)
            index.unlink()
    if "rewrite" in spec:       # fields of config.json as other versions of Transformers write them
        file = folder / "config.json"
        fields = json.loads(file.read_text())
        for key, value in spec["rewrite"].items():
            fields.pop(key, None)
            if value is not None:
                fields[key] = value
        file.write_text(json.dumps(fields, indent=2) + "\n")


def load(folder, adapter, attention=None):
    """The case as a reader finds it on disk, in float64. Returns the model and {file key: parameter}."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention or ATTENTION)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    model = model.double().eval()
    return model, {key_of(n): p for n, p in model.named_parameters() if p.requires_grad}


def logits_and_loss(model, batch):
    logits = model(**{k: v for k, v in batch.items() if k != "labels"}).logits
    assert logits.dtype == torch.float64
    if model.config.num_labels == 1:
        loss = ((logits.squeeze(-1) - batch["labels"].double()) ** 2).mean()
    else:
        loss = F.cross_entropy(logits, batch["labels"])
    return logits, loss


# ---- one case -------------------------------------------------------------------------------------------------------

def build(name, spec, out, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)                                # relative paths, so that no machine's folders get into the files
    model_dir, adapter_dir = pathlib.Path("model"), pathlib.Path("adapter")

    config_class, sizes, classifier, masked = FAMILIES[spec["family"]]
    labels = spec.get("labels", 3)
    config = config_class(**{**sizes, "num_labels": labels, **spec.get("config", {})})
    model = (masked if spec.get("masked") else classifier)(config)
    randomise(model)
    save_model(model, model_dir, spec)

    lora, saved = spec.get("lora"), []
    if lora:
        base = AutoModelForSequenceClassification.from_pretrained(model_dir, dtype=torch.float32)
        tuned = get_peft_model(base, LoraConfig(task_type="SEQ_CLS", lora_dropout=0.0, **lora))
        randomise_adapter(tuned)
        if spec.get("masked"):                      # the head is new, and all of it is in the adapter
            for n, p in tuned.named_parameters():
                if "modules_to_save" in n:
                    torch.nn.init.normal_(p, 0, 0.3)
        tuned.save_pretrained(adapter_dir)
        (adapter_dir / "README.md").unlink()        # a model card template
        saved = sorted(load_file(adapter_dir / "adapter_model.safetensors"))
    adapter = adapter_dir if lora else None

    batch = make_batch(generator, config, **spec.get("batch", {}))
    save_file(batch, "batch.safetensors")

    model, params = load(model_dir, adapter)
    logits, loss = logits_and_loss(model, batch)
    loss.backward()
    expected = {"logits": logits.detach(), "loss": loss.detach().reshape(1)}
    expected.update({f"grad.{key}": p.grad for key, p in params.items()})
    check(expected, params, saved, name)
    with torch.no_grad():
        theirs = load(model_dir, adapter)[0](**batch_of_doubles(batch)).loss.item()
    assert abs(theirs - loss.item()) < 2e-6 * abs(loss.item()), (name, theirs, loss.item())
    save_file({k: v.contiguous() for k, v in expected.items()}, "expected.safetensors")

    first_norm = math.sqrt(sum(float((p.grad ** 2).sum()) for p in params.values()))
    runs = all_runs(model_dir, adapter, batch, {}, first_norm, load=load, logits_and_loss=logits_and_loss)
    write_json("losses.json", dict(steps=STEPS, batch="batch.safetensors, all of it, every step",
                                   losses="losses[i] is the loss before update i; loss_after the one after the last",
                                   runs=runs))
    write_json("case.json", dict(
        name=name, description=spec["description"], method="lora" if lora else "full", attention=ATTENTION, seed=seed,
        torch=torch.__version__.split("+")[0], transformers=transformers.__version__, peft=peft.__version__,
        trainable_parameters=sum(p.numel() for p in params.values()), trainable_keys=sorted(params), loss=loss.item()))
    print(f"{name:28s} loss {loss.item():.6f}  |grad| {first_norm:.4f}  after ten steps "
          f"{runs[0]['loss_after']:.4f}  {len(params)} tensors, {len(saved)} in the adapter file")


def batch_of_doubles(batch):
    return {k: v.double() if v.is_floating_point() else v for k, v in batch.items()}


def check(expected, params, saved, name):
    for key, value in expected.items():
        assert torch.isfinite(value).all(), (name, key)
        of_keys = key.endswith("bias") and (".key." in key or ".k_lin." in key)    # has no effect on a softmax
        assert of_keys or value.abs().max() > 1e-6, (name, key, "is zero")
    for key in saved:
        assert key in params or any(word in key for word in ("base_layer", "modules_to_save", "original_module")), (name, key)


# ---- the cases ------------------------------------------------------------------------------------------------------

QV = dict(r=4, lora_alpha=12, target_modules=["query", "value"])
QV_LIN = dict(r=4, lora_alpha=12, target_modules=["q_lin", "v_lin"])
C_ATTN = dict(r=4, lora_alpha=12, target_modules=["c_attn"], fan_in_fan_out=True)
LEFT, RIGHT = dict(padding="left"), dict(padding="right")

case("bert_qv", "LoRA on query and value, with the head: the smallest useful case. No padding, no token types.", "bert", lora=QV)
case("bert_right_padding", "Padding on the right, token types of a pair.", "bert", lora=QV,
     batch=dict(padding="right", token_types=True))
case("bert_left_padding", "Padding on the left: [CLS] is where the padding is, as Transformers takes it. Activation gelu_new.",
     "bert", lora=dict(r=3, lora_alpha=5, target_modules=["query", "key", "value", "attention.output.dense"]), batch=LEFT,
     config=dict(hidden_act="gelu_new"))
case("bert_dense", "'dense' matches attention's output, both maps of the feed-forward, and the pooler.", "bert",
     lora=dict(r=2, lora_alpha=6, target_modules=["dense"], bias="lora_only"), batch=dict(padding="right", token_types=True))
case("bert_all_linear_dora", "DoRA on every linear map but the head, the pooler among them, with every bias.", "bert",
     lora=dict(r=2, lora_alpha=6, target_modules="all-linear", use_dora=True, bias="all"), batch=RIGHT)
case("bert_full", "No adapter: every parameter trains, token types and right padding; two labels, names of their own.", "bert",
     labels=2, config=dict(id2label={0: "no", 1: "yes"}, label2id={"no": 0, "yes": 1}),
     batch=dict(padding="right", token_types=True))
case("bert_padding_seen", "No adapter and no mask: padding is attended to, but its row of the token embedding never learns.",
     "bert", batch=dict(padding="right", mask=False))
case("bert_regression", "One label: the squared error. rsLoRA with ranks of their own.", "bert", labels=1,
     lora=dict(r=4, lora_alpha=7, use_rslora=True, target_modules=["query", "value", "intermediate.dense"],
               rank_pattern={"intermediate.dense": 2}, alpha_pattern={"layer.1.attention.self.query": 3}),
     batch=dict(padding="right", token_types=True))
case("bert_masked_base", "The base is a masked-language model in the names of the hub's first files, without the prefix, with "
     "gamma and beta and position_ids; head and pooler come from the adapter.", "bert", masked=True, bare=True,
     lora=dict(**QV, modules_to_save=["pooler"]), batch=dict(padding="right", token_types=True))
case("bert_bare_names", "A classifier in old names: gamma and beta, position_ids, the body without its prefix.", "bert", bare=True,
     lora=QV, batch=RIGHT)
case("bert_torch_file", "The base is a pytorch_model.bin.", "bert", bin=True, lora=QV, batch=RIGHT)
case("bert_torch_shards", "The base is a pytorch_model.bin in shards.", "bert", bin=True, shards="12KB", lora=QV, batch=RIGHT)
case("bert_embeddings", "LoRA on the three embeddings, padding attended to: its column of A does not learn.", "bert",
     lora=dict(r=2, lora_alpha=4, target_modules=["word_embeddings", "position_embeddings", "token_type_embeddings"]),
     batch=dict(padding="right", mask=False, token_types=True))
case("bert_wide_head", "Seven labels, layers_to_transform, ReLU.", "bert", labels=7,
     config=dict(hidden_act="relu", num_hidden_layers=3),
     lora=dict(r=3, lora_alpha=9, target_modules=["query", "value"], layers_to_transform=[1], layers_pattern="layer"), batch=RIGHT)

case("roberta_qv", "LoRA on query and value, with a head of two maps.", "roberta", lora=QV)
case("roberta_right_padding", "Padding on the right: positions count the tokens that are not padding, from 2 on.", "roberta",
     lora=QV, batch=RIGHT)
case("roberta_left_padding", "Padding on the left: positions begin behind it; the first column stands for the sequence.", "roberta",
     lora=dict(r=3, lora_alpha=5, target_modules=["query", "key", "value", "output.dense"]), batch=LEFT)
case("roberta_dense", "'dense' would match classifier.dense too, which PEFT leaves to the head that trains whole.", "roberta",
     lora=dict(r=2, lora_alpha=6, target_modules=["dense"], use_dora=True), batch=RIGHT)
case("roberta_full", "No adapter: every parameter trains, left padding.", "roberta", labels=2, batch=LEFT)
case("roberta_padding_seen", "No mask: the padding's rows of tokens and positions are read and never learn.", "roberta",
     batch=dict(padding="right", mask=False))
case("roberta_types", "Two token types, padding id 5: positions from 6 on.", "roberta", lora=QV,
     config=dict(type_vocab_size=2, pad_token_id=5), batch=dict(padding="right", token_types=True))
case("roberta_regression", "One label, rsLoRA, every bias.", "roberta", labels=1,
     lora=dict(r=4, lora_alpha=3, use_rslora=True, target_modules=["query", "value"], bias="all"), batch=RIGHT)
case("roberta_masked_base", "The base is a masked-language model; the head comes from the adapter.", "roberta", masked=True,
     lora=QV, batch=RIGHT)
case("roberta_embeddings", "LoRA on tokens and positions, DoRA, padding attended to.", "roberta",
     lora=dict(r=2, lora_alpha=4, target_modules=["word_embeddings", "position_embeddings"], use_dora=True),
     batch=dict(padding="left", mask=False))

case("distilbert_qv", "LoRA on q_lin and v_lin; PEFT trains pre_classifier with the classifier, since its name ends so.",
     "distilbert", lora=QV_LIN, batch=RIGHT)
case("distilbert_full", "No adapter, left padding.", "distilbert", labels=2, batch=LEFT)
case("distilbert_feed_forward", "DoRA on lin1, lin2 and out_lin; activation relu.", "distilbert", config=dict(activation="relu"),
     lora=dict(r=3, lora_alpha=5, target_modules=["lin1", "lin2", "out_lin"], use_dora=True), batch=RIGHT)
case("distilbert_regression", "One label; sinusoidal positions; rsLoRA.", "distilbert", labels=1,
     config=dict(sinusoidal_pos_embds=True), lora=dict(**QV_LIN, use_rslora=True), batch=LEFT)
case("distilbert_masked_base", "The base is a masked-language model; the head comes from the adapter.", "distilbert", masked=True,
     lora=QV_LIN, batch=RIGHT)

case("gpt2_right_padding", "A GPT-2's last token that is not padding; padding on the right.", "gpt2", lora=C_ATTN,
     config=dict(pad_token_id=7), batch=RIGHT)
case("gpt2_left_padding", "Padding on the left: the last column, positions not shifted.", "gpt2", lora=C_ATTN,
     config=dict(pad_token_id=0), batch=LEFT)
case("gpt2_full", "No adapter, right padding without a mask: the last token is found by its id.", "gpt2", labels=2,
     config=dict(pad_token_id=3), batch=dict(padding="right", mask=False))
case("gpt2_regression", "One label, DoRA on all linear maps.", "gpt2", labels=1, config=dict(pad_token_id=9),
     lora=dict(r=3, lora_alpha=8, target_modules="all-linear", fan_in_fan_out=True, use_dora=True), batch=RIGHT)
case("gpt2_alone", "One sequence and no padding token, as Transformers demands it then.", "gpt2", lora=C_ATTN, batch=dict(rows=1))


def main():
    out, cases = arguments(__doc__.splitlines()[0], "classifiers")
    for number, (name, spec) in enumerate(CASES.items(), 301):
        if not cases or name in cases:
            build(name, spec, out, number)


if __name__ == "__main__":
    main()
