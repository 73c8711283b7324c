"""The report's network, and its parameters on disk; layers, loss and training by one import."""

from pathlib import Path

import numpy as np

from helpers import _checks, engine, layers
from helpers.layers import Conv2D, Dense, Flatten, Layer, MaxPool2D, ReLU
from helpers.store.files import read_npz, write_npz
from helpers.training import SGD, History, evaluate, fit, softmax, softmax_cross_entropy, to_inputs

__all__ = ["Conv2D", "Dense", "Flatten", "Layer", "MaxPool2D", "ReLU", "Sequential", "report_cnn"]
__all__ += ["SGD", "History", "evaluate", "fit", "softmax", "softmax_cross_entropy", "to_inputs"]


class Sequential(layers.Sequential):
    """Layers in a row, with what one does with a network: ask it, look at it, keep it in a file."""

    def predict_proba(self, images: np.ndarray, batch_size: int = 30) -> np.ndarray:
        """Return the classes' probabilities (N, K) of images, uint8 or already scaled.

        Raises ValueError for no images, and for a batch size that is no whole number from 1.
        """
        _checks.whole_numbers(batch_size=batch_size)
        _checks.require(len(images) > 0, "There are no images to classify: give at least one.")
        parts = [images[k : k + batch_size] for k in range(0, len(images), batch_size)]
        return np.concatenate([softmax(self.predict(to_inputs(part))) for part in parts])

    def summary(self, input_shape: tuple[int, ...] | None = None) -> str:
        """Return a table of the layers: name, shape of one output, number of parameters."""
        rows = [f"{'layer':<12}{'output':>18}{'parameters':>16}"]
        for layer, shape in zip(self.layers, self.output_shapes(input_shape), strict=True):
            name, sizes = type(layer).__name__, " x ".join(map(str, shape))
            rows.append(f"{name:<12}{sizes:>18}{layer.size:>16,}")
        return "\n".join([*rows, f"{'total':<30}{self.size:>16,}"])

    def save(self, path: str | Path) -> None:
        """Write the parameters to an .npz file, whole or not at all."""
        write_npz(path, self.state())

    def load(self, path: str | Path) -> None:
        """Read parameters that `save` wrote; ValueError when damaged, or another network's."""
        arrays = read_npz(path, "delete it and train again")
        try:
            self.set_state(arrays, copy=False)
        except ValueError as error:
            raise ValueError(f"{path} does not fit this network. {error}") from error


def report_cnn(image_size=224, classes=3, *, rng, fast=True, dtype=np.float32) -> Sequential:
    """Build the report's network: two convolutions with ReLU and max pooling, two dense layers.

    At 224 x 224 and three classes it has 389,336,515 parameters, 1.56 GB in float32. `rng` draws them; None leaves them
    at 0, for a network whose weights are loaded. `fast` has helpers.engine do the work: the same numbers up to
    rounding. ValueError for images below 8 pixels or fewer than two classes.
    """
    _checks.report_network(image_size, classes)
    dense, side = engine.Dense if fast else Dense, int(image_size) - 6  # 2 + 1 + 2 + 1
    network = Sequential(
        [  # shapes at 224 x 224
            Conv2D(3, 32, rng=rng, dtype=dtype),  # (N,224,224,3) -> (N,222,222,32)
            ReLU(),
            MaxPool2D(2, 1),  # -> (N,221,221,32)
            Conv2D(32, 64, rng=rng, dtype=dtype),  # -> (N,219,219,64)
            ReLU(),
            MaxPool2D(2, 1),  # -> (N,218,218,64)
            Flatten(),  # -> (N,3041536)
            dense(side * side * 64, 128, rng=rng, dtype=dtype),  # -> (N,128)
            ReLU(),
            dense(128, classes, rng=rng, dtype=dtype),  # -> (N,3)
        ],
        input_shape=(image_size, image_size, 3),
    )
    if fast:
        network.steps = engine.steps(network.layers)
    return network
