"""What `lora4j bench` measures, in PyTorch: same names, shapes, options and JSON, so that a script can pair the two.

    python benchmarks/pytorch_bench.py product --size 512x768x3072 --json
    python benchmarks/pytorch_bench.py step --shape gpt2 --batch 8 --length 64
    python benchmarks/pytorch_bench.py decode --shape gpt2 --length 128
    python benchmarks/pytorch_bench.py e2e [--pad 256]
    python benchmarks/pytorch_bench.py step --device cuda --compile --json
    python benchmarks/pytorch_bench.py serve --peer eager

* product: torch.mm into memory that is there already, forward (x·Wᵀ) and both transposed forms (g·W, gᵀ·x).
* step: Transformers' GPT-2, or Qwen2, from a configuration, random weights, no dropout; PEFT's LoRA on c_attn, on q_proj and
  v_proj, or with --places all on every linear map, or every parameter;
  the loss is Transformers' own with labels, AdamW over what trains. With --loss half the labels of the first half are
  −100; the logits are computed all the same. Of a RoBERTa's shape it is a classifier with two labels, LoRA on query and
  value with the head beside it.
* decode: `generate`, greedy, --length new tokens behind a prompt of 16, with the key/value cache.
* latency: the forward pass of `step`'s shape, up to all logits: base, LoRA merged into it, LoRA beside it.
* e2e: training on E2E with the embedded base, the recipe of e2e_pytorch.py (logits of targets only, batches grouped by
  length), over every so-manieth pair of the training set; up to 50 steps these are lora4j's batches in another order. With
  --pad every sequence is padded to that length and all logits are made, as the authors' scripts do.
* serve: times what it reads on standard input, as `lora4j bench serve` does, for `side-by-side`; --peer says how: eager,
  through torch.compile, under bfloat16 autocast, or products by NumPy's OpenBLAS.

With --device cuda, step, decode and product run on the GPU: in float32 with TF32 off (PyTorch's own default), each run
timed until the device has finished, with the peak of the device's memory in the JSON. With --compile the model goes
through torch.compile; decoding then has a static cache, without which it would compile anew for every length.
"""
import argparse
import contextlib
import itertools
import json
import os
import pathlib
import statistics
import sys
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
ROOT = pathlib.Path(__file__).resolve().parent.parent
RESOURCES = ROOT / "experiments/src/main/resources/org/lora4j/experiments"
SHAPES = {  # width, layers, heads, vocabulary, positions
    "base-6m": (256, 6, 4, 4096, 256),
    "gpt2": (768, 12, 12, 50257, 1024),
    "gpt2-medium": (1024, 24, 16, 50257, 1024),
    "gpt2-large": (1280, 36, 20, 50257, 1024),
    "gpt2-xl": (1600, 48, 25, 50257, 1024),
    "roberta-base": (768, 12, 12, 50265, 514),
    "roberta-large": (1024, 24, 16, 50265, 514),
}
# hidden_size, intermediate_size, layers, heads, key heads, vocabulary, positions, of Qwen2
QWEN2 = {"qwen2.5-0.5b": (896, 4864, 24, 14, 2, 151936, 32768), "qwen2.5-1.5b": (1536, 8960, 28, 12, 2, 151936, 32768)}
SHAPES |= {name: (c, layers, heads, v, p) for name, (c, _, layers, heads, _, v, p) in QWEN2.items()}
PROMPT = 16


def measure(unit, work, args, **kinds):
    """Times one run of each kind in turn; rates of work per second, by the kinds' names."""
    begin = time.perf_counter()
    done = 0
    while done < args.warmup or time.perf_counter() - begin < args.warmup_seconds * len(kinds):
        for run in kinds.values():
            run()
        done += 1
    seconds = {kind: [] for kind in kinds}
    for _ in range(args.runs):
        for kind, run in kinds.items():
            finish(args)
            start = time.perf_counter()
            run()
            finish(args)
            seconds[kind].append(time.perf_counter() - start)
    return {kind: rates(unit, work, times) for kind, times in seconds.items()}


