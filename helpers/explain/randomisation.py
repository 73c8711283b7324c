"""Does a map come from what the network has learned? Its weights are drawn anew, layer by layer, and the maps compared.

A map that stays as it was cannot have shown what was lost. Works on Keras models and on `helpers.network.Sequential`.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from helpers.convolution import kaiming_normal
from helpers.explain.map_scores import rank_correlation, scaled, ssim
from helpers.network import Sequential


@dataclass(frozen=True, eq=False)
class Cascade:
    """How alike the maps are to those of the trained network, after each stage: stages (S+1,), the first is "none".

    ssim and rank are (S+1, ...) for maps (..., H, W): structural similarity of |map| / max, and Spearman's correlation
    of |map|.
    """

    stages: tuple[str, ...]
    ssim: np.ndarray
    rank: np.ndarray


def randomisation_test(
    model,
    method: Callable[[object], np.ndarray],
    *,
    rng: np.random.Generator,
    stages: Mapping[str, Sequence] | None = None,
) -> Cascade:
    """Return how alike method(model) stays while the weights of a copy of `model` are drawn anew, from the top down.

    method: takes a model and returns its maps (..., H, W), at least 11 x 11. stages: names with the layers (by name, or
    by number in model.layers) that are drawn at once, in this order, and stay so; by default every layer with weights
    by itself, from the scores down to the image. Kernels are drawn from N(0, 2 / fan-in), biases become 0; `model`
    stays as it is. ValueError for an unknown layer, one without a kernel, and maps that change their shape.
    Source: Adebayo et al. (2018), the cascading randomisation.
    """
    clone = _clone(model)
    stages = stages if stages is not None else {name: [name] for name in reversed(_with_weights(clone))}
    original = np.asarray(method(model))
    compared = [_similarity(original, np.asarray(method(clone)))]
    for layers in tqdm(stages.values(), desc="weights drawn anew", unit="stage", delay=3, leave=False):
        for layer in layers:
            _draw(_find(clone, layer), rng)
        compared.append(_similarity(original, np.asarray(method(clone))))
    return Cascade(("none", *map(str, stages)), *(np.array(values) for values in zip(*compared, strict=True)))


def _similarity(original: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if original.ndim < 2 or maps.shape != original.shape:
        raise ValueError(f"A method returns maps (..., H, W), always as many: not {original.shape}, then {maps.shape}.")
    pairs = [part.reshape(-1, *part.shape[-2:]) for part in (scaled(original), scaled(maps))]
    values = [(ssim(a, b), rank_correlation(a, b)) for a, b in zip(*pairs, strict=True)]
    alike = np.array(values).T.reshape(2, *original.shape[:-2])
    return alike[0], alike[1]


def _clone(model):
    if isinstance(model, Sequential):
        layers = [copy.copy(layer) for layer in model.layers]
        for layer in layers:
            layer.params = dict(layer.params)  # arrays are replaced, never written into
        return Sequential(layers, model.input_shape)
    from helpers.vgg19.backend import keras

    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    return clone


def _with_weights(model) -> list:
    if isinstance(model, Sequential):
        return [number for number, layer in enumerate(model.layers) if layer.params]
    return [layer.name for layer in model.layers if layer.weights]


def _find(model, layer):
    if layer not in _with_weights(model):
        raise ValueError(f"The model has no layer {layer!r} with weights; it has {_with_weights(model)}.")
    return model.layers[layer] if isinstance(model, Sequential) else model.get_layer(layer)


def _draw(layer, rng: np.random.Generator) -> None:
    """Give `layer` a new kernel and biases of 0, in place."""
    own = isinstance(getattr(layer, "params", None), dict)
    arrays = [layer.params["w"], layer.params["b"]] if own else layer.get_weights()
    if arrays[0].ndim < 2 or any(array.ndim != 1 for array in arrays[1:]) or len(arrays) > 2:
        raise ValueError(f"The weights of {layer} are no kernel and biases: how to draw them anew is not known here.")
    kernel = kaiming_normal(arrays[0].shape, rng=rng, dtype=arrays[0].dtype)
    drawn = [kernel, *(np.zeros_like(bias) for bias in arrays[1:])]
    if own:
        layer.params.update(w=drawn[0], b=drawn[1])
    else:
        layer.set_weights(drawn)
