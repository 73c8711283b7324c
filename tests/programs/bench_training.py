"""How fast the report's network trains: `make bench` prints a table and writes reports/benchmarks.json.

NumPy and, one after the other, Keras and, where they are installed, PyTorch and JAX (by Keras) take the same training
step (same weights, same batch) in two processes, in turn, so that a machine that slows down slows both, and two need
memory at a time; `--against` adds another version of this project from its checkout. What is quoted are medians of
the ratios, pair by pair. Nothing here fails on a noisy machine.
"""

import argparse
import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
from tqdm import tqdm

from helpers.convolution import convolve2d_loops
from helpers.engine.threads import cores, in_threads
from helpers.network import SGD, report_cnn, softmax_cross_entropy
from helpers.report import environment
from helpers.store.files import ROOT, whole_file

BATCHES = (1, 2, 4, 8, 16, 30, 60)
RATE = 1e-4  # small: the loss moves, and does not run away over the repetitions
OTHERS = ("torch", "jax")  # timed where they are installed
FLOP = 3 * (1.771e9 + 0.779e9) + 2 * 0.085e9  # of one image: convolution 2 and dense three times, convolution 1 twice


def batch_of(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.random((count, size, size, 3), dtype=np.float32), rng.integers(0, 3, count)


def numpy_step(size: int, count: int):
    model, optimizer, (x, y) = report_cnn(size, rng=np.random.default_rng(0)), SGD(RATE), batch_of(size, count)

    def step() -> float:
        loss, dlogits = softmax_cross_entropy(model.forward(x), y)
        model.backward(dlogits, need_dx=False)
        optimizer.step(model)
        return loss

    return step


def stem_step(size: int, count: int):
    """Return a step through what treats each image on its own, both ways: all but the two dense layers."""
    stem, (x, _) = report_cnn(size, rng=np.random.default_rng(0)).steps[0], batch_of(size, count)
    stem.need_dx = False

    def step() -> float:
        stem.backward(stem.forward(x))
        return 0.0

    return step


def keras_step(size: int, count: int):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    from keras import layers

    parts = [keras.Input((size, size, 3)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2, 1)]
    parts += [layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2, 1), layers.Flatten()]
    model = keras.Sequential([*parts, layers.Dense(128, activation="relu"), layers.Dense(3)])
    model.set_weights(list(report_cnn(size, rng=np.random.default_rng(0)).state().values()))
    model.compile(keras.optimizers.SGD(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = batch_of(size, count)
    return lambda: float(model.train_on_batch(x, y))


def jax_step(size: int, count: int):
    os.environ["KERAS_BACKEND"] = "jax"
    return keras_step(size, count)


def torch_step(size: int, count: int):
    import torch
    from torch import nn

    side = size - 6
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2, 1), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2, 1),
        nn.Flatten(), nn.Linear(64 * side * side, 128), nn.ReLU(), nn.Linear(128, 3),
    )  # fmt: skip
    state = report_cnn(size, rng=np.random.default_rng(0)).state()
    state["7.w"] = state["7.w"].reshape(side, side, 64, 128).transpose(2, 0, 1, 3).reshape(-1, 128)  # channels first
    with torch.no_grad():
        for k in (0, 3, 7, 9):
            w = state.pop(f"{k}.w")
            model[k].weight.copy_(torch.from_numpy(w.transpose(3, 2, 0, 1).copy() if w.ndim == 4 else w.T))
            model[k].bias.copy_(torch.from_numpy(state.pop(f"{k}.b")))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    x, y = batch_of(size, count)
    x, y = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(y)

    def step() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


STEPS = {"numpy": numpy_step, "stem": stem_step, "keras": keras_step, "jax": jax_step, "torch": torch_step}
CHECKOUTS: dict[str, Path] = {}  # other versions of this project, by their names in the table


def work(library: str, size: int, count: int) -> None:
    """Take one step for each line on standard input; answer with its loss, seconds and the peak memory so far."""
    step = STEPS[library](size, count)
    for _ in sys.stdin:
        start = time.perf_counter()
        loss = step()
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        print(json.dumps({"loss": loss, "seconds": seconds, "peak": peak}), flush=True)


