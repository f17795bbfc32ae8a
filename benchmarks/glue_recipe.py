"""What a run of the GLUE table is: tasks, rows, and the numbers that both sides train with. Used by glue_table.py and glue_pytorch.py."""
import csv
import pathlib

# folder, training file, dev file, columns of text and label, whether there is a header, the measure that table 2 prints
TASKS = {
    "cola": dict(folder="CoLA", train="train.tsv", dev="dev.tsv", texts=(3,), label=1, header=False, measure="matthews", epochs=3),
    "sst2": dict(folder="SST-2", train="train.tsv", dev="dev.tsv", texts=(0,), label=1, header=True, measure="accuracy", epochs=2,
                 examples=10000),
    "mrpc": dict(folder="MRPC", train="msr_paraphrase_train.txt", dev="msr_paraphrase_test.txt", texts=(3, 4), label=0,
                 header=True, measure="accuracy", epochs=2),
    "rte": dict(folder="RTE", train="train.tsv", dev="dev.tsv", texts=(1, 2), label=3, header=True, measure="accuracy", epochs=3),
    "stsb": dict(folder="STS-B", train="sts-train.csv", dev="sts-dev.csv", texts=(5, 6), label=4, header=False,
                 measure="pearson", epochs=2),
}

# what trains, and the learning rate's peak; alpha is 16 whatever r is, as the paper leaves it when r changes
ROWS = {
    "full": dict(title="full fine-tuning", method="full", lr=1e-4),
    "bitfit": dict(title="BitFit", method="bitfit", lr=3e-3),
    "lora-1": dict(title="LoRA r 1", method="lora", rank=1, lr=3e-3),
    "lora-8": dict(title="LoRA r 8", method="lora", rank=8, lr=3e-3),
    "lora-64": dict(title="LoRA r 64", method="lora", rank=64, lr=3e-3),
    "pytorch-lora-8": dict(title="LoRA r 8, PyTorch + PEFT", method="lora", rank=8, lr=3e-3),
}

# the search for the learning rates: first so many examples of a task, one epoch, seed 1; ranks 1 and 64 have the rate of rank 8
SWEEP = {"sst2": 4000}
RATES = {"full": (1e-4, 2e-4), "bitfit": (1e-3, 3e-3), "lora-8": (1e-3, 3e-3)}

BATCH, LENGTH, ALPHA, WARMUP, DECAY, EPSILON = 32, 128, 16, 0.06, 0.01, 1e-6
TARGETS = ("query", "value")


def read(glue, task, part):
    """The texts of a part and their labels: (first, second or None, label)."""
    spec = TASKS[task]
    path = pathlib.Path(glue) / spec["folder"] / spec[part]
    # quotes are quotes in RTE, SST-2, CoLA and STS-B, and mark a field in MRPC's training file only where they stand around it
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_MINIMAL if task == "mrpc" else csv.QUOTE_NONE))
    rows = rows[1:] if spec["header"] else rows
    if part == "train" and "examples" in spec:
        rows = rows[:spec["examples"]]
    examples = []
    for row in rows:
        texts = [row[column] for column in spec["texts"]]
        label = row[spec["label"]]
        number = float(label) if task == "stsb" else {"entailment": 0, "not_entailment": 1}.get(label) if task == "rte" else int(label)
        examples.append((texts[0], texts[1] if len(texts) > 1 else None, number))
    return examples
