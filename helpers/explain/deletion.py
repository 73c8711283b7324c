"""What a network says while the pixels that a map ranks first go in, or out. Source: Petsiuk et al. (2018)."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

import cv2
import numpy as np
from tqdm.auto import tqdm


class Curves(NamedTuple):
    """The class's probability after each share of the pixels; share is (S+1,), the curves are (..., S+1)."""

    share: np.ndarray
    insertion: np.ndarray
    deletion: np.ndarray

    @property
    def areas(self) -> tuple[np.ndarray, np.ndarray]:
        """The areas (...) under insertion (the larger, the better the map) and deletion (the smaller), 0 to 1."""
        return tuple(np.trapezoid(curve, self.share, axis=-1) for curve in (self.insertion, self.deletion))


def insertion_deletion(
    model, image, maps, class_index: int, *, steps=28, blur=10, fill=0.0, batch_size: int = 16
) -> Curves:
    """Return how the class's probability rises while the pixels that a map ranks first are put in, and falls without.

    image: (H, W, C) as the network takes it; maps: (H, W) or a stack (..., H, W). After step k of `steps` the first
    round(k H W / steps) pixels are changed, by falling value, among equals in reading order. Insertion begins with
    the image under a Gaussian blur of `blur` pixels, deletion ends with `fill`: 0 is the mean colour to VGG and black
    to the NumPy network. `model` is a Keras model or a `Sequential`, or a function from images to outputs (N, K).
    ValueError for shapes that do not fit, an unknown class, a map that is not finite, and fewer than one step.
    """
    image, maps = np.asarray(image), np.asarray(maps)
    if image.ndim != 3 or maps.shape[-2:] != image.shape[:2] or not np.isfinite(maps).all():
        raise ValueError(f"{image.shape} is no image, or {maps.shape} no finite maps of it.")
    if steps < 1 or batch_size < 1:
        raise ValueError(f"steps, {steps}, and batch_size, {batch_size}, must be at least 1.")
    shape, maps = maps.shape[:-2], maps.reshape(-1, *image.shape[:2])
    blurred = cv2.GaussianBlur(image, (0, 0), blur).reshape(image.shape)
    empty = np.full_like(image, fill)
    counts = [round(k * maps[0].size / steps) for k in range(steps + 1)]
    first = [(rank < count)[..., None] for rank in map(ranks, maps) for count in counts[1:-1]]
    put_in = (np.where(f, image, blurred) for f in first)
    taken_out = (np.where(f, empty, image) for f in first)
    asked = chain([blurred, image, empty], put_in, taken_out)  # the ends are those of all maps
    asked = tqdm(asked, "insertion and deletion", 3 + 2 * len(first), delay=3, leave=False)
    says = _probabilities(model, asked, class_index, batch_size)
    start, whole, end = says[:3, None, None].repeat(len(maps), axis=1)
    rising, falling = says[3:].reshape(2, len(maps), steps - 1)
    parts = [start, rising, whole], [whole, falling, end]
    curves = (np.hstack(part).reshape(*shape, steps + 1) for part in parts)
    return Curves(np.array(counts) / maps[0].size, *curves)


def ranks(heat: np.ndarray) -> np.ndarray:  # exercise 6.4
    """Return the place of each pixel (H, W), from 0, when they are sorted by falling value; equals in reading order."""
    order = np.argsort(-heat.astype(np.float64), axis=None, kind="stable")
    return np.argsort(order).reshape(heat.shape)


def _probabilities(model, images: Iterator[np.ndarray], class_index: int, batch_size: int) -> np.ndarray:
    predict, parts, images = getattr(model, "predict_proba", model), [], iter(images)
    while batch := list(islice(images, batch_size)):
        out = np.asarray(predict(np.stack(batch)))
        if out.ndim != 2 or not 0 <= class_index < out.shape[1]:
            raise ValueError(f"There is no class {class_index}: the network's outputs have the shape {out.shape}.")
        parts.append(out[:, class_index])
    return np.concatenate(parts)