class Worker:
    """A library's process; that of another version runs its own copy of this file."""

    def __init__(self, library: str, size: int = 224, count: int = 30) -> None:
        root, name = (CHECKOUTS[library], "numpy") if library in CHECKOUTS else (ROOT, library)
        command = [sys.executable, "tests/programs/bench_training.py", "--worker", name]
        self.process = subprocess.Popen(
            [*command, "--size", str(size), "--count", str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root)},
        )

    def step(self) -> dict:
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(other: str, count: int, pairs: int) -> dict[str, list[dict]]:
    """Return the steps of NumPy and another library, taken in turn, after two that do not count."""
    workers = {library: Worker(library, count=count) for library in ("numpy", other)}
    steps = {library: [] for library in workers}
    losses = {}
    for k in tqdm(range(pairs + 2), desc=f"batch {count}: NumPy and {other}", unit="pair"):
        for library, worker in workers.items():
            step = worker.step()
            losses.setdefault(library, step["loss"])  # of the first step: later ones amplify how each library rounds
            if k >= 2:
                steps[library].append(step)
    for worker in workers.values():
        worker.close()
    if max(losses.values()) - min(losses.values()) > 1e-3 * max(losses.values()):
        raise SystemExit(f"The libraries do not compute the same: losses of the first step {losses}.")
    return steps


def ratio(steps: dict[str, list[dict]]) -> float:
    """Return the median over the pairs: the time of NumPy's step in terms of the other's."""
    return statistics.median(a["seconds"] / b["seconds"] for a, b in zip(*steps.values(), strict=True))


def fastest(work: Callable[[], object], times: int) -> float:
    """Return the seconds of the fastest of `times` calls: what disturbs a measurement only ever makes it longer."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def ceiling() -> float:
    """Return what this machine's single-precision matrix product reaches, in FLOP/s: the best of nine of 2048^3."""
    a = np.ones((2048, 2048), np.float32)
    out = np.empty_like(a)
    return 2 * 2048**3 / fastest(lambda: np.matmul(a, a, out=out), 9)


def growth(settings: list[tuple[int, int]], amount, library: str = "numpy") -> dict:
    """Return seconds of a step for each (size, count) and the exponent of its growth with `amount`(size, count)."""
    seconds = []
    for size, count in tqdm(settings, desc=f"growth, {library}", unit="setting"):
        worker = Worker(library, size, count)
        seconds.append(statistics.median([worker.step()["seconds"] for _ in range(5)][2:]))
        worker.close()
    exponent = np.polyfit(np.log([amount(*s) for s in settings]), np.log(seconds), 1)[0]
    return {"settings": settings, "seconds": seconds, "exponent": float(exponent)}


def max_pool2d_loops(feature_map: np.ndarray) -> np.ndarray:
    """Take the maximum of each 2x2 window of a map (H, W), stride 1, by two loops."""
    height, width = feature_map.shape[0] - 1, feature_map.shape[1] - 1
    return np.array([[feature_map[i : i + 2, j : j + 2].max() for j in range(width)] for i in range(height)])


def loops_against_forward() -> dict:
    """Return the seconds of one image's forward pass: by loops and vectorised, whole and without the dense layers.

    The loops go over the pixels, as those of chapters 1 and 2; they are timed on one filter of each layer, and
    multiplied by the number of filters: half a minute otherwise. The dense layers are a product of NumPy in both.
    """
    model, (x, _) = report_cnn(rng=np.random.default_rng(0)), batch_of(224, 1)
    stem, dense = model.steps[0], model.layers[7].params["w"]
    loops, image = 0.0, x
    for number, layer in enumerate(stem.layers):
        if number in (0, 3):
            w = layer.params["w"]
            loops += w.shape[3] * fastest(lambda: convolve2d_loops(image[0], w[::-1, ::-1, :, 0]), 1)  # noqa: B023
        elif number in (2, 5):
            loops += image.shape[3] * fastest(lambda: max_pool2d_loops(image[0, :, :, 0]), 1)  # noqa: B023
        image = layer.predict(image)
    product = fastest(lambda: image.reshape(1, -1) @ dense, 3)
    return {
        "loops": loops + product,
        "forward": fastest(lambda: model.predict(x), 7),
        "loops_bare": loops,
        "forward_bare": fastest(lambda: stem.predict(x), 7),
        "reading_weights": fastest(
            lambda: in_threads(lambda blocks: [block.max() for block in blocks], np.array_split(dense, 512)), 7
        ),
    }


