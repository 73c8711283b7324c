"""What a network says when part of an image is changed: pixel by pixel along a heat map, thirds of it, or its object.

Nothing here knows how a network works inside; the images that come out are of the kind that went in.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from tqdm.auto import tqdm

from helpers.network import Sequential

THIRDS = ("top", "middle", "bottom")
RIM = 5  # pixels around a mask that go with the object: its soft edge and its nearest shadow


@dataclass(frozen=True, eq=False)
class Curves:
    """The class's probability after each share of the pixels; share is (S+1,), the curves are (..., S+1).

    The areas (...) under them are by the trapezoid rule over 0 to 1: a good map has a large one for insertion and a
    small one for deletion.
    """

    share: np.ndarray
    insertion: np.ndarray
    deletion: np.ndarray

    @property
    def insertion_area(self) -> np.ndarray:
        """The area (...) under each insertion curve, from 0 to 1: the larger, the better the map."""
        return np.trapezoid(self.insertion, self.share, axis=-1)

    @property
    def deletion_area(self) -> np.ndarray:
        """The area (...) under each deletion curve, from 0 to 1: the smaller, the better the map."""
        return np.trapezoid(self.deletion, self.share, axis=-1)


def insertion_deletion(
    model, image: np.ndarray, maps: np.ndarray, class_index: int, *, steps=28, blur=10.0, fill=0.0, batch_size=16
) -> Curves:
    """Return how the class's probability rises while the pixels that a map ranks first are put in, and falls without.

    image: (H, W, C) as the network takes it; maps: (H, W) or a stack (..., H, W). After step k of `steps` the first
    round(k H W / steps) pixels are changed, by falling value, among equals in reading order. Insertion begins with
    the image under a Gaussian blur of `blur` pixels, deletion ends with `fill`: 0 is the mean colour to VGG and black
    to the NumPy network. `model` is a Keras model or a `Sequential`, or a function from images to outputs (N, K).
    ValueError for shapes that do not fit, an unknown class, a map that is not finite, and fewer than one step.
    Source: Petsiuk, Das and Saenko (2018).
    """
    image, maps, predict = np.asarray(image), np.asarray(maps), _predictor(model)
    if image.ndim != 3 or maps.shape[-2:] != image.shape[:2] or not np.isfinite(maps).all():
        raise ValueError(f"An image (H, W, C) needs finite maps (..., H, W), not {image.shape} and {maps.shape}.")
    if steps < 1 or batch_size < 1:
        raise ValueError(f"steps and batch_size must be at least 1, not {steps} and {batch_size}.")
    blurred = cv2.GaussianBlur(image, (0, 0), blur).reshape(image.shape)
    empty = np.full_like(image, fill)
    pixels = maps.shape[-2] * maps.shape[-1]
    counts = [round(k * pixels / steps) for k in range(steps + 1)]
    ranks = [_ranks(heat) for heat in maps.reshape(-1, *maps.shape[-2:])]
    ends = [(ranks[0], blurred, image, 0), (ranks[0], blurred, image, pixels), (ranks[0], image, empty, pixels)]
    jobs = [(r, *pair, n) for r in ranks for pair in ((blurred, image), (image, empty)) for n in counts[1:-1]]
    values = _class_outputs(predict, _changed(ends + jobs), len(ends) + len(jobs), class_index, batch_size)
    inner = values[3:].reshape(len(ranks), 2, steps - 1)
    start, whole, gone = (np.full((len(ranks), 1), value) for value in values[:3])
    curves = np.hstack([start, inner[:, 0], whole]), np.hstack([whole, inner[:, 1], gone])
    return Curves(np.array(counts) / pixels, *(curve.reshape(*maps.shape[:-2], steps + 1) for curve in curves))


def without_third(images: np.ndarray, part: str) -> np.ndarray:
    """Return the images (N, H, W, C) with their "top", "middle" or "bottom" third filled with the image's mean colour.

    ValueError for another part.
    """
    if part not in THIRDS:
        raise ValueError(f"A third of an image is one of {', '.join(THIRDS)}, not {part!r}.")
    height, number = images.shape[1], THIRDS.index(part)
    rows = slice(height * number // 3, height * (number + 1) // 3)
    out = images.copy()
    out[:, rows] = _rounded(images.mean(axis=(1, 2), keepdims=True), images.dtype)
    return out


def without_object(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the images (N, H, W, 3) uint8 with the object, and a rim of 5 pixels, painted over from its surroundings.

    masks: bool (N, H, W), True on the object. ValueError when they do not fit. Source of the painting: Telea (2004).
    """
    _check_masks(images, masks)
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM + 1, 2 * RIM + 1))
    pairs = zip(tqdm(images, desc="painting objects over", unit="image", delay=3, leave=False), masks, strict=True)
    return np.stack([cv2.inpaint(x, cv2.dilate(m.astype(np.uint8), shape), 3, cv2.INPAINT_TELEA) for x, m in pairs])


