"""What a network looks at: the neurons that fire most, the pixels behind them, and the regions behind a class score.

All of it works on Keras models whose layers are a chain and on `helpers.network.Sequential`. `image` is one input as
the network takes it, without the batch axis: for VGG19 that is `vgg19.preprocess(images)[i]`, for the NumPy network
also uint8, which it scales itself. Neither the model nor the image is changed. `layer` is a name, a position in
model.layers, or the layer itself.
"""

import cv2
import numpy as np

from helpers import explain_numpy
from helpers.network import Sequential
from helpers.receptive import Box, clip_box, field_size, geometry, layer_index, receptive_field

__all__ = [
    "RULES",
    "Box",
    "class_map",
    "clip_box",
    "enlarged",
    "field_size",
    "geometry",
    "grad_cam",
    "gradient_function",
    "guided_backprop",
    "guided_grad_cam",
    "layer_index",
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
    flat = activations.reshape(-1, channels)
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
    return gradient_function(model, layer, rule)(image, neuron)


def gradient_function(model, layer, rule: str = "guided"):
    """Return f(image, neuron), which gives what `guided_backprop` does: the copy is made once for many neurons."""
    if rule not in RULES:
        raise ValueError(f"The rule is one of {', '.join(RULES)}, not {rule!r}.")
    backend, last = _backend(model), layer_index(model, layer)
    forward_and_pull = backend.changed_copy(model, last, rule)

    def gradient(image: np.ndarray, neuron) -> np.ndarray:
        return forward_and_pull(_checked(image), lambda shape: _position(neuron, shape, layer))

    return gradient


def class_map(model, image: np.ndarray, class_index: int, layer) -> np.ndarray:
    """Return Grad-CAM's map at the resolution of `layer`, (h, w), not normalised: ReLU(sum_k alpha_k A_k).

    alpha_k = 1/(h w) sum_ij d y_c / d A_k,ij with y_c the class's score before softmax. ValueError for an unknown layer
    or class, and for a layer without rows and columns. Source: Selvaraju et al. (2017), equations 1 and 2.
    """
    backend, index = _backend(model), layer_index(model, layer)
    a, da = backend.activation_and_gradient(model, _checked(image), index, lambda shape: _class(class_index, shape))
    if a.ndim != 3:
        raise ValueError(f"Grad-CAM needs a layer with rows and columns; {layer!r} puts out the shape {a.shape}.")
    return np.maximum(a @ da.mean(axis=(0, 1)), 0)


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
    gradient = _backend(model).changed_copy(model, None, "guided")
    return gradient(_checked(image), lambda shape: _class(class_index, shape)) * heat[..., None]


def _backend(model):
    """Return the module that runs this kind of model; TensorFlow is imported only for a Keras model."""
    if isinstance(model, Sequential):
        return explain_numpy
    from helpers import explain_keras

    return explain_keras


def _checked(image: np.ndarray) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim != 3:
        raise ValueError(f"One image has the shape (H, W, C), without a batch axis, not {image.shape}.")
    return image


def _class(class_index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) != 1 or not 0 <= class_index < shape[0]:
        raise ValueError(f"There is no class {class_index}: the network's scores have the shape {shape}.")
    return (int(class_index),)


def _position(neuron, shape: tuple[int, ...], layer) -> tuple[int, ...]:
    place = tuple(int(n) for n in np.atleast_1d(neuron)[: len(shape)])
    if len(place) != len(shape) or not all(0 <= n < size for n, size in zip(place, shape, strict=True)):
        raise ValueError(f"The neuron {place} is outside the output of {layer!r}, which has the shape {shape}.")
    return place
