"""A map that outlasts the network's weights cannot have shown what was learned. Source: Adebayo et al. (2018)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr
from tqdm.auto import tqdm

from helpers.convolution import kaiming_normal
from helpers.explain.networks import kind_of, layer_index


class Cascade(NamedTuple):
    """After each of S+1 stages, the first "none": SSIM of |map| / max, and rank correlation of |map|, (S+1, ...)."""

    stages: tuple[str, ...]
    ssim: np.ndarray
    rank: np.ndarray


def randomisation_test(model, method: Callable, *, rng, stages=None) -> Cascade:
    """Return how alike method(model) stays while the weights of a copy of `model` are drawn anew, from the top down.

    method: takes a model and returns its maps (..., H, W), at least 11 x 11. stages: names with the layers (by name or
    number) that are drawn at once, in this order; by default every layer with weights by itself, from the scores down.
    Kernels come from N(0, 2 / fan-in), biases become 0; `model` stays as it is. ValueError for an unknown layer, one
    without a kernel, and maps that change their shape.
    """
    clone, original, compared = kind_of(model).clone(model), np.asarray(method(model)), []
    single = {name: [name] for name in reversed(_drawable(clone))}
    stages = single if stages is None else stages
    stages = {"none": [], **stages}
    for layers in tqdm(stages.values(), "weights drawn anew", delay=3, leave=False):
        for layer in layers:
            draw(clone, layer, rng)
        compared.append(_similarity(original, np.asarray(method(clone))))
    return Cascade(tuple(map(str, stages)), *map(np.array, zip(*compared, strict=True)))


def draw(model, layer, rng: np.random.Generator) -> None:
    """Give a layer of `model` a new kernel and biases of 0, in place."""
    kind = kind_of(model)
    if layer not in (known := _drawable(model)):
        raise ValueError(f"The model has no layer {layer!r} with weights; it has {known}.")
    found = kind.layers(model)[layer_index(model, layer)]
    kernel, *biases = kind.weights(found)
    if kernel.ndim < 2 or [bias.ndim for bias in biases] not in ([], [1]):
        raise ValueError(f"The weights of {layer} are no kernel and biases: how to draw them anew is not known here.")
    drawn = kaiming_normal(kernel.shape, rng=rng, dtype=kernel.dtype)
    kind.set_weights(found, [drawn, *map(np.zeros_like, biases)])


def ssim(a: np.ndarray, b: np.ndarray, data_range: float = 1.0) -> np.ndarray:
    """Return the mean structural similarity, -1 to 1, of images (..., H, W) under a Gaussian of 11 x 11, sigma 1.5.

    ValueError for smaller images and for other shapes. Source: Wang et al. (2004), equation 13.
    """
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    if a.ndim < 2 or a.shape != b.shape or min(a.shape[-2:]) < 11:
        raise ValueError(f"SSIM compares two images of one shape, 11 x 11 or more, not {a.shape} and {b.shape}.")
    from helpers.vgg19.backend import tf  # not above: nothing else about a NumPy network needs it

    return tf.image.ssim(a[..., None], b[..., None], data_range).numpy()


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's correlation of two arrays of one shape; 0 where one is the same everywhere, 1 where both."""
    flat = [x.min() == x.max() for x in (a, b)]
    return float(all(flat)) if any(flat) else float(spearmanr(a, b, axis=None).statistic)


def scaled(heat: np.ndarray) -> np.ndarray:
    """Return |map| divided by its maximum, 0 to 1, for maps (..., H, W); a map of zeros stays."""
    sizes = np.abs(np.asarray(heat, np.float64))
    return sizes / np.maximum(sizes.max(axis=(-2, -1), keepdims=True), np.finfo(float).tiny)


def _similarity(original: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if original.ndim < 2 or maps.shape != original.shape:
        raise ValueError(f"A method returns maps (..., H, W), always as many: not {original.shape}, then {maps.shape}.")
    a, b = scaled(original), scaled(maps)
    ranks = [rank_correlation(a[n], b[n]) for n in np.ndindex(a.shape[:-2])]
    return ssim(a, b), np.reshape(ranks, a.shape[:-2])


def _drawable(model) -> list:
    """Return the layers with weights, by name, or by number where they have none."""
    kind = kind_of(model)
    numbered = enumerate(kind.layers(model))
    return [getattr(layer, "name", number) for number, layer in numbered if kind.weights(layer)]
