"""A training's state on disk, so that one that was interrupted goes on to the same bits."""

import json
import sys
import zlib
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from helpers.store.cache import key_of
from helpers.store.code import code_digest
from helpers.store.files import read_npz, write_npz


class Checkpoint:
    """The whole state of a training in one file: parameters, velocity, generator, history; without a path none."""

    def __init__(self, path, model, optimizer, rng, batch_size, images, labels) -> None:
        self.path, self.model, self.optimizer, self.rng = Path(path) if path else None, model, optimizer, rng
        if path:
            settings = optimizer.learning_rate, optimizer.momentum, batch_size, _text(rng.bit_generator.state)
            weights = [zlib.crc32(np.ascontiguousarray(w)) for w in model.state().values()]  # SHA-256 takes seconds
            given = settings, weights, np.asarray(images), np.asarray(labels)
            self.key = key_of(type(model), code_digest(type(optimizer)), *given)

    def save(self, history: dict[str, list]) -> None:
        """Write the state and the history so far, whole or not at all."""
        if self.path is not None:
            training = {"key": self.key, "history": history, "random_state": self.rng.bit_generator.state}
            velocity = {f"velocity.{name}": value for name, value in self.optimizer.velocity.items()}
            write_npz(self.path, {"training": np.array(_text(training)), **self.model.state(), **velocity})

    def remove(self) -> None:
        """Delete the file of a training that is over."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def resume(self, most: int) -> dict[str, list]:
        """Take up the state that was kept and return its history, an empty one where none was.

        ValueError for a damaged file, another training's, and one that holds more than `most` epochs.
        """
        if self.path is None or not self.path.exists():
            return {}
        arrays = read_npz(self.path, "delete it to start afresh")
        training = json.loads(str(arrays.get("training", "{}")))
        if training.get("key") != self.key:
            told = f"The checkpoint {self.path} belongs to another training"
            raise ValueError(
                f"{told} (settings, images, first weights or code differ): delete it, or name another file."
            )
        epochs = len(training["history"]["loss"])
        if epochs > most:
            raise ValueError(f"{self.path} holds {epochs} epochs, but {most} are asked for: delete it.")
        self.model.set_state(arrays, copy=False)
        velocity = (name for name in arrays if name.startswith("velocity."))
        self.optimizer.velocity = {name.removeprefix("velocity."): arrays[name] for name in velocity}
        self.rng.bit_generator.state = training["random_state"]
        tqdm.write(f"Going on after epoch {epochs} from {self.path.name}", file=sys.stderr)  # stdout is in the report
        return training["history"]


def _text(value: dict) -> str:
    return json.dumps(value, default=np.ndarray.tolist)  # the state of some generators holds arrays
