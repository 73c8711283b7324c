"""What a network looks at: the neurons that fire most, the pixels behind them, and the regions behind a class score.

All of it works on Keras models whose layers are a chain and on `helpers.network.Sequential`. `image` is one input as
the network takes it, without the batch axis: for VGG19 that is `vgg19.preprocess(images)[i]`, for the NumPy network
also uint8, which it scales itself. Neither the model nor the image is changed. `layer` is a name, a position in
model.layers, or the layer itself.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from tqdm.auto import tqdm

from helpers.explain import numpy_network as explain_numpy
from helpers.explain.map_scores import energy_inside, pointing_game
from helpers.explain.perturbation import insertion_deletion
from helpers.explain.randomisation import randomisation_test
from helpers.explain.receptive import Box, clip_box, field_size, geometry, layer_index, middle_neuron, receptive_field
from helpers.network import Sequential

__all__ = [
    "RULES",
    "Box",
    "class_evidence",
    "class_gradients",
    "class_map",
    "class_maps",
    "clip_box",
    "energy_inside",
    "enlarged",
    "field_size",
    "geometry",
    "grad_cam",
    "gradient_function",
    "guided_backprop",
    "guided_grad_cam",
    "insertion_deletion",
    "layer_index",
    "middle_neuron",
    "pointing_game",
    "randomisation_test",
    "receptive_field",
    "top_neurons",
]

RULES = ("gradient", "deconvnet", "guided")


def top_neurons(activations: np.ndarray, k: int = 5) -> list[tuple[int, int, int, float]]:
    """Return the k most active neurons in distinct channels as (row, col, channel, activation), strongest first.

    activations: (H, W, C). Each channel is represented by its maximum; among equals the first in reading order wins,
    then the lower channel. ValueError for another shape or more neurons than channels.
    """
    activations = np.asarray(activations)
    if activations.ndim != 3 or activations.size == 0:
        raise ValueError(f"Activations of one image have the shape (H, W, C), not {activations.shape}.")
    _, width, channels = activations.shape
    if not 1 <= k <= channels:
        raise ValueError(f"{channels} channels hold from 1 to {channels} neurons in distinct channels, not {k}.")
    flat = _finite(activations).reshape(-1, channels)
    where, peak = flat.argmax(axis=0), flat.max(axis=0)
    order = np.lexsort((np.arange(channels), where, -peak.astype(np.float64)))[:k]
    return [(int(where[c] // width), int(where[c] % width), int(c), float(peak[c])) for c in order]


def guided_backprop(model, image: np.ndarray, layer, neuron, rule: str = "guided") -> np.ndarray:
    """Return d neuron / d image, (H, W, C), with the gradient at every ReLU changed by `rule`.

    neuron: (row, col, channel) in the output of `layer`, further entries such as the activation are ignored; behind a
    dense layer its number. Rules: "gradient" passes what the ReLU's derivative passes; "deconvnet" passes positive
    gradients (Zeiler and Fergus 2014); "guided" passes positive gradients of active neurons (Springenberg et al. 2015,
    figure 1). Works on a copy of the layers. ValueError for an unknown layer or rule and for a neuron outside.
    """
    return gradient_function(model, layer, rule, compiled=False)(image, neuron)


def gradient_function(model, layer, rule: str = "guided", *, compiled: bool = True):
    """Return f(image, neuron), which gives what `guided_backprop` does: the copy is made once for many neurons."""
    backend, last = _backend(model), layer_index(model, layer)
    pull = backend.changed_copy(model, last, [_known(rule)], compiled=compiled)

    def gradient(image: np.ndarray, neuron) -> np.ndarray:
        return pull(_checked(image)[None], lambda shape: [_position(neuron, shape, layer)])[0][0, 0]

    return gradient


def class_gradients(model, images: np.ndarray, classes, rule: str = "gradient", *, batch_size: int = 8) -> np.ndarray:
    """Return d score of classes[n] / d images[n] by `rule`, (N, H, W, C), for images (N, H, W, C), in batches.

    The score is the one before softmax. Rules and errors as in `guided_backprop`; ValueError for an unknown class.
    """
    return class_evidence(model, images, classes, [rule], batch_size=batch_size)[0][0]


def class_evidence(
    model, images: np.ndarray, classes, rules: Sequence[str], layer=None, *, batch_size: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """Return what `class_gradients` does by several rules, (R, N, H, W, C), and the activations (N, ...) of `layer`.

    Every image passes forward through the network once. None is what goes in. Raises as `class_gradients` does, and
    ValueError for a layer behind the class scores.
    """
    images, classes = _batch(images, classes)
    also = -1 if layer is None else layer_index(model, layer)
    pull = _backend(model).changed_copy(model, None, [_known(rule) for rule in rules], compiled=True, also=also)
    starts = tqdm(range(0, len(images), batch_size), desc=", ".join(rules), unit="batch", delay=3, leave=False)
    parts = [slice(start, start + batch_size) for start in starts]
    made = [pull(images[part], lambda shape, part=part: _classes(classes[part], shape)) for part in parts]
    return np.concatenate([gradients for gradients, _ in made], axis=1), np.concatenate([a for _, a in made])


def class_map(model, image: np.ndarray, class_index: int, layer) -> np.ndarray:
    """Return Grad-CAM's map at the resolution of `layer`, (h, w), not normalised: ReLU(sum_k alpha_k A_k).

    alpha_k = 1/(h w) sum_ij d y_c / d A_k,ij with y_c the class's score before softmax. ValueError for an unknown layer
    or class, and for a layer without rows and columns. Source: Selvaraju et al. (2017), equations 1 and 2.
    """
    activation = _backend(model).activations(model, _checked(image)[None], layer_index(model, layer))
    return class_maps(model, activation, [class_index], layer)[0]


def class_maps(model, activations: np.ndarray, classes, layer) -> np.ndarray:
    """Return what `class_map` does for many images, (N, h, w), from the activations (N, h, w, C) of `layer`."""
    activations, classes = _batch(activations, classes, layer)
    index, targets = layer_index(model, layer), lambda shape: _classes(classes, shape)
    alpha = _backend(model).score_gradients(model, activations, index, targets).mean(axis=(1, 2))
    return np.maximum(np.einsum("nhwc,nc->nhw", activations, alpha), 0)


def grad_cam(model, image: np.ndarray, class_index: int, layer) -> np.ndarray:
    """Return the Grad-CAM map at the size of the image, (H, W) float32: 0 to 1, its maximum 1, or 0 everywhere.

    `class_map` is enlarged bilinearly and divided by its maximum; where nothing speaks for the class it stays 0.
    Raises as `class_map` does. Source: Selvaraju et al. (2017).
    """
    full = enlarged(class_map(model, image, class_index, layer), np.shape(image)[:2])
    peak = full.max()
    return full / peak if peak > 0 else full


def enlarged(small: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return a map (h, w) enlarged bilinearly to shape (H, W), float32; pixels are areas, not points."""
    return cv2.resize(small.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)


