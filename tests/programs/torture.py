"""Kills trainings and chains of notebooks at random moments, lets them go on, and compares with undisturbed ones.

`python tests/programs/torture.py --kills 20` prints a line a kill and a summary, and exits with 1 if anything
differs. It reads /proc to find what a killed process left running, so it needs Linux. promises/test_survival.py does
a few cases.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import ClassVar

import numpy as np

from helpers import training
from helpers.network import SGD, fit, report_cnn
from helpers.report import cells, execution
from helpers.report import command as report

KINDS = ("training", "chain", "offline", "unrendered")  # of child processes
MARK = "SURVIVAL_TEST"  # in the environment of a run and of everything it starts
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
STOPPED = "Stopped. The same command goes on from the notebook that was running."

TRAIN = """import os
import sys
sys.path.append(os.environ["TESTS"])
from torture import train
from helpers.store import Run
run = Run("01_train", DATASET, RUN_DIR, seed=SEED, epochs=EPOCHS)
model, history = train(run.path("checkpoint.npz"), int(os.environ["SIZE"]), EPOCHS)
run.save_arrays("weights", **model.state())
run.save_json("losses", history.loss)
[f"{loss:.4f}" for loss in history.loss]"""
READ = """import numpy as np
from helpers import figures
from helpers.store import Run, cache as kept
run = Run("02_read", DATASET, RUN_DIR, seed=SEED, epochs=EPOCHS)
losses = run.load_json("01_train", "losses")
weights = run.load_arrays("01_train", "weights")
norms = kept.kept(run.cache("norms"), "a key", lambda: {k: np.linalg.norm(v) for k, v in weights.items()})
run.save_json("norms", {name: float(norm) for name, norm in norms.items()})
figures.table(["weights", "norm"], [[name, f"{norm:.3f}"] for name, norm in norms.items()])"""
PARAMETERS = 'DATASET = "scenes"\nSEED = 0\nEPOCHS = 25\nRUN_DIR = ""'


def train(checkpoint: Path, size: int, epochs: int):
    """Train a small network of the report's kind on random pictures; return it and its history."""
    training.SAVE_EVERY = 1
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, size, size, 3), dtype=np.uint8)
    data = (images[:24], np.arange(24) % 3), (images[24:], np.arange(6) % 3)
    model, settings = report_cnn(size, 3, rng=rng), {"batch_size": 7, "checkpoint": checkpoint}
    return model, fit(model, *data, optimizer=SGD(0.01, 0.9), epochs=epochs, rng=rng, **settings)


def write_notebooks(folder: Path, **sources: str) -> Path:
    """Write notebooks of one code cell each, and a parameters cell; return the folder."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    folder.mkdir(parents=True, exist_ok=True)
    for name, source in sources.items():
        cells = [
            new_markdown_cell(f"# Notebook {name[1:3]}", id="title"),
            new_code_cell(PARAMETERS, id="parameters", metadata={"tags": ["parameters"]}),
            new_code_cell(source, id="work"),
        ]
        nbformat.write(new_notebook(metadata=KERNEL, cells=cells), folder / f"{name[1:]}.ipynb")
    return folder


class Process:
    """This script again in a process of its own, in a process group of its own, with all that it starts marked."""

    started: ClassVar[list["Process"]] = []

    def __init__(self, *arguments: object, **options) -> None:
        self.mark = uuid.uuid4().hex
        environment = {**os.environ, MARK: self.mark, "TESTS": str(Path(__file__).parent), **options.pop("env", {})}
        command = [*options.pop("before", []), sys.executable, __file__, *map(str, arguments)]
        self.started.append(self)
        self.popen = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )

    def alive(self) -> list[int]:
        """Return the processes of this run that still are, zombies aside."""
        found, mark = [], f"{MARK}={self.mark}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and mark in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue  # it has ended meanwhile
        return found

    def end(self, how: str) -> tuple[int, str]:
        """Stop it: "all" and "parent" by SIGKILL, "Ctrl-C" as a terminal does; return exit code and stderr."""
        if how == "Ctrl-C":
            os.killpg(self.popen.pid, signal.SIGINT)
        for pid in self.alive() if how == "all" else [self.popen.pid] if how == "parent" else []:
            os.kill(pid, signal.SIGKILL)
        return self.wait()

    def wait(self, seconds: float = 300) -> tuple[int, str]:
        """Return exit code and stderr once it has ended by itself."""
        _, error = self.popen.communicate(timeout=seconds)
        return self.popen.returncode, error

    def left_after(self, seconds: float) -> list[int]:
        """Return what is still running after so many seconds at most."""
        deadline = time.monotonic() + seconds
        while (left := self.alive()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left


def results(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all that a run is for: artifacts, caches, executed notebooks, report, final weights."""
    paths = [
        *folder.glob("artifacts/*/*"),
        *folder.glob("cache/*"),
        *folder.glob("report.[hp]*"),
        *folder.glob("*.npz"),
    ]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    copies = folder.glob("notebooks/*")  # without the times at which their cells ran
    return found | {f"notebooks/{path.name}": cells.cleaned(path).encode() for path in copies}


