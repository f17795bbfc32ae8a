"""GLUE's small tasks on one base by several methods: trains what is not there yet, and prints the table as table 2 prints it.

    python benchmarks/glue_table.py run   --model MINILM --glue DIR [--out runs/glue] [--rows lora-8 …] [--tasks rte …]
                                          [--seeds 1,2,3] [--minutes N] [--threads N]
    python benchmarks/glue_table.py table [--out runs/glue] [--seeds 1,2,3]

A cell is a task, a row and a seed; its result stays in OUT/TASK/ROW/seed-N/result.json, so the work can be spread over any number
of sessions: `run` takes the next cell that has none, all tasks and rows of the first seed before those of the second, and begins no
new cell after --minutes. A cell that was interrupted goes on from its last checkpoint. glue_recipe.py has what every cell does,
glue_pytorch.py the row that runs in PyTorch; only that one needs Python with torch, transformers and peft. LORA4J names another
launcher.

MINILM is made by   mvn -q -pl tests -am -Pminilm process-test-classes -Dminilm=MINILM
"""
import argparse
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


def ours(args, task, row, seed, folder):
    spec, method = recipe.TASKS[task], recipe.ROWS[row]
    command = [os.environ.get("LORA4J", ROOT / "lora4j"), "train", "--task", task, "--model", args.model,
               "--data", pathlib.Path(args.glue) / spec["folder"], "--method", method["method"], "--lr", method["lr"],
               "--epochs", spec["epochs"], "--batch", recipe.BATCH, "--max-length", recipe.LENGTH, "--warmup-ratio", recipe.WARMUP,
               "--weight-decay", recipe.DECAY, "--adam-epsilon", recipe.EPSILON, "--seed", seed, "--out", folder / "run",
               "--checkpoint-every", 100, "--evaluate-every", per_epoch(args, task), "--json", "--quiet"]
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
    return dict(task=task, row=row, seed=seed, measure=spec["measure"], best=said["dev_" + spec["measure"]],
                trainable=said["trainable_parameters"], seconds=said["seconds"], said=said,
                command=[str(word) for word in command])


def per_epoch(args, task):
    return -(-len(recipe.read(args.glue, task, "train")) // recipe.BATCH)


def theirs(args, task, row, seed, folder):
    out = folder / "pytorch.json"
    command = [os.environ.get("PYTHON", sys.executable), pathlib.Path(__file__).with_name("glue_pytorch.py"), args.model, args.glue, task,
               recipe.ROWS[row]["rank"], seed, out] + (["--threads", args.threads] if args.threads else [])
    if subprocess.run([str(word) for word in command], stdout=sys.stderr).returncode:
        sys.exit(f"{task} {row} seed {seed} failed")
    return json.loads(out.read_text())


def run(args):
    started = time.time()
    for seed in args.seeds:
        for row in args.rows:
            for task in args.tasks:
                folder = args.out / task / row / f"seed-{seed}"
                if (folder / "result.json").exists():
                    continue
                if args.minutes and time.time() - started > 60 * args.minutes:
                    return print("time is up; the same command goes on", file=sys.stderr)
                folder.mkdir(parents=True, exist_ok=True)
                result = (theirs if row.startswith("pytorch") else ours)(args, task, row, seed, folder)
                staged = folder / "result.json.part"
                staged.write_text(json.dumps(result, indent=1))
                staged.rename(folder / "result.json")
                print(f"{task} {row} seed {seed}: {result['measure']} {100 * result['best']:.1f}, {result['seconds']:.0f} s",
                      file=sys.stderr, flush=True)


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
    parser.add_argument("what", choices=("run", "table"))
    parser.add_argument("--model")
    parser.add_argument("--glue")
    parser.add_argument("--out", default="runs/glue", type=pathlib.Path)
    parser.add_argument("--tasks", nargs="*", default=list(recipe.TASKS), choices=list(recipe.TASKS))
    parser.add_argument("--rows", nargs="*", default=list(recipe.ROWS), choices=list(recipe.ROWS))
    parser.add_argument("--seeds", default="1,2,3", type=lambda text: [int(seed) for seed in text.split(",")])
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.what == "table":
        return table(args)
    if not args.model or not args.glue:
        parser.error("run needs --model and --glue")
    run(args)


if __name__ == "__main__":
    main()
