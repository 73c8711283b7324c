"""The report's network: layers in a row and their parameters on disk; layers, loss and training by one import."""

from pathlib import Path

import numpy as np

from helpers.engine.images import Stem
from helpers.layers import Conv2D, Dense, Flatten, Layer, MaxPool2D, ReLU
from helpers.store.files import read_npz, whole_file
from helpers.training import SGD, History, check_counts, evaluate, fit, softmax, softmax_cross_entropy, to_inputs

__all__ = [
    "SGD",
    "Conv2D",
    "Dense",
    "Flatten",
    "History",
    "Layer",
    "MaxPool2D",
    "ReLU",
    "Sequential",
    "evaluate",
    "fit",
    "report_cnn",
    "softmax",
    "softmax_cross_entropy",
    "to_inputs",
]


class Sequential:
    """Layers in a row; the output of the last are the logits.

    Several threads may `predict` with one network; `forward` and `backward` remember, and are for one thread.
    The layers before the first Dense treat every image on its own: they are the network's `helpers.engine.images.Stem`.
    """

    def __init__(self, layers: list[Layer], input_shape: tuple[int, ...] | None = None) -> None:
        if not layers:
            raise ValueError("A network needs at least one layer.")
        self.layers, self.input_shape = list(layers), input_shape
        self._split = next((k for k, layer in enumerate(layers) if not layer.per_image), len(layers))
        if not any(isinstance(layer, (Conv2D, MaxPool2D)) for layer in layers[: self._split]):
            self._split = 0  # what comes first need not be images
        self._stem = Stem(self.layers[: self._split], last=self._split == len(layers)) if self._split else None

    @property
    def classes(self) -> int:
        """How many logits the network has: the size of the last layer that has parameters; ValueError without one."""
        sizes = [layer.params["b"].size for layer in self.layers if layer.params]
        if not sizes:
            raise ValueError("This network has no layer with parameters, and so no classes.")
        return sizes[-1]

    @property
    def size(self) -> int:
        """How many parameters the network has."""
        return sum(layer.size for layer in self.layers)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the logits (N, K) of inputs x (N, H, W, C), and remember what `backward` needs."""
        if self._stem:
            for layer in self.layers[self._split : self._split + 1]:
                layer.grads = {}  # they were to be made of memory that is used again now
            x = self._stem.forward(x)
        for layer in self.layers[self._split :]:
            x = layer.forward(x)
        return x

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the logits (N, K), remembering nothing."""
        if self._stem:
            x = self._stem.predict(x)
        for layer in self.layers[self._split :]:
            x, _ = layer.apply(x)
        return x

    def backward(self, dout: np.ndarray, *, need_dx: bool = True) -> np.ndarray | None:
        """Return dL/dx from dout = dL/dlogits (N, K) and leave each layer's gradients in its `grads`.

        With `need_dx` false the gradient by the images, which training has no use for, is not computed.
        """
        for k, layer in reversed(list(enumerate(self.layers))[self._split :]):
            # What goes on to the stem is read there and never seen by the caller: its array is used again.
            between = self._stem is not None and k == self._split
            dout = layer.backward(dout, self._stem.workspace.empty) if between else layer.backward(dout)
        return self._stem.backward(dout, need_dx=need_dx) if self._stem else dout

    def predict_proba(self, images: np.ndarray, batch_size: int = 30) -> np.ndarray:
        """Return the classes' probabilities (N, K) of images, uint8 or already scaled (see `to_inputs`).

        Raises ValueError for no images, and for a batch size that is not a whole number of at least 1.
        """
        check_counts(batch_size=batch_size)
        if len(images) == 0:
            raise ValueError("There are no images to classify: give at least one.")
        parts = [images[k : k + batch_size] for k in range(0, len(images), batch_size)]
        return np.concatenate([softmax(self.predict(to_inputs(part))) for part in parts])

    def output_shapes(self, input_shape: tuple[int, ...] | None = None) -> list[tuple[int, ...]]:
        """Return the shape of one image after each layer, without the batch axis."""
        shape = input_shape or self.input_shape
        if shape is None:
            raise ValueError("Give the shape of one input, such as (224, 224, 3).")
        shapes = []
        for layer in self.layers:
            shape = layer.output_shape(shape)
            shapes.append(shape)
        return shapes

    def summary(self, input_shape: tuple[int, ...] | None = None) -> str:
        """Return a table of the layers: name, shape of one output, number of parameters."""
        shapes = self.output_shapes(input_shape)
        rows = [
            f"{type(layer).__name__:<12}{' x '.join(map(str, shape)):>18}{layer.size:>16,}"
            for layer, shape in zip(self.layers, shapes, strict=True)
        ]
        return "\n".join([f"{'layer':<12}{'output':>18}{'parameters':>16}", *rows, f"{'total':<30}{self.size:>16,}"])

    def state(self) -> dict[str, np.ndarray]:
        """Return all parameters by name, "<number of the layer>.<w or b>": not copies, so training changes them."""
        return {f"{k}.{name}": p for k, layer in enumerate(self.layers) for name, p in layer.params.items()}

    def set_state(self, arrays, *, copy: bool = True) -> None:
        """Take the parameters from a mapping such as `state` gives; ValueError when one is missing or does not fit.

        Without `copy`, arrays of the right type become the network's own.
        """
        for key, param in self.state().items():
            if key not in arrays:
                raise ValueError(f"The weights hold no {key}: they are another network's.")
            if arrays[key].shape != param.shape:
                raise ValueError(f"The weights' {key} has the shape {arrays[key].shape}; the layer's is {param.shape}.")
            if arrays[key].dtype.kind != "f" or not np.isfinite(arrays[key]).all():
                raise ValueError(f"The weights' {key} holds what is not a finite number.")
        for k, layer in enumerate(self.layers):  # only now: weights that are refused leave the network as it was
            for name, param in layer.params.items():
                layer.params[name] = arrays[f"{k}.{name}"].astype(param.dtype, copy=copy)

    def save(self, path: str | Path) -> None:
        """Write the parameters to an .npz file, whole or not at all."""
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **self.state())

    def load(self, path: str | Path) -> None:
        """Read parameters that `save` wrote; ValueError when the file is damaged or another network's."""
        arrays = read_npz(path, "delete it and train again")
        try:
            self.set_state(arrays, copy=False)
        except ValueError as error:
            raise ValueError(f"{path} does not fit this network. {error}") from error