def finish(args):
    """Waits for the device: a call returns when its kernels are queued."""
    if args.device == "cuda":
        import torch
        torch.cuda.synchronize()


def rates(unit, work, seconds):
    median = statistics.median(seconds)
    return dict(unit=unit, median=work / median, min=work / max(seconds), max=work / min(seconds), medianSeconds=median)


def peak_resident_bytes():
    try:
        for line in pathlib.Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return -1


def product(args):
    import torch
    width, _, _, vocabulary, _ = SHAPES[args.shape]
    rows = args.batch * args.length
    sizes = [tuple(map(int, args.size.split("x")))] if args.size else [
        (rows, width, width), (rows, width, 3 * width), (rows, width, 4 * width), (rows, 4 * width, width),
        (rows, width, vocabulary)]
    results = {}
    for n, inner, out in sizes:
        x, w, g = (torch.rand(shape) * 2 - 1 for shape in ((n, inner), (out, inner), (n, out)))
        x, w, g = x.to(args.device), w.to(args.device), g.to(args.device)
        y, dx, dw = (torch.empty(shape, device=args.device) for shape in ((n, out), (n, inner), (out, inner)))
        for form, run in {
            "x·Wᵀ": lambda: torch.mm(x, w.t(), out=y),
            "g·W": lambda: torch.mm(g, w, out=dx),
            "gᵀ·x": lambda: torch.mm(g.t(), x, out=dw),
        }.items():
            results[f"{n}x{inner}x{out} {form}"] = measure("GFLOP/s", 2e-9 * n * inner * out, args, run=run)["run"]
    return results


def gpt2(shape):
    if shape in QWEN2:
        from transformers import Qwen2Config, Qwen2ForCausalLM
        width, inner, layers, heads, key_heads, vocabulary, positions = QWEN2[shape]
        return Qwen2ForCausalLM(Qwen2Config(
            hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=heads,
            num_key_value_heads=key_heads, vocab_size=vocabulary, max_position_embeddings=positions, tie_word_embeddings=True))
    from transformers import GPT2Config, GPT2LMHeadModel
    width, layers, heads, vocabulary, positions = SHAPES[shape]
    return GPT2LMHeadModel(GPT2Config(
        n_embd=width, n_layer=layers, n_head=heads, vocab_size=vocabulary, n_positions=positions, attn_pdrop=0,
        resid_pdrop=0, embd_pdrop=0, bos_token_id=0, eos_token_id=vocabulary - 1))


def roberta(shape, dropout):
    from transformers import RobertaConfig, RobertaForSequenceClassification
    width, layers, heads, vocabulary, positions = SHAPES[shape]
    return RobertaForSequenceClassification(RobertaConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=4 * width,
        vocab_size=vocabulary, max_position_embeddings=positions, type_vocab_size=1, layer_norm_eps=1e-5,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout, num_labels=2))


def classifies(shape):
    return shape.startswith("roberta")


def with_lora(model, rank, classifier=False, places="qv"):
    from peft import LoraConfig, get_peft_model
    if classifier:
        return get_peft_model(model, LoraConfig(
            task_type="SEQ_CLS", r=rank, lora_alpha=32, lora_dropout=0,
            target_modules="all-linear" if places == "all" else ["query", "value"]))
    gpt2 = model.config.model_type == "gpt2"
    targets = "all-linear" if places == "all" else ["c_attn"] if gpt2 else ["q_proj", "v_proj"]
    return get_peft_model(model, LoraConfig(
        task_type="CAUSAL_LM", r=rank, lora_alpha=32, lora_dropout=0, target_modules=targets, fan_in_fan_out=gpt2))


