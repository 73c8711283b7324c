"""The layers that treat every image on its own: image by image through both convolutions, in memory used again."""

from collections.abc import Iterable
from functools import partial

import numpy as np

from helpers import _checks, layers
from helpers.engine.fused import fused_backward, fused_forward
from helpers.engine.memory import Workspace, buffer, fresh
from helpers.engine.threads import in_threads

# Winograd's sums round in proportion to the largest number nearby: a single pixel of 1e6 would spoil its neighbours.
# Up to here, that of a pixel of 8 bits, no output is off by more than 1e-5 of the largest one.
LARGEST = 256
FEW = 8  # images or more go through one by one; fewer all together, each cut in PARTS, so that every core has work
PARTS = 4  # constants, not the number of cores: sums are then added up in one order on every machine


def steps(layers: list) -> list:
    """Return what a batch goes through in place of the layers (Conv2D, ReLU, MaxPool2D) twice, and of the rest."""
    images = ImageByImage(layers[:6])
    layers[7].empty = images.workspace.empty
    return [images, *layers[6:]]


class ImageByImage(layers.Layer):
    """(Conv2D, ReLU, MaxPool2D) twice, each three in one go; images from -256 to 256, ValueError for larger ones."""

    def __init__(self, layers: list) -> None:
        super().__init__()
        self.layers, self.convolutions, self.workspace = layers, layers[::3], Workspace()

    def forward(self, x):
        out, caches = self._pass(x, remember=True)
        self.cache = out.shape, caches
        return out

    def predict(self, x):
        return self._pass(x, remember=False)[0]

    def _pass(self, x: np.ndarray, *, remember: bool) -> tuple[np.ndarray, list]:
        shape, empty = self._output_shape(x), self.workspace.empty if remember else buffer
        whole = empty("images' out", (len(x), *shape), np.result_type(x, self.convolutions[0].params["w"]))
        groups, parts = _groups(len(x))
        caches = [[None, None] for _ in groups]

        def work(numbers: Iterable[int]) -> None:
            for g in numbers:
                image = x[groups[g]]
                for k, conv in enumerate(self.convolutions):
                    out, memory = whole[groups[g]] if k else None, partial(empty, place=(g if remember else 0, k))
                    image, caches[g][k] = fused_forward(image, *conv.params.values(), parts, memory, out)

        in_threads(work, range(len(groups)))
        return whole, caches

    def backward(self, dout):
        shape, caches = self.cache
        _checks.gradient(dout, shape)
        groups, parts = _groups(len(dout))
        grads, dxs = [[None, None] for _ in groups], [None] * len(groups)

        def work(numbers: Iterable[int]) -> None:
            for g in numbers:
                d = dout[groups[g]]
                for k in (1, 0):
                    need_dx, empty = self.need_dx or k > 0, buffer if k else fresh
                    d, *grads[g][k] = fused_backward(d, caches[g][k], need_dx=need_dx, parts=parts, empty=empty)
                dxs[g] = d

        in_threads(work, range(len(groups)))
        for k, conv in enumerate(self.convolutions):  # in the images' order: the same sum on any number of cores
            conv.grads = {"w": sum(of[k][0] for of in grads), "b": sum(of[k][1] for of in grads)}
        return np.concatenate(dxs) if self.need_dx else None

    def _output_shape(self, x) -> tuple[int, ...]:
        """Return the shape of one image after all layers; ValueError for what this network cannot take."""
        _checks.images(x)
        _checks.require(
            max(x.max(), -x.min()) <= LARGEST,
            f"The images hold numbers beyond {LARGEST} or that are none: scale them, as `to_inputs` does, or build "
            "the network with fast=False.",
        )
        shape = x.shape[1:]
        for layer in self.layers:
            shape = layer.output_shape(shape)
        return shape


def _groups(images: int) -> tuple[list[slice], int]:
    """Return what of a batch goes through the layers at once, and into how many parts a layer cuts an image."""
    return ([slice(n, n + 1) for n in range(images)], 1) if images >= FEW else ([slice(0, images)], PARTS)