def report_cnn(
    image_size: int = 224, classes: int = 3, *, rng: np.random.Generator | None, dtype=np.float32
) -> Sequential:
    """Build the report's network: two convolutions with ReLU and overlapping max pooling, two dense layers.

    At 224 x 224 and three classes it has 389,336,515 parameters, 1.56 GB in float32. `rng` draws them; None leaves them
    at 0, for a network whose weights are loaded. ValueError for images below 8 pixels or fewer than two classes.
    """
    check_counts(image_size=image_size, classes=classes)
    if image_size < 8 or classes < 2:
        raise ValueError(f"The network needs images of at least 8 pixels and two classes, not {image_size}, {classes}.")
    side = image_size - 6  # 3x3 convolution, 2x2 pooling, and both again: -2 -1 -2 -1
    return Sequential(
        [  # shapes at 224 x 224
            Conv2D(3, 32, rng=rng, dtype=dtype),  # (N,224,224,3) -> (N,222,222,32)
            ReLU(),
            MaxPool2D(2, 1),  # -> (N,221,221,32)
            Conv2D(32, 64, rng=rng, dtype=dtype),  # -> (N,219,219,64)
            ReLU(),
            MaxPool2D(2, 1),  # -> (N,218,218,64)
            Flatten(),  # -> (N,3041536)
            Dense(side * side * 64, 128, rng=rng, dtype=dtype),  # -> (N,128)
            ReLU(),
            Dense(128, classes, rng=rng, dtype=dtype),  # -> (N,3)
        ],
        input_shape=(image_size, image_size, 3),
    )
