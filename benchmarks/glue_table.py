"""GLUE's small tasks on one base by several methods: trains what is not there yet, and prints the table as table 2 prints it.

    python benchmarks/glue_table.py run   --model MINILM --glue DIR [--out runs/glue] [--rows lora-8 …] [--tasks rte …]
                                          [--seeds 1,2,3] [--minutes N] [--threads N]
    python benchmarks/glue_table.py table [--out runs/glue] [--seeds 1,2,3]
    python benchmarks/glue_table.py sweep --model MINILM --glue DIR [--out runs/glue] [--rows …] [--tasks …]     the learning rates
    python benchmarks/glue_table.py rates [--out runs/glue]                                                      what it found

A cell is a task, a row and a seed; its result stays in OUT/TASK/ROW/seed-N/result.json, so the work can be spread over any number
of sessions: `run` takes the next cell that has none, all tasks and rows of the first seed before those of the second, and begins no
new cell after --minutes. A cell that was interrupted goes on from its last checkpoint, and any number of these programs may run
beside each other on the same OUT: each takes cells that no other has taken. glue_recipe.py has what every cell does,
glue_pytorch.py the row that runs in PyTorch; only that one needs Python with torch, transformers and peft. LORA4J names another
launcher.

MINILM is made by   mvn -q -pl tests -am -Pminilm process-test-classes -Dminilm=MINILM
"""
import argparse
import fcntl
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import glue_recipe as recipe

ROOT = pathlib.Path(__file__).resolve().parents[1]
TITLES = {"cola": "CoLA", "sst2": "SST-2", "mrpc": "MRPC", "rte": "RTE", "stsb": "STS-B"}
TENS_OF_MEGABYTES = ("model.safetensors", "checkpoint.safetensors")


def ours(args, task, row, seed, folder, **changes):
    spec, method = {**recipe.TASKS[task], **changes}, {**recipe.ROWS[row], **changes}
    command = [os.environ.get("LORA4J", ROOT / "lora4j"), "train", "--task", task, "--model", args.model,
               "--data", pathlib.Path(args.glue) / spec["folder"], "--method", method["method"], "--lr", method["lr"],
               "--epochs", spec["epochs"], "--batch", recipe.BATCH, "--max-length", recipe.LENGTH, "--warmup-ratio", recipe.WARMUP,
               "--weight-decay", recipe.DECAY, "--adam-epsilon", recipe.EPSILON, "--seed", seed, "--out", folder / "run",
               "--checkpoint-every", 100, "--json", "--quiet"]
    if method["method"] == "lora":
        command += ["--rank", method["rank"], "--alpha", recipe.ALPHA, "--targets", ",".join(recipe.TARGETS), "--init", "kaiming"]
    if "examples" in spec:
        command += ["--examples", spec["examples"]]
    if args.threads:
        command += ["--threads", args.threads]
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{task} {row} seed {seed}: exit code {done.returncode} of {' '.join(map(str, command))}")
    said = json.loads(done.stdout)
    for name in TENS_OF_MEGABYTES:
        (folder / "run" / name).unlink(missing_ok=True)
    return dict(task=task, row=row, seed=seed, measure=spec["measure"], lr=method["lr"], best=said["dev_" + spec["measure"]],
                trainable=said["trainable_parameters"], seconds=said["seconds"], said=said,
                command=[str(word) for word in command])


def theirs(args, task, row, seed, folder):
    out = folder / "pytorch.json"
    command = [os.environ.get("PYTHON", sys.executable), pathlib.Path(__file__).with_name("glue_pytorch.py"), args.model, args.glue, task,
               recipe.ROWS[row]["rank"], seed, out] + (["--threads", args.threads] if args.threads else [])
    if subprocess.run([str(word) for word in command], stdout=sys.stderr).returncode:
        sys.exit(f"{task} {row} seed {seed} failed")
    return json.loads(out.read_text())


def run(args):
    cells(args, [(args.out / task / row / f"seed-{seed}", task, row, seed, {})
                 for seed in args.seeds for task in args.tasks for row in args.rows])


