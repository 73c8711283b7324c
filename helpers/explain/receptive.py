"""Receptive fields: which input pixels a neuron can see at all, computed from the layers alone.

A layer is (kernel, stride, pad): whole numbers, or pairs (rows, columns) where the two directions differ. `pad` is what
is added above and to the left; how much is added below and to the right does not move a field. Kernel and stride are
at least 1, pad is at least 0: ValueError for anything else.
"""

from collections.abc import Iterable
from math import ceil
from numbers import Integral

from helpers import layers as numpy_layers

Box = tuple[int, int, int, int]
POINTWISE = (
    "Activation",
    "BatchNormalization",
    "Dropout",
    "InputLayer",
    "Normalization",
    "ReLU",
)
SLIDING = {
    "Conv2D": "kernel_size",
    "DepthwiseConv2D": "kernel_size",
    "MaxPooling2D": "pool_size",
    "AveragePooling2D": "pool_size",
}


def receptive_field(layers: Iterable, row: int, col: int) -> Box:
    """Return the box (top, left, bottom, right) of input pixels that neuron (row, col) behind `layers` can see.

    Half-open: bottom and right are the first pixels outside. Not clipped: with padding a box may begin below 0 and end
    beyond the image. `layers` are triples as described above, or layers that `geometry` understands. ValueError for
    numbers that cannot be, among them a row or column that is no whole number or below 0.
    Source: Araujo, Norris and Sim (2019), section 2.
    """
    for name, at in (("row", row), ("column", col)):
        if not _whole(at, 0):
            raise ValueError(f"The {name} of a neuron is a whole number from 0, not {at!r}.")
    steps = [step for layer in layers for step in _steps(layer)]
    (top, bottom), (left, right) = _interval(steps, 0, row), _interval(steps, 1, col)
    return top, left, bottom, right


def field_size(layers: Iterable) -> tuple[int, int, int]:
    """Return how many rows a neuron sees, the stride between neighbours' fields, and the rows of the first above 0."""
    steps = [step for layer in layers for step in _steps(layer)]
    start, end = _interval(steps, 0, 0)
    return end - start, _interval(steps, 0, 1)[0] - start, -start


def middle_neuron(layers: Iterable, height: int, width: int) -> tuple[int, int]:
    """Return (row, column) of the neuron whose field's middle is nearest to that of an image, the first if two are."""
    steps = [step for layer in layers for step in _steps(layer)]
    place = []
    for axis, side in enumerate((height, width)):
        (start, end), (following, _) = _interval(steps, axis, 0), _interval(steps, axis, 1)
        place.append(max(0, ceil((side - start - end) / 2 / (following - start) - 0.5)))
    return place[0], place[1]


def geometry(model, layer) -> list[tuple]:
    """Return (kernel, stride, pad) of the layers of `model` up to and with `layer`, as `receptive_field` takes them.

    `model` is a Keras model whose layers are a chain, or a `helpers.network.Sequential`; `layer` as in `layer_index`.
    ValueError for an unknown layer, and where a layer on the way has no place in the picture, such as a dense one.
    """
    return [step for layer in model.layers[: layer_index(model, layer) + 1] for step in _steps(layer)]


def clip_box(box: Box, height: int, width: int) -> Box:
    """Return the part of `box` that lies on an image; ValueError when none does."""
    top, left, bottom, right = max(box[0], 0), max(box[1], 0), min(box[2], height), min(box[3], width)
    if top >= bottom or left >= right:
        raise ValueError(f"The box {tuple(box)} lies outside an image of {height} x {width} pixels.")
    return top, left, bottom, right


def layer_index(model, layer) -> int:
    """Return where `layer` is in model.layers: given by name (Keras), by position from 0, or as the layer itself.

    ValueError when the model has no such layer.
    """
    names = [getattr(step, "name", type(step).__name__) for step in model.layers]
    if isinstance(layer, str) and names.count(layer) == 1:
        return names.index(layer)
    if isinstance(layer, Integral) and 0 <= layer < len(names):
        return int(layer)
    for number, step in enumerate(model.layers):
        if step is layer:
            return number
    listed = ", ".join(f"{number}: {name}" for number, name in enumerate(names))
    raise ValueError(f"The model has no layer {layer!r}; by number and name it has {listed}.")


def _interval(steps: list, axis: int, at: int) -> tuple[int, int]:
    first = last = at
    for kernel, stride, pad in reversed(steps):
        k, s, p = (_pair(value)[axis] for value in (kernel, stride, pad))
        first, last = first * s - p, last * s - p + k - 1
    return first, last + 1


def _whole(value, least: int) -> bool:
    return isinstance(value, Integral) and value >= least


def _pair(value) -> tuple[int, int]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _steps(layer) -> list[tuple]:
    """Return the layer's triple in a list, or an empty list when it moves nothing."""
    if isinstance(layer, (tuple, list)):
        return [_checked(layer)]
    if isinstance(layer, numpy_layers.Conv2D):
        return [(layer.params["w"].shape[:2], layer.stride, layer.pad)]
    if isinstance(layer, numpy_layers.MaxPool2D):
        return [(layer.window, layer.stride, 0)]
    kind = type(layer).__name__
    if kind in POINTWISE:
        return []
    if kind == "ZeroPadding2D":
        return [(1, 1, (layer.padding[0][0], layer.padding[1][0]))]
    if kind not in SLIDING:
        raise ValueError(f"Behind a layer of the kind {kind} a neuron has no receptive field in rows and columns.")
    size, dilation = getattr(layer, SLIDING[kind]), getattr(layer, "dilation_rate", (1, 1))
    kernel = tuple((k - 1) * d + 1 for k, d in zip(size, _pair(dilation), strict=True))
    if layer.padding == "valid":
        return [(kernel, layer.strides, 0)]
    sides = zip(layer.input.shape[1:3], kernel, layer.strides, strict=True)
    return [(kernel, layer.strides, tuple(_same_pad(n, k, s) for n, k, s in sides))]


def _checked(triple) -> tuple:
    """Return (kernel, stride, pad) as a tuple; ValueError for a triple that no layer can have."""
    pairs, leasts = [_pair(value) for value in triple], (1, 1, 0)
    if [len(pair) for pair in pairs] != [2, 2, 2] or not all(
        _whole(number, least) for pair, least in zip(pairs, leasts, strict=True) for number in pair
    ):
        raise ValueError(
            "A layer is (kernel, stride, pad), whole numbers or pairs of them, kernel and stride at least 1, pad at "
            f"least 0, not {triple!r}."
        )
    return tuple(triple)


def _same_pad(n: int | None, k: int, stride: int) -> int:
    if stride == 1:
        return (k - 1) // 2
    if n is None:
        raise ValueError('The padding "same" at a stride above 1 depends on the image: give the model an input shape.')
    return max((-(-n // stride) - 1) * stride + k - n, 0) // 2  # TensorFlow puts the odd one below and to the right
