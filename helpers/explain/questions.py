"""The sentences for questions that a network cannot be asked."""

from collections.abc import Iterable

import numpy as np


def checked_image(image: np.ndarray) -> np.ndarray:
    """Return one image (H, W, C) as an array; ValueError for anything else."""
    image = np.asarray(image)
    if image.ndim != 3 or image.size == 0:
        raise ValueError(f"One image has the shape (H, W, C), without a batch axis, not {image.shape}.")
    return finite(image)


def checked_batch(arrays: np.ndarray, classes, layer=None) -> tuple[np.ndarray, np.ndarray]:
    """Return images, or what `layer` puts out for them, and their classes as arrays; ValueError if they do not fit."""
    arrays, classes = np.asarray(arrays), np.asarray(classes)
    if arrays.ndim != 4 and layer is not None:
        raise ValueError(f"Grad-CAM needs a layer with rows and columns; {layer!r} puts out {arrays.shape[1:]}.")
    if arrays.ndim != 4 or len(arrays) == 0 or classes.shape != arrays.shape[:1]:
        raise ValueError(f"Give (N, H, W, C) and a class for each, not {arrays.shape} and {classes.shape}.")
    if classes.dtype.kind not in "iu":
        raise ValueError(f"A class is given by its whole number from 0, not as {classes.dtype}.")
    return finite(arrays), classes


def finite(array: np.ndarray) -> np.ndarray:
    """Return the array; ValueError for NaN or infinity: a ReLU may turn NaN into 0, and nothing would be seen of it."""
    if not np.isfinite(array).all():
        raise ValueError("What is to be explained holds NaN or infinity: look for where they come from.")
    return array


def places(neurons: Iterable, shape: tuple[int, ...], last: int | None) -> list[tuple[int, ...]]:
    """Return where each image's neuron is in an output of `shape`: of layer `last`, or None for the class scores."""
    found = [tuple(np.atleast_1d(neuron)[: len(shape)].tolist()) for neuron in neurons]
    for place in found:
        if len(place) != len(shape) or not all(n in range(size) for n, size in zip(place, shape, strict=True)):
            if last is None:
                raise ValueError(f"There is no class {place[0]}: the network's scores have the shape {shape}.")
            raise ValueError(f"The neuron {place} is outside the output of layer {last}, which has the shape {shape}.")
    return [tuple(map(int, place)) for place in found]  # whole, though top_neurons' are beside a float
