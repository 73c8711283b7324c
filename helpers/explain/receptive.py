"""Receptive fields: which input pixels a neuron can see, computed from the layers alone.

A layer is (kernel, stride, pad): whole numbers, or pairs (rows, columns) where the two directions differ; each part of
the pair for `pad` may itself be a pair (before, after). Kernel and stride are at least 1, pad is at least 0. Layers of
a network are taken as they are. ValueError for anything else.
"""

from collections.abc import Iterable
from numbers import Integral

from helpers.explain.networks import kind_of, layer_index


def field_size(layers: Iterable, axis: int = 0) -> tuple[int, int, int]:  # exercise 5.3
    """Return how many rows r a neuron sees, how far apart j neighbours see, and how far above 0 the first begins, p.

    Of columns with axis = 1. Source: Araujo, Norris and Sim (2019), section 2.
    """
    r, j, p = 1, 1, 0
    for k, stride, pad, _ in _along(axis, layers):
        r, p, j = r + (k - 1) * j, p + pad * j, j * stride
    return r, j, p


def receptive_field(layers: Iterable, row: int, col: int) -> tuple:  # exercise 5.4
    """Return the box (top, left, bottom, right) of pixels that neuron (row, col) behind `layers` sees.

    Half-open: bottom and right are the first pixels outside. With padding a box may begin below 0 and end beyond the
    image; `field_on_image` gives what is read of one. ValueError for a row or column that cannot be.
    """
    layers = list(layers)
    (rows, down, above), (cols, across, before) = field_size(layers, 0), field_size(layers, 1)
    top, left = down * _number("row", row) - above, across * _number("column", col) - before
    return top, left, top + rows, left + cols


def field_on_image(layers: Iterable, row: int, col: int, height: int, width: int) -> tuple:
    """Return the smallest box of the pixels that neuron (row, col) really reads: no padding, nothing a stride leaves.

    ValueError for a neuron that there is not, or that reads padding alone.
    """
    layers = list(layers)
    top, bottom = _read(_along(0, layers), _number("row", row), height)
    left, right = _read(_along(1, layers), _number("column", col), width)
    return top, left, bottom, right


def geometry(model, layer) -> list[tuple]:
    """Return the layers up to and with `layer` as ((KH, KW), (stride, stride), ((above, below), (left, right))).

    ValueError for an unknown layer, and where one on the way has no place in the picture, such as a dense one.
    """
    return _checked(kind_of(model).layers(model)[: layer_index(model, layer) + 1])


def _read(steps: list[tuple], at: int, size: int) -> tuple[int, int]:
    sizes = [size]
    for k, stride, before, after in steps:
        sizes.append((sizes[-1] + before + after - k) // stride + 1)
    rows = {at} & set(range(sizes.pop()))
    for (k, stride, before, _), n in zip(reversed(steps), reversed(sizes), strict=True):
        rows = {r * stride - before + i for r in rows for i in range(k)} & set(range(n))
    if not rows:
        raise ValueError(f"Neuron {at} sees none of {size} pixels: it is not there, or sees padding alone.")
    return min(rows), max(rows) + 1


def _along(axis: int, layers: Iterable) -> list[tuple]:
    return [(kernel[axis], stride[axis], *pad[axis]) for kernel, stride, pad in _checked(layers)]


def _checked(layers: Iterable) -> list[tuple]:
    steps = ([x] if isinstance(x, (tuple, list)) else kind_of(x).geometry(x) for x in layers)
    return [_whole(step) for part in steps for step in part]


def _whole(step) -> tuple:
    parts = [_pair(part) for part in step]
    pads = [_pair(part) for part in parts[2]] if len(parts) == 3 else []
    numbers = [(n, 1) for pair in parts[:2] for n in pair] + [(n, 0) for pair in pads for n in pair]
    if len(pads) != 2 or len(numbers) != 8 or not all(isinstance(n, Integral) and n >= low for n, low in numbers):
        what = "whole numbers or pairs of them, kernel and stride at least 1, pad at least 0"
        raise ValueError(f"A layer is (kernel, stride, pad), {what}, not {step!r}.")
    return (*parts[:2], tuple(pads))


def _pair(value) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _number(name: str, at) -> int:
    if not isinstance(at, Integral) or at < 0:
        raise ValueError(f"The {name} of a neuron is a whole number from 0, not {at!r}.")
    return int(at)