def same_bits() -> bool:
    """Return whether two trainings of two steps from one seed, in two processes, give the same losses to the bit."""
    losses = []
    for _ in range(2):
        worker = Worker("numpy", 224, 10)
        losses.append([worker.step()["loss"] for _ in range(3)])
        worker.close()
    return losses[0] == losses[1]


def measure(pairs: int) -> dict:
    others = [*CHECKOUTS, "keras", *(name for name in OTHERS if importlib.util.find_spec(name))]
    top = ceiling()
    batches = {count: {other: compare(other, count, pairs) for other in others} for count in (30, 10, 1)}
    top = max(top, ceiling())
    result = {
        "machine": {
            "processor": environment.processor(),
            "cores": cores(),
            "numpy's matrix products": environment.blas(),
            "system": platform.system(),
        },
        "versions": {
            name: metadata.version(name) for name in ("numpy", "tensorflow", *others) if name not in CHECKOUTS
        },
        "python": platform.python_version(),
        "steps": {f"batch {count}": steps for count, steps in batches.items()},
        "ceiling": top,
        "loops": loops_against_forward(),
        "pixels": growth([(s, 10) for s in (64, 96, 128, 192, 256, 320)], lambda size, count: size**2),
        "batch": growth([(224, n) for n in BATCHES], lambda size, count: count),
        "batch_without_dense": growth([(224, n) for n in BATCHES], lambda size, count: count, "stem"),
        "same_bits": same_bits(),
    }
    loops, pairs_of_30 = result["loops"], batches[30]
    own = statistics.median(step["seconds"] for steps in pairs_of_30.values() for step in steps["numpy"])
    peaks = {name: steps[-1]["peak"] / 1e9 for of in pairs_of_30.values() for name, steps in of.items()}
    result["summary"] = {
        "seconds": own,
        "time_against": {other: ratio(steps) for other, steps in pairs_of_30.items()},
        "peak_gb": peaks,
    }
    rows = [
        ["processor", environment.processor()],
        ["NumPy's matrix products", environment.blas().rpartition(", ")[2]],
        ["a step of 30 images, seconds", f"{own:.2f}"],
        *(
            [f"time against {other}, batch {count}", f"{ratio(steps):.2f}"]
            for count, pairs_of in batches.items()
            for other, steps in pairs_of.items()
        ),
        ["share of the matrix product's ceiling", f"{30 * FLOP / own / top:.0%} of {top / 1e9:.0f} GFLOP/s"],
        *([f"peak memory, {name}, GB", f"{peak:.2f}"] for name, peak in peaks.items()),
        ["one image forward against the loops", f"{loops['loops'] / loops['forward']:.0f} times"],
        ["the same without the dense layers", f"{loops['loops_bare'] / loops['forward_bare']:.0f} times"],
        ["seconds of that forward pass", f"{loops['forward']:.3f}"],
        ["of them reading the dense layer's weights", f"{loops['reading_weights']:.3f}"],
        ["growth with the number of pixels", f"exponent {result['pixels']['exponent']:.2f}"],
        ["growth with the batch", f"exponent {result['batch']['exponent']:.2f}"],
        ["the same without the dense layers", f"exponent {result['batch_without_dense']['exponent']:.2f}"],
        ["the same seed twice", "the same bits" if result["same_bits"] else "DIFFERENT BITS"],
    ]
    for name, value in rows:
        print(f"{name:<42}{value:>26}")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=9, help="counted pairs of steps")
    parser.add_argument("--against", type=Path, help="another version of this project: its checkout")
    parser.add_argument("--worker", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, default=224, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=30, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker, arguments.size, arguments.count)
        return
    if arguments.against:
        CHECKOUTS[arguments.against.name] = arguments.against.resolve()
    result = measure(arguments.pairs)
    path = Path(ROOT) / "reports" / "benchmarks.json"
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