class Torture:
    """Runs one command undisturbed, then again and again with a kill at a random moment of each."""

    def __init__(self, name: str, command: list, folder: Path, rng: random.Random, environment: dict) -> None:
        self.name, self.command, self.folder, self.rng = name, command, folder, rng
        self.environment = environment
        self.kills, self.faults = 0, []
        start = time.monotonic()
        code, error = self._start(folder / "undisturbed").wait()
        self.duration = time.monotonic() - start
        self.expected = results(folder / "undisturbed")
        if code or not self.expected:
            raise SystemExit(f"The undisturbed {name} failed with {code}: {error}")
        print(f"{name}: undisturbed in {self.duration:.1f} s, {len(self.expected)} files", flush=True)

    def _start(self, folder: Path) -> Process:
        return Process(*self.command, folder, env=self.environment)

    def kill(self, count: int, ways: list[str]) -> None:
        """Kill `count` times; whenever a run gets to its end all the same, compare it and begin another."""
        folder = self.folder / "killed"
        while self.kills < count:
            process, delay, how = self._start(folder), self.rng.uniform(0, self.duration), ways[self.kills % len(ways)]
            while how == "Ctrl-C" and not (folder / ".lock").exists():  # before that Python says it, not we
                time.sleep(0.01)
            try:
                code, error = process.wait(delay)
                self._compare(folder, code, error)
            except subprocess.TimeoutExpired:
                self.kills += 1
                self._check_end(process, delay, how)
        self._compare(folder, *self._start(folder).wait())

    def _check_end(self, process: Process, delay: float, how: str) -> None:
        code, error = process.end(how)
        left = process.left_after(3)
        told = how != "Ctrl-C" or code == 0 or (code == 130 and error.strip().splitlines()[-1:] == [STOPPED])
        clean = how != "Ctrl-C" or "Traceback" not in error
        fault = f"left running: {left}" if left else "" if told and clean else f"exit {code}, {error!r}"
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        print(f"  {self.name} {self.kills:3}  {how:7} after {delay:6.2f} s  {fault or 'nothing left'}", flush=True)
        self.faults += [fault] if fault else []

    def _compare(self, folder: Path, code: int, error: str) -> None:
        got = results(folder)
        differ = sorted(name for name in {*got, *self.expected} if got.get(name) != self.expected.get(name))
        differ += [f"exit {code}: {error}"] if code else []
        differ += [path.name for path in folder.rglob("*.part")]
        print(f"  {self.name}      resumed to the end: {', '.join(differ) or 'the same bytes'}", flush=True)
        self.faults += differ
        shutil.rmtree(folder)


def child(arguments: list[str]) -> int:
    """Do what a child process is started for: a training, or a chain by its command line."""
    kind, *rest = arguments
    if kind == "training":
        size, epochs, folder = int(rest[0]), int(rest[1]), Path(rest[2])
        model, _ = train(folder / "training.npz", size, epochs)
        model.save(folder / "weights.npz")
        return 0
    execution.NOTEBOOKS = Path(rest[0])
    if kind == "offline":
        _bring_loopback_up()
    if kind == "unrendered":  # chapters that refer to others cannot be rendered alone
        report.render = lambda folder: []
    code = report.main(["run", "--epochs", rest[1], "--run-dir", rest[2]])
    if kind == "offline" and (lost := _without_route()):
        raise SystemExit(f"{lost} packets were for another machine.")
    return code


def _bring_loopback_up() -> None:
    """Give a new network namespace its loopback, 127.0.0.1, and no other way out."""
    import fcntl

    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def _without_route() -> int:
    """Return how many packets the namespace had no way for, whoever sent them and whatever became of the error."""
    lines = Path("/proc/net/snmp").read_text().splitlines()
    names, counts = (line.split() for line in lines if line.startswith("Ip:"))
    six = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return int(dict(zip(names, counts, strict=True))["OutNoRoutes"]) + int(six["Ip6OutNoRoutes"])


def main() -> int:
    """Torture trainings and chains; return 0 when all came out as if nothing had happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="of each: a training, a chain, the real notebooks (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument("--only", choices=["training", "chain", "notebooks"], help="only one of the three")
    given = parser.parse_args()
    rng, faults, kills = random.Random(given.seed), 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        small = write_notebooks(folder / "small", _01_train=TRAIN, _02_read=READ)
        real = folder / "real"
        real.mkdir()
        for path in report.committed()[:2]:
            shutil.copy(path, real)
        trials = {
            "training": (["training", 40, 12], ["all"], {}),
            "chain": (["chain", small, 30], ["all", "parent", "Ctrl-C"], {"SIZE": "24"}),
            "notebooks": (["unrendered", real, 25], ["all", "parent", "Ctrl-C"], {}),
        }
        for name, (command, ways, environment) in trials.items():
            if given.only in (None, name):
                trial = Torture(name, command, folder / name, rng, environment)
                trial.kill(given.kills, ways)
                faults, kills = faults + len(trial.faults), kills + trial.kills
    print(f"{kills} kills, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(child(sys.argv[1:]) if sys.argv[1:2] and sys.argv[1] in KINDS else main())
