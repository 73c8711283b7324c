"""A training's state on disk, so that one that was interrupted goes on to the same bits."""

import json
import sys
import zlib
from collections.abc import Iterable
from functools import reduce
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from helpers.store.cache import content_digest
from helpers.store.code import code_digest
from helpers.store.files import read_npz, write_npz


class Checkpoint:
    """The whole state of a training in one file: parameters, velocity, generator, history; without a path none."""

    def __init__(self, path, model, optimizer, rng, batch_size, images, labels) -> None:
        self.path, self.model, self.optimizer, self.rng = Path(path) if path else None, model, optimizer, rng
        self.belongs_to = path and {
            "learning_rate": optimizer.learning_rate,
            "momentum": optimizer.momentum,
            "batch_size": batch_size,
            "images": content_digest(np.asarray(images)),
            "labels": content_digest(np.asarray(labels)),
            "initial_weights": _check_sum(model.state().values()),
            "random_state": json.dumps(rng.bit_generator.state, default=np.ndarray.tolist),  # some hold arrays
            "code": code_digest(type(model), type(optimizer)),
        }

    def save(self, history: dict[str, list]) -> None:
        """Write the state and the history so far, whole or not at all."""
        if self.path is None:
            return
        training = {"belongs_to": self.belongs_to, "history": history, "random_state": self.rng.bit_generator.state}
        velocity = {f"velocity.{name}": value for name, value in self.optimizer.velocity.items()}
        text = np.array(json.dumps(training, default=np.ndarray.tolist))
        write_npz(self.path, {"training": text, **self.model.state(), **velocity})

    def remove(self) -> None:
        """Delete the file of a training that is over."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def resume(self, most: int) -> dict[str, list]:
        """Take up the state that was kept and return its history, an empty one where none was.

        ValueError for a wrong file, and for one that holds more than `most` epochs.
        """
        if self.path is None or not self.path.exists():
            return {}
        arrays = read_npz(self.path, "delete it to start afresh")
        if "training" not in arrays:
            raise ValueError(f"{self.path} is damaged (it holds no training): delete it to start afresh.")
        try:
            training = json.loads(str(arrays["training"]))
            belongs_to, random_state, past = (training[k] for k in ("belongs_to", "random_state", "history"))
            past = {name: [float(value) for value in values] for name, values in past.items()}
            epochs = len(past["loss"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{self.path} is damaged ({error!r}): delete it to start afresh.") from error
        if differing := [name for name, value in self.belongs_to.items() if belongs_to.get(name) != value]:
            raise ValueError(
                f"The checkpoint {self.path} belongs to another training (its {differing[0]} differs): "
                "delete it, or name another file."
            )
        if epochs > most:
            raise ValueError(f"{self.path} holds {epochs} epochs, but {most} are asked for: delete it.")
        moving = self.model.state() if self.optimizer.momentum else {}
        if missing := {*self.model.state(), *(f"velocity.{name}" for name in moving)} - arrays.keys():
            raise ValueError(f"{self.path} is damaged (it holds no {min(missing)}): delete it to start afresh.")
        self.model.set_state(arrays, copy=False)
        self.optimizer.velocity = {name: arrays[f"velocity.{name}"] for name in moving}
        self.rng.bit_generator.state = random_state
        tqdm.write(f"Going on after epoch {epochs} from {self.path.name}", file=sys.stderr)  # stdout is in the report
        return past


def _check_sum(arrays: Iterable[np.ndarray]) -> int:
    return reduce(lambda crc, array: zlib.crc32(np.ascontiguousarray(array), crc), arrays, 0)  # SHA-256 takes seconds