def on_other_background(
    images: np.ndarray, masks: np.ndarray, labels: np.ndarray, backgrounds: np.ndarray, *, rng: np.random.Generator
) -> np.ndarray:
    """Return the images with each object put, where it was, before the background of an image of another class.

    images: (N, H, W, 3) uint8; masks: bool (N, H, W); labels: (N,); backgrounds: the same images without their objects,
    as `without_object` returns them. ValueError when they do not fit, or when there is just one class.
    """
    _check_masks(images, masks)
    if images.shape != backgrounds.shape or len(labels) != len(images):
        raise ValueError(f"{len(images)} images need as many backgrounds and labels.")
    if np.unique(labels).size < 2:
        raise ValueError("There is no image of another class to take a background from.")
    others = [rng.choice(np.flatnonzero(labels != label)) for label in labels]
    return np.where(masks[..., None], images, backgrounds[others])


def mosaics(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mosaics with one image of each class side by side, (M, H, K W, 3), and which image is where, (M, K).

    Every image comes once in every place, each time among other strangers, as far as there are others. Images that find
    no partner are left out. ValueError for one class. Source: Boehle, Fritz and Schiele (2021), who use a grid.
    """
    by_class = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    if len(images) != len(labels) or len(by_class) < 2:
        raise ValueError("Mosaics need images of two classes or more, and a label for each image.")
    count = min(len(members) for members in by_class)
    classes = range(len(by_class))
    where = np.array(
        [
            np.roll([by_class[c][(k + turn * c) % count] for c in classes], turn)
            for turn in classes
            for k in range(count)
        ]
    )
    return np.stack([np.concatenate(images[row], axis=1) for row in where]), where


def altered(images: np.ndarray, labels: np.ndarray, masks: np.ndarray | None, *, rng) -> dict[str, np.ndarray]:
    """Return the images without each third and, where masks are known, without their object or their background."""
    out = {f"no {part} third": without_third(images, part) for part in THIRDS}
    if masks is not None:
        out["no object"] = without_object(images, masks)
        out["other background"] = on_other_background(images, masks, labels, out["no object"], rng=rng)
    return out


def _predictor(model) -> Callable[[np.ndarray], np.ndarray]:
    if isinstance(model, Sequential):
        return model.predict_proba
    return lambda batch: np.asarray(model(batch))


def _ranks(heat: np.ndarray) -> np.ndarray:
    ranks = np.empty(heat.size, np.int64)
    ranks[np.argsort(-heat.ravel(), kind="stable")] = np.arange(heat.size)
    return ranks.reshape(*heat.shape, 1)


def _changed(jobs: list) -> Iterator[np.ndarray]:
    return (np.where(ranks < count, after, before) for ranks, before, after, count in jobs)


def _class_outputs(predict, images: Iterator, total: int, class_index: int, batch_size: int) -> np.ndarray:
    values = []
    for start in tqdm(range(0, total, batch_size), desc="insertion and deletion", unit="batch", delay=3, leave=False):
        out = predict(np.stack([next(images) for _ in range(min(batch_size, total - start))]))
        if out.ndim != 2 or not 0 <= class_index < out.shape[1]:
            raise ValueError(f"There is no class {class_index}: the network's outputs have the shape {out.shape}.")
        values.append(out[:, class_index])
    return np.concatenate(values).astype(np.float64)


def _rounded(values: np.ndarray, dtype) -> np.ndarray:
    return np.rint(values).astype(dtype) if np.issubdtype(dtype, np.integer) else values.astype(dtype)


def _check_masks(images: np.ndarray, masks: np.ndarray) -> None:
    if images.ndim != 4 or masks.shape != images.shape[:3] or masks.dtype != bool:
        raise ValueError(f"Images (N, H, W, 3) need bool masks (N, H, W): {images.shape} and {masks.shape} do not fit.")
