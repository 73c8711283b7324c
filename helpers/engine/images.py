"""The layers that treat every image on its own, and how a batch goes through them: on every core, in memory kept.

Images go one by one through all the layers, so that what one layer writes is still in the cache when the next one
reads it. What the layers remember is written where it was in the batch before: new memory is slow.
"""

from collections.abc import Callable, Iterable

import numpy as np

from helpers.engine.fused import stage_backward, stage_forward
from helpers.engine.threads import Workspace, fresh, in_threads, scratch
from helpers.layers import Conv2D, Layer, MaxPool2D, ReLU


class Stem:
    """Layers of which none mixes images; where `last`, the network ends with them."""

    def __init__(self, layers: list[Layer], *, last: bool) -> None:
        self._layers, self._steps, self._last = layers, _steps(layers), last
        self._caches: list[list] = []
        self._shape: tuple[int, ...] = ()
        self.workspace = Workspace()

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the last layer's output for images x (N, H, W, C), and remember what `backward` needs."""
        out, self._caches = self._pass(x, remember=True)
        self._shape = out.shape
        return out

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the last layer's output, remembering nothing."""
        return self._pass(x, remember=False)[0]

    def backward(self, dout: np.ndarray, *, need_dx: bool) -> np.ndarray | None:
        """Return dL/dx, where it is needed, from dout = dL/dout, and leave the layers' gradients in their `grads`."""
        if not self._caches:
            raise RuntimeError("backward needs a forward pass first.")
        if np.shape(dout) != self._shape:
            raise ValueError(f"dout has the shape {np.shape(dout)}, but the output had {self._shape}.")
        groups, parts = _groups(len(dout))
        grads, dxs = [[] for _ in groups], [None] * len(groups)

        def work(numbers: Iterable[int]) -> None:
            for g in numbers:
                d = dout[groups[g]]
                for k in reversed(range(len(self._steps))):
                    empty = scratch if k else fresh
                    d, grad = self._steps[k].pull(d, self._caches[g][k], parts, empty, need_dx=need_dx or k > 0)
                    grads[g].insert(0, grad)
                dxs[g] = d

        _over(groups, work)
        for k, step in enumerate(self._steps):  # added up in the images' order: the same sum on any number of cores
            step.layer.grads = {name: sum(of_group[k][name] for of_group in grads) for name in step.layer.params}
        return np.concatenate(dxs) if need_dx else None

    def _pass(self, x: np.ndarray, *, remember: bool) -> tuple[np.ndarray, list[list]]:
        if not isinstance(x, np.ndarray) or x.ndim != 4 or len(x) == 0:
            raise ValueError(
                f"The network takes a batch of images, an array (N, H, W, C) with at least one, not {np.shape(x)}."
            )
        shape = x.shape[1:]
        for layer in self._layers:
            shape = layer.output_shape(shape)
        groups, parts = _groups(len(x))
        # What the network itself reads later may be written where it was before; what its caller gets may not. What is
        # not remembered is this thread's own: several may ask one network for predictions.
        dtype = np.result_type(x, *(param for layer in self._layers for param in layer.params.values()))
        place_of_out = fresh if self._last else self.workspace.empty if remember else scratch
        whole = place_of_out("stem's out", (len(x), *shape), dtype)
        caches = [[] for _ in groups]

        def place(g: int, k: int) -> Callable:
            keep = self.workspace.empty if remember else scratch
            final = k == len(self._steps) - 1
            return lambda name, shape, dtype: (
                whole[groups[g]] if final and name == "out" else keep((g if remember else 0, k, name), shape, dtype)
            )

        def work(numbers: Iterable[int]) -> None:
            for g in numbers:
                image = x[groups[g]]
                for k, step in enumerate(self._steps):
                    image, cache = step.apply(image, parts, place(g, k))
                    if remember:
                        caches[g].append(cache)

        _over(groups, work)
        return whole, caches


class _Step:
    """A layer on the images' way. `parts` and `empty` are as in `helpers.engine.fused`."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer

    def apply(self, x: np.ndarray, parts: int, empty: Callable) -> tuple:
        result, cache = self.layer.apply(x)
        out = empty("out", result.shape, result.dtype)
        out[...] = result
        return out, cache

    def pull(self, dout: np.ndarray, cache, parts: int, empty: Callable, *, need_dx: bool) -> tuple:
        if isinstance(self.layer, Conv2D):
            return self.layer.pull(dout, cache, need_dx=need_dx)
        return self.layer.pull(dout, cache)


class _Stage(_Step):
    """A convolution, with the ReLU and the max pooling that follow it, in one go."""

    def apply(self, x, parts, empty):
        return stage_forward(x, self.layer.params["w"], self.layer.params["b"], parts, empty)

    def pull(self, dout, cache, parts, empty, *, need_dx):
        dx, dw, db = stage_backward(dout, cache, need_dx=need_dx, parts=parts, empty=empty)
        return dx, {"w": dw, "b": db}


def _steps(layers: list[Layer]) -> list[_Step]:
    steps, k = [], 0
    while k < len(layers):
        together = _are_stage(*layers[k : k + 3])
        steps.append(_Stage(layers[k]) if together else _Step(layers[k]))
        k += 3 if together else 1
    return steps


def _are_stage(conv: Layer, relu: Layer | None = None, pool: Layer | None = None) -> bool:
    """Return whether `helpers.engine.fused` can do the three in one go."""
    if (type(conv), type(relu), type(pool)) != (Conv2D, ReLU, MaxPool2D):
        return False
    return (len(conv.params["w"]), conv.stride, conv.pad, pool.window, pool.stride) == (3, 1, 0, 2, 1)


def _groups(images: int) -> tuple[list[slice], int]:
    """Return what of a batch goes through the layers at once, and into how many parts a layer cuts an image.

    Image by image; but few images all together, each in parts, so that one image, too, keeps every core busy. The
    numbers are constants, not the number of cores: sums are then added up in one order on every machine.
    """
    return ([slice(n, n + 1) for n in range(images)], 1) if images >= 8 else ([slice(0, images)], 4)


def _over(groups: list, work: Callable) -> None:
    if len(groups) == 1:
        work(range(1))  # the layers themselves share it between the cores
    else:
        in_threads(work, range(len(groups)))