def step(args):
    name = f"step {args.method}, loss on {'sequences' if classifies(args.shape) else args.loss}"
    return {name: measure("tokens/s", args.batch * args.length, args, run=a_step(args))["run"]}


def a_step(args, autocast=False):
    import torch
    classifier = classifies(args.shape)
    model = roberta(args.shape, args.base_dropout) if classifier else gpt2(args.shape)
    if args.method == "lora":
        model = with_lora(model, args.rank, classifier, args.places)
    model.to(args.device).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    ids = torch.randint(2, SHAPES[args.shape][3], (args.batch, args.length)).to(args.device)
    labels = torch.arange(args.batch).to(args.device) % 2 if classifier else ids.clone()
    if args.loss == "half" and not classifier:
        labels[:, :args.length // 2] = -100
    if args.compile:
        model = torch.compile(model)

    def run():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = model(input_ids=ids, labels=labels, **({} if classifier else {"use_cache": False})).loss
        loss.backward()
        optimizer.step()

    return run


def decode(args):
    return {"decode": measure("tokens/s", args.length, args, run=decoding(args))["run"]}


def decoding(args):
    import torch
    model = gpt2(args.shape).to(args.device).eval()
    prompt = torch.arange(1, PROMPT + 1, device=args.device)[None]
    mask = torch.ones_like(prompt)
    if args.compile:
        model.generation_config.cache_implementation = "static"
        model.forward = torch.compile(model.forward)

    def run():
        out = model.generate(prompt, attention_mask=mask, do_sample=False, use_cache=True, pad_token_id=0,
                             min_new_tokens=args.length, max_new_tokens=args.length)
        assert out.shape[1] == PROMPT + args.length

    return run


def latency(args):
    import torch
    model = with_lora(gpt2(args.shape), args.rank).eval()
    ids = torch.randint(SHAPES[args.shape][3], (args.batch, args.length))

    def forward():
        model(input_ids=ids, use_cache=False)

    def base():
        with model.disable_adapter():
            forward()

    with torch.inference_mode():
        results = measure("passes/s", 1, args, **{"base": base, "LoRA beside": forward})
        model.merge_adapter()
        results |= measure("passes/s", 1, args, **{"LoRA merged": forward})
    return results


def e2e(args):
    batches, a_batch, pairs = e2e_training(args)

    def run():
        for batch in batches:
            a_batch(batch)

    name = f"e2e padded to {args.pad}" if args.pad else "e2e"
    seconds = measure("examples/s", len(pairs), args, run=run)["run"]
    factor = sum(len(tokens) for tokens, _ in pairs) / len(pairs)
    tokens = {key: factor * seconds[key] for key in ("median", "min", "max")}
    return {name: seconds, f"{name}, tokens": dict(seconds, unit="tokens/s", **tokens)}


def e2e_training(args):
    """The batches, what trains on one of them, and the pairs."""
    import torch
    import torch.nn.functional as F
    from tokenizers import ByteLevelBPETokenizer
    from transformers import GPT2LMHeadModel
    import e2e_pytorch as recipe

    folder = RESOURCES / "base-6m"
    with contextlib.redirect_stdout(sys.stderr):
        model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
    model.requires_grad_(False)
    for block in model.transformer.h:
        block.attn.c_attn = recipe.LoraQV(block.attn.c_attn, args.rank, 32)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    tokenizer = ByteLevelBPETokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    pairs = recipe.read_pairs(RESOURCES / "data/e2e/e2e-dataset.zip", "trainset", tokenizer, model.config.eos_token_id,
                              model.config.n_positions)
    count = args.steps * args.batch
    pairs = pairs[::len(pairs) // count][:count]
    batches = recipe.grouped_batches(pairs, args.batch, torch.Generator().manual_seed(0))

    def padded_loss(rows):
        """Every position's logits and loss, then the completion's picked out by a mask, as the authors' gpt2_ft.py."""
        ids = torch.tensor([tokens + [0] * (args.pad - len(tokens)) for tokens, _ in rows])
        mask = torch.zeros(len(rows), args.pad - 1)
        for b, (tokens, prompt) in enumerate(rows):
            mask[b, prompt - 1:len(tokens) - 1] = 1
        logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
        losses = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1), reduction="none")
        return (losses.view_as(mask) * mask).sum(), int(mask.sum())

    def a_batch(batch):
        rows = [pairs[i] for i in batch]
        optimizer.zero_grad(set_to_none=True)
        loss, targets = padded_loss(rows) if args.pad else recipe.sum_of_losses(model, rows)
        (loss / targets).backward()
        optimizer.step()

    return batches, a_batch, pairs


