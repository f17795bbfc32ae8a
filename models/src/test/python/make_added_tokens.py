"""Makes models/src/test/resources/tokenizers/added-tokens.jsonl: random tokenizer files, and what Transformers gives.

    pip install transformers==5.18.0
    python3 models/src/test/python/make_added_tokens.py

A line holds the files beside a vocabulary of the 256 bytes (each its own id), "th" 256, "the" 257, " the" 258 and
<|endoftext|> 259, and for some texts their ids, the ids decoded, and decoded without special tokens. Files that contradict
themselves are left out, as are the few on which Transformers ends with an error.
"""
import json
import os
import random
import tempfile

import transformers
from transformers import GPT2Tokenizer

transformers.logging.set_verbosity_error()
FOLDER = os.path.join(os.path.dirname(__file__), "..", "resources", "tokenizers")
TOKENS = ["<a>", "<a><a>", "<|x|>", "<|x|>y", " <b>", "the", " the", "é", "éa", "Ġq", "word", "wor", "_", "\n", "  ", "[PAD]",
          "</s>", "<|endoftext|>", "🙂", "a b", "ß", "<|im_start|>", "<|im_end|>", "1", "t", "\u00a0z", "ſ", "中", "中文"]
PIECES = TOKENS + [" ", "  ", "\t", "\n\n", "hello", "the the", "x", "y", "word5", "_word", "é", "中文字", "\u3000", "'s", "  a",
                   "\u200d", "\u0301", "Ⅷ", "٣"]
NAMES = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token"]
R = random.Random(10)


def vocabulary():
    visible = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    hidden = [b for b in range(256) if b not in visible]
    letters = {chr(b): b for b in visible}
    letters.update({chr(256 + n): b for n, b in enumerate(hidden)})
    return {**letters, "th": 256, "the": 257, "Ġthe": 258, "<|endoftext|>": 259}


MERGES = ["t h", "th e", "Ġ the"]


def attributes(special):
    found = {name: R.random() < .3 for name in ("lstrip", "rstrip", "single_word", "normalized")}
    return {**found, "special": R.random() < .4} if special else found


def files():
    vocab = vocabulary()
    chosen = R.sample(TOKENS, R.randint(0, 7))
    ids = {}
    for token in chosen:
        ids[token] = vocab[token] if token in vocab else len(vocab) + sum(t not in vocab for t in ids)
    config = {"tokenizer_class": "GPT2Tokenizer"}
    for name, share in (("add_prefix_space", .3), ("add_bos_token", .3), ("split_special_tokens", .1)):
        if R.random() < share:
            config[name] = True
    where = R.choice(["added", "decoder", "both", "none"])
    special = {}
    for name in NAMES:
        if chosen and R.random() < .25:
            token = R.choice(chosen)
            described = token if R.random() < .5 else {"content": token, **attributes(False)}
            same = [d for d in special.values() if (d if isinstance(d, str) else d["content"]) == token]
            special[name] = same[0] if same else described
    named = [d if isinstance(d, str) else d["content"] for d in special.values()]
    extra = [t for t in chosen if t not in named and R.random() < .2]
    made = {}
    if where != "decoder" and R.random() < .5:
        made["special_tokens_map.json"] = {**special, **({"extra_special_tokens": extra} if extra else {})}
    else:
        for name, described in special.items():
            is_name = isinstance(described, str) or where == "added"
            config[name] = (described if isinstance(described, str) else described["content"]) if is_name \
                else {"__type": "AddedToken", **described}
        if extra:
            config["additional_special_tokens"] = extra
    if where in ("added", "both"):
        made["added_tokens.json"] = ids
    if where in ("decoder", "both"):
        config["added_tokens_decoder"] = {str(i): {"content": t, **attributes(True)} for t, i in ids.items()}
    if R.random() < .25:
        added = {"<|endoftext|>": {"id": 259, "content": "<|endoftext|>", "single_word": False, "lstrip": False,
                                   "rstrip": False, "normalized": False, "special": True}}
        if where == "none":
            added.update({t: {"id": i, "content": t, **attributes(True)} for t, i in ids.items()})
        made["tokenizer.json"] = {
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": sorted(added.values(), key=lambda token: token["id"]), "normalizer": None,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            "post_processor": R.choice([None, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
                                        template([]), template(["<|endoftext|>"])]),
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
            "model": {"type": "BPE", "vocab": vocab, "merges": MERGES}}
    if len(config) > 1:
        made["tokenizer_config.json"] = config
    return made


def template(before):
    text = [{"Sequence": {"id": "A", "type_id": 0}}]
    begin = [{"SpecialToken": {"id": token, "type_id": 0}} for token in before]
    return {"type": "TemplateProcessing", "single": begin + text, "pair": begin + text + [{"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {token: {"id": token, "ids": [259], "tokens": [token]} for token in before}}


def case(made):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in made.items():
            with open(os.path.join(folder, name), "w") as out:
                json.dump(content, out)
        if "tokenizer.json" not in made:
            with open(os.path.join(folder, "vocab.json"), "w") as out:
                json.dump(vocabulary(), out)
            with open(os.path.join(folder, "merges.txt"), "w") as out:
                out.write("#version: 0.2\n" + "\n".join(MERGES) + "\n")
        tokenizer = GPT2Tokenizer.from_pretrained(folder)
        texts = []
        for _ in range(10):
            text = "".join(R.choice(PIECES) for _ in range(R.randint(0, 9)))
            ids = tokenizer(text).input_ids
            texts.append([text, ids, tokenizer.decode(ids), tokenizer.decode(ids, skip_special_tokens=True)])
    shown = {**made}
    if "tokenizer.json" in made:  # the vocabulary is the same in all
        shown["tokenizer.json"] = {**made["tokenizer.json"], "model": {"type": "BPE", "vocab": None, "merges": MERGES}}
    return {"files": shown, "eos": tokenizer.eos_token_id, "texts": texts}


def main():
    with open(os.path.join(FOLDER, "added-tokens.jsonl"), "w", encoding="utf-8") as out:
        kept = 0
        while kept < 60:
            try:
                line = case(files())
            except BaseException as e:  # tokenizers panics where a token of white space is taken in by two
                if isinstance(e, KeyboardInterrupt):
                    raise
                continue
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            kept += 1


main()
