"""Keras or NumPy? Asked here and nowhere else: the two modules that run a network have the same functions.

`image` is one input as the network takes it, without the batch axis: for VGG19 that is `vgg19.preprocess(images)[i]`,
for a NumPy network also uint8, which it scales itself. `layer` is a name, a position from 0, or the layer itself; the
layers of a Keras model that lies within another are named and counted in their places. Nothing given is changed.
"""

from collections.abc import Iterator

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
    found = [step is layer or layer in (number, names[number]) for number, step in enumerate(layers)]
    if sum(found) == 1:
        return found.index(True)
    listed = ", ".join(f"{number}: {name}" for number, name in enumerate(names))
    raise ValueError(f"The model has no layer {layer!r}; by number and name it has {listed}.")


def batches(count: int, size: int, what: str) -> Iterator[slice]:
    """Yield slices of at most `size` that cover `count` things, with a bar where that takes long."""
    for start in tqdm(range(0, count, size), desc=what, unit="batch", delay=3, leave=False):
        yield slice(start, start + size)