def classification(folder, file, count, size):
    """The next batch of the file's first texts in each call, from letters to probabilities, sorted by length."""
    import csv
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    with open(file, encoding="utf-8-sig", newline="") as lines:
        rows = list(itertools.islice(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), count))
    texts = [row["sentence"].strip() for row in rows]
    with contextlib.redirect_stdout(sys.stderr):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2, attn_implementation="sdpa").eval()
    texts.sort(key=lambda text: len(tokenizer(text)["input_ids"]))
    turns = itertools.cycle([texts[i:i + size] for i in range(0, count, size)])

    @torch.inference_mode()
    def a_batch():
        batch = tokenizer(next(turns), padding=True, return_tensors="pt")
        return model(**batch).logits.softmax(1).tolist()

    return a_batch


def serve(args):
    """COUNT WORK in, seconds of a run, what a run does and its unit out, as `lora4j bench serve`."""
    prepared = {}
    for line in sys.stdin:
        line = line.strip()
        clock = time.thread_time if line.startswith("cpu ") else time.perf_counter
        count, _, work = line.removeprefix("cpu ").partition(" ")
        try:
            if not work:
                print(peak_resident_bytes(), flush=True)
                continue
            if work not in prepared:
                prepared[work] = prepare(args, work)
            amount, unit, run = prepared[work]
            start = clock()
            for _ in range(int(count)):
                run()
            print((clock() - start) / int(count), amount, unit, flush=True)
        except Exception as failure:  # one line for one line, whatever happens
            print("error", str(failure).replace("\n", " ")[:300], flush=True)


def prepare(args, work):
    words = work.split(" ")
    if words[0] == "product":
        return a_product(args, words[1], work.split(" ", 2)[2])
    options = argparse.Namespace(**vars(args))
    options.compile = args.peer == "compile"
    if words[0] == "step":
        _, options.shape, options.batch, options.length, options.method, options.loss, _, *dropout = words
        options.batch, options.length = int(options.batch), int(options.length)
        options.method, *of_lora = options.method.split(":")
        if of_lora:
            options.rank, options.places = int(of_lora[0]), of_lora[1]
        options.base_dropout = float(dropout[0]) if dropout else 0
        return options.batch * options.length, "tokens", a_step(options, args.peer == "bf16")
    if words[0] == "decode":
        _, options.shape, options.length, _ = words
        options.length = int(options.length)
        return options.length, "tokens", decoding(options)
    if words[0] == "classify":
        _, size, count, folder, file = words
        return int(size), "texts", classification(folder, file, int(count), int(size))
    if words[0] == "e2e":
        options.batch, options.steps, options.pad = map(int, words[1:])
        batches, a_batch, pairs = e2e_training(options)
        batches = sorted(batches, key=lambda batch: max(len(pairs[i][0]) for i in batch))
        turns = itertools.cycle(batches)
        return options.batch, "examples", lambda: a_batch(next(turns))
    raise ValueError(f"there is no work '{work}' here")