def sweep(args):
    cells(args, [(args.out / "sweep" / task / row / f"lr-{rate:g}", task, row, 1, dict(lr=rate, examples=recipe.SWEEP[task], epochs=1))
                 for task in args.tasks if task in recipe.SWEEP for row in args.rows if row in recipe.RATES
                 for rate in recipe.RATES[row]])


def cells(args, wanted):
    started = time.time()
    for folder, task, row, seed, changes in wanted:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "taken", "w") as taken:
            try:
                fcntl.flock(taken, fcntl.LOCK_EX | fcntl.LOCK_NB)  # goes with the process, however it ends
            except BlockingIOError:
                continue
            if (folder / "result.json").exists():
                continue
            if args.minutes and time.time() - started > 60 * args.minutes:
                return print("time is up; the same command goes on", file=sys.stderr)
            result = theirs(args, task, row, seed, folder) if row.startswith("pytorch") else ours(args, task, row, seed, folder, **changes)
            staged = folder / "result.json.part"
            staged.write_text(json.dumps(result, indent=1))
            staged.rename(folder / "result.json")
            print(f"{task} {row} seed {seed}{changes or ''}: {result['measure']} {100 * result['best']:.1f}, {result['seconds']:.0f} s",
                  file=sys.stderr, flush=True)


def rates(args):
    for task, examples in recipe.SWEEP.items():
        for row, tried in recipe.RATES.items():
            found = [(rate, json.loads(path.read_text())["best"]) for rate in tried
                     if (path := args.out / "sweep" / task / row / f"lr-{rate:g}" / "result.json").exists()]
            print(f"{TITLES[task]}, first {examples}, {recipe.ROWS[row]['title']}: "
                  + ", ".join(f"{rate:g} {100 * value:.1f}" for rate, value in found))


def table(args):
    """Median of the seeds and their spread, as table 2 prints them: ± the standard deviation."""
    print("| | # trainable | " + " | ".join(TITLES[task] for task in args.tasks) + " | avg |")
    print("|---|---|" + "---|" * (len(args.tasks) + 1))
    missing = 0
    for row in args.rows:
        cells, medians, trainable = [], [], set()
        for task in args.tasks:
            results = [json.loads(path.read_text()) for seed in args.seeds
                       if (path := args.out / task / row / f"seed-{seed}" / "result.json").exists()]
            missing += len(args.seeds) - len(results)
            if not results:
                cells.append("")
                continue
            values = [100 * result["best"] for result in results]
            medians.append(statistics.median(values))
            trainable.add(results[0]["trainable"])
            spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
            cells.append(f"{medians[-1]:.1f}{spread}" + (f" ({len(values)})" if len(values) < len(args.seeds) else ""))
        average = f"{statistics.mean(medians):.1f}" if len(medians) == len(args.tasks) else ""
        print(f"| {recipe.ROWS[row]['title']} | {f'{max(trainable):,}' if trainable else ''} | " + " | ".join(cells) + f" | {average} |")
    if missing:
        print(f"\n{missing} of {len(args.rows) * len(args.tasks) * len(args.seeds)} runs are missing.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("run", "table", "sweep", "rates"))
    parser.add_argument("--model")
    parser.add_argument("--glue")
    parser.add_argument("--out", default="runs/glue", type=pathlib.Path)
    parser.add_argument("--tasks", nargs="*", default=list(recipe.TASKS), choices=list(recipe.TASKS))
    parser.add_argument("--rows", nargs="*", default=list(recipe.ROWS), choices=list(recipe.ROWS))
    parser.add_argument("--seeds", default="1,2,3", type=lambda text: [int(seed) for seed in text.split(",")])
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.what in ("table", "rates"):
        return globals()[args.what](args)
    if not args.model or not args.glue:
        parser.error(f"{args.what} needs --model and --glue")
    globals()[args.what](args)


if __name__ == "__main__":
    main()