def guided_grad_cam(model, image: np.ndarray, class_index: int, layer) -> np.ndarray:
    """Return guided backprop of the class score times the Grad-CAM map of `layer`, (H, W, C).

    Raises as `class_map` does. Source: Selvaraju et al. (2017), section 3.2.
    """
    heat = grad_cam(model, image, class_index, layer)
    return class_gradients(model, _checked(image)[None], [class_index], "guided")[0] * heat[..., None]


def _backend(model):
    """Return the module that runs this kind of model; TensorFlow is imported only for a Keras model."""
    if isinstance(model, Sequential):
        return explain_numpy
    from helpers.explain import keras_network as explain_keras

    return explain_keras


def _known(rule: str) -> str:
    if rule not in RULES:
        raise ValueError(f"The rule is one of {', '.join(RULES)}, not {rule!r}.")
    return rule


def _checked(image: np.ndarray) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim != 3:
        raise ValueError(f"One image has the shape (H, W, C), without a batch axis, not {image.shape}.")
    return _finite(image)


def _finite(array: np.ndarray) -> np.ndarray:
    if not np.isfinite(array).all():  # a ReLU may turn NaN into 0, and the map would look like any other
        raise ValueError("What is to be explained holds NaN or infinity: look for where they come from.")
    return array


def _batch(arrays: np.ndarray, classes, layer=None) -> tuple[np.ndarray, np.ndarray]:
    arrays, classes = np.asarray(arrays), np.asarray(classes)
    if arrays.ndim != 4 and layer is not None:
        raise ValueError(f"Grad-CAM needs a layer with rows and columns; {layer!r} puts out {arrays.shape[1:]}.")
    if arrays.ndim != 4 or len(arrays) == 0 or classes.shape != arrays.shape[:1]:
        raise ValueError(f"Give (N, H, W, C) and a class for each, not {arrays.shape} and {classes.shape}.")
    if classes.dtype.kind not in "iu":
        raise ValueError(f"A class is given by its whole number from 0, not as {classes.dtype}.")
    return _finite(arrays), classes


def _classes(classes, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    for c in classes:
        if len(shape) != 1 or not 0 <= c < shape[0]:
            raise ValueError(f"There is no class {c}: the network's scores have the shape {shape}.")
    return [(int(c),) for c in classes]


def _position(neuron, shape: tuple[int, ...], layer) -> tuple[int, ...]:
    place = tuple(int(n) for n in np.atleast_1d(neuron)[: len(shape)])
    if len(place) != len(shape) or not all(0 <= n < size for n, size in zip(place, shape, strict=True)):
        raise ValueError(f"The neuron {place} is outside the output of {layer!r}, which has the shape {shape}.")
    return place
