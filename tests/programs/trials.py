"""Whole runs on data, seeds and parameters that are not the report's own: none may stop without a sentence.

`python tests/programs/trials.py OUT seeds` takes thirteen seeds, `... folders FOLDER...` each folder given (folders.py
draws some), `... parameters FOLDER` the extremes of every parameter, on a folder's pictures. Each run makes both files,
EPOCHS=1, into a folder of its own in OUT. A table of the runs, with the seconds, those of all processors together and
the largest memory of any process, is printed as they end and stands in OUT/trials.md.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from helpers.report.execution import committed, declared_parameters
from helpers.store.files import ROOT

SEEDS = (*range(10), 148, 326, 2024)
CONVOLUTIONS = [f"block{block}_conv{k}" for block, of in enumerate((2, 2, 4, 4, 4), start=1) for k in range(1, of + 1)]
LAYERS = [*CONVOLUTIONS, *(f"block{block}_pool" for block in range(1, 6))]
EXTREMES = [
    *({"LEARNING_RATE": value} for value in (1e-6, 0.1)),
    *({"BATCH_SIZE": value} for value in (1, 7, 1000)),
    {"HEAD_EPOCHS": 1},
    {"TUNE_EPOCHS": 0},
    {"DROPOUT": 0.5},
    *({"LAYER": layer} for layer in LAYERS),
]
SECONDS = 0.5  # between two looks at the memory


@dataclass
class Trial:
    """One run: what it is called, the data set, the seed, and what notebooks are given beside these."""

    name: str
    dataset: str = "scenes"
    seed: int = 0
    parameters: dict = field(default_factory=dict)
    begun: str = ""  # a trial's name whose chapters serve as far as they do not declare the parameters

    def commands(self, out: Path) -> Iterator[list[str]]:
        """Yield what a reader would type: the chain's command, or papermill for parameters that it does not take."""
        folder, module = str(out / self.name), [sys.executable, "-m"]
        if not self.parameters:
            options = ["--epochs", "1", "--seed", str(self.seed), "--run-dir", folder]
            yield [*module, "helpers.report", "run", *options, "--", self.dataset]
            return
        shutil.copytree(out / self.begun, folder, copy_function=_copy)
        given = {"DATASET": self.dataset, "SEED": self.seed, "EPOCHS": 1, "RUN_DIR": folder} | self.parameters
        first = min(k for k, notebook in enumerate(committed()) if declared_parameters(notebook) & set(self.parameters))
        for notebook in committed()[first:]:
            command = [*module, "papermill", str(notebook), f"{folder}/notebooks/{notebook.name}"]
            for name in declared_parameters(notebook) & set(given):
                command += ["-p", name, str(given[name])]
            yield command
        yield [*module, "helpers.report", "render", folder]


def _copy(source: str, target: str) -> None:
    """Copy a file; a large one, which is replaced and never changed, by a second name."""
    (os.link if source.endswith((".npz", ".rows")) else shutil.copy2)(source, target)


def run(trial: Trial, out: Path) -> str:
    """Run a trial, its output in OUT/<name>.log, and return its row of the table."""
    shutil.rmtree(out / trial.name, ignore_errors=True)
    environment = os.environ | {"REPORT_CLAIMS": "", "PYTHONPATH": str(ROOT)}
    log, start, computed, peak, ended = out / f"{trial.name}.log", time.monotonic(), _computed(), 0, "ended"
    with log.open("w", encoding="utf-8") as text:
        for command in trial.commands(out):
            process = psutil.Popen(command, cwd=out, env=environment, stdout=text, stderr=subprocess.STDOUT)
            while process.poll() is None:
                peak = max(peak, *(_memory(each) for each in _family(process)))
                time.sleep(SECONDS)
            if process.returncode:
                ended = "STOPPED: " + log.read_text(encoding="utf-8").strip().splitlines()[-1]
                break
    made = all((out / trial.name / f"report.{kind}").exists() for kind in ("html", "pdf"))
    ended = ended if made or ended != "ended" else "STOPPED: a file is missing"
    seconds, computed = time.monotonic() - start, _computed() - computed
    return f"| {trial.name} | {ended} | {seconds:.0f} | {computed:.0f} | {peak / 1e9:.2f} |"


def _computed() -> float:
    """Return the processors' seconds of all runs that have ended; 0 on Windows, which does not count them."""
    times = os.times()
    return times.children_user + times.children_system


def _family(process: psutil.Popen) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]


def _memory(process: psutil.Process) -> int:
    """Return the bytes that a process holds, those that it shares with files aside where the system tells them."""
    try:
        memory = process.memory_info()
        return memory.rss - getattr(memory, "shared", 0)
    except psutil.Error:
        return 0


def trials(kind: str, given: list[str]) -> Iterable[Trial]:
    """Return the runs of a kind."""
    if kind == "seeds":
        return [Trial(f"seed {seed}", seed=seed) for seed in map(int, given or SEEDS)]
    paths = [Path(each).resolve() for each in given]
    if kind == "folders":
        return [Trial(path.name, str(path)) for path in paths]
    usual = [Trial(f"{path.name} as usual", str(path)) for path in paths]
    changed = [
        Trial(" ".join(f"{name}={value}" for name, value in parameters.items()), of.dataset, 0, parameters, of.name)
        for of in usual
        for parameters in EXTREMES
    ]
    return [*usual, *changed]


def main() -> int:
    """Run the trials and return 1 if one stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="a folder for the runs: it becomes large")
    parser.add_argument("kind", choices=("seeds", "folders", "parameters"))
    parser.add_argument("given", nargs="*", help="seeds, or folders of class folders")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    rows = ["| run | what became of it | seconds | of processors | memory, GB |", "|---|---|---|---|---|"]
    print(*rows, sep="\n", flush=True)
    for trial in trials(arguments.kind, arguments.given):
        rows.append(run(trial, out))
        print(rows[-1], flush=True)
        (out / "trials.md").write_text("\n".join([*rows, ""]), encoding="utf-8")
    return 1 if any("STOPPED" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
