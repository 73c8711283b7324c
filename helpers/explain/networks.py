"""Keras or NumPy? Asked here and nowhere else: the two modules that run a network have the same functions.

`image` is one input as the network takes it, without the batch axis: for VGG19 that is `vgg19.preprocess(images)[i]`,
for a NumPy network also uint8, which it scales itself. `layer` is a name, a position from 0, or the layer itself; the
layers of a Keras model that lies within another are named and counted in their places. Nothing given is changed.
"""

from collections.abc import Callable, Iterable, Iterator
from numbers import Integral

import numpy as np
from tqdm.auto import tqdm

from helpers.explain import numpy_network
from helpers.network import Layer


def kind_of(network):
    """Return the module for this network, or layer; TensorFlow is imported only for Keras's."""
    if isinstance([*getattr(network, "layers", []), network][0], Layer):
        return numpy_network
    from helpers.explain import keras_network

    return keras_network


def layer_index(model, layer) -> int:
    """Return the position of `layer` among the model's layers; ValueError when the model has no such layer."""
    layers = kind_of(model).layers(model)
    names = [getattr(step, "name", type(step).__name__) for step in layers]
    if isinstance(layer, str) and names.count(layer) == 1:
        return names.index(layer)
    if isinstance(layer, Integral) and 0 <= layer < len(names):
        return int(layer)
    for number, step in enumerate(layers):
        if step is layer:
            return number
    listed = ", ".join(f"{number}: {name}" for number, name in enumerate(names))
    raise ValueError(f"The model has no layer {layer!r}; by number and name it has {listed}.")


def batches(count: int, size: int, what: str) -> Iterator[slice]:
    """Yield slices of at most `size` that cover `count` things, with a bar where that takes long."""
    for start in tqdm(range(0, count, size), desc=what, unit="batch", delay=3, leave=False):
        yield slice(start, start + size)


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


def places(wanted: Iterable, sentence: Callable[[tuple, tuple], str]):
    """Return f(shape) -> the place of each image's neuron in (N, *shape), or ValueError(sentence(place, shape))."""

    def of(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        found = [tuple(int(n) for n in np.atleast_1d(neuron)[: len(shape)]) for neuron in wanted]
        for place in found:
            if len(place) != len(shape) or not all(0 <= n < size for n, size in zip(place, shape, strict=True)):
                raise ValueError(sentence(place, shape))
        return found

    return of


def of_classes(classes: Iterable):
    """Return the `places` of the scores of each image's class."""
    return places(classes, lambda c, shape: f"There is no class {c[0]}: the network's scores have the shape {shape}.")