def a_product(args, size, form):
    n, inner, out = map(int, size.split("x"))
    if args.peer == "numpy":
        import numpy
        random = numpy.random.default_rng(1)
        left, right = {"x·Wᵀ": ((n, inner), (out, inner)), "g·W": ((n, out), (out, inner)), "gᵀ·x": ((n, out), (n, inner))}[form]
        a, b = (random.uniform(-1, 1, shape).astype(numpy.float32) for shape in (left, right))
        a, b = (a, b.T) if form == "x·Wᵀ" else (a, b) if form == "g·W" else (a.T, b)
        c = numpy.empty((a.shape[0], b.shape[1]), numpy.float32)
        return 2e-9 * n * inner * out, "GFLOP", lambda: numpy.matmul(a, b, out=c)
    import torch
    shapes = {"x·Wᵀ": ((n, inner), (out, inner)), "g·W": ((n, out), (out, inner)), "gᵀ·x": ((n, out), (n, inner))}[form]
    a, b = (torch.rand(shape) * 2 - 1 for shape in shapes)
    a, b = (a, b.t()) if form == "x·Wᵀ" else (a, b) if form == "g·W" else (a.t(), b)
    c = torch.empty((a.shape[0], b.shape[1]))
    return 2e-9 * n * inner * out, "GFLOP", lambda: torch.mm(a, b, out=c)


def main():
    whats = dict(product=product, step=step, decode=decode, latency=latency, e2e=e2e, serve=serve)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=[*whats, "versions"])
    parser.add_argument("--shape", choices=SHAPES, default="gpt2")
    parser.add_argument("--size", metavar="MxKxN", help="product: one product (M, K)·(K, N)ᵀ instead")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--method", choices=["lora", "full"], default="lora")
    parser.add_argument("--places", choices=["qv", "all"], default="qv", help="step: what LoRA is on")
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--loss", choices=["all", "half"], default="all")
    parser.add_argument("--base-dropout", type=float, default=0, help="step: dropout of a model that classifies")
    parser.add_argument("--steps", type=int, default=50, help="e2e: steps of a run")
    parser.add_argument("--pad", type=int, default=0, help="e2e: length of every sequence")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--warmup", type=int, default=3, help="runs that do not count, at least")
    parser.add_argument("--warmup-seconds", type=float, default=1, help="how long they go on, at least")
    parser.add_argument("--threads", type=int, default=0, help="0 for PyTorch's choice")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="product, step, decode: where")
    parser.add_argument("--compile", action="store_true", help="step, decode: with torch.compile")
    parser.add_argument("--peer", choices=["eager", "compile", "bf16", "numpy"], default="eager", help="serve: how")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    import torch
    if args.what == "versions":
        import peft
        import transformers
        print(f"PyTorch {torch.__version__}, PEFT {peft.__version__}, Transformers {transformers.__version__}")
        return
    if args.device == "cuda" and args.what not in ("product", "step", "decode"):
        parser.error(f"--device cuda: {args.what} is timed on the CPU only")
    if args.compile and args.what not in ("step", "decode"):
        parser.error(f"--compile: only step and decode take it, not {args.what}")
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: PyTorch sees no GPU here")
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    if args.what == "serve":
        serve(args)
        return
    results = whats[args.what](args)
    resident = peak_resident_bytes()
    on = f"PyTorch {torch.__version__}" + (", compiled" if args.compile else "")
    device = torch.cuda.max_memory_allocated() if args.device == "cuda" else 0
    if args.device == "cuda":
        on += f", {torch.cuda.get_device_name()}"
    if args.json:
        print(json.dumps(dict(
            what=args.what, shape=args.shape, batch=args.batch, length=args.length, threads=torch.get_num_threads(),
            backend=on, peak_resident_bytes=resident, peak_device_bytes=device, results=results),
            indent=2, ensure_ascii=False))
        return
    for name, rate in results.items():
        print(f"{name:28} median {rate['median']:.4g}, fastest {rate['max']:.4g}, slowest {rate['min']:.4g} {rate['unit']}, "
              f"a run {rate['medianSeconds']:.4g} s")
    print(f"peak resident memory {resident / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
