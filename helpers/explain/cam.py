"""Grad-CAM: the regions of an image that speak for a class. Source: Selvaraju et al. (2017)."""

import cv2
import numpy as np

from helpers.explain.backprop import class_gradients, gradient_rule
from helpers.explain.networks import kind_of, layer_index
from helpers.explain.questions import checked_batch, checked_image


def class_map(model, image: np.ndarray, class_index: int, layer) -> np.ndarray:
    """Return Grad-CAM's map at the resolution of `layer`, (h, w), not normalised: ReLU(sum_k alpha_k A_k).

    ValueError for an unknown layer or class, and for a layer without rows and columns, or behind the class scores.
    """
    images, index = checked_image(image)[None], layer_index(model, layer)
    a = kind_of(model).activations(model, images, index)
    return class_maps(model, a, [class_index], layer)[0]


def class_maps(model, a: np.ndarray, classes, layer) -> np.ndarray:  # exercise 6.1
    """Return what `class_map` does for many images, (N, h, w), from the activations a (N, h, w, C) of `layer`.

    alpha_k = 1/(h w) sum_ij d y_c / d A_k,ij with y_c the class's score before softmax: equations 1 and 2.
    """
    dy_da = score_gradients(model, a, classes, layer)
    alpha = dy_da.mean(axis=(1, 2))
    return np.maximum(np.einsum("nhwc,nc->nhw", a, alpha), 0)


def score_gradients(model, a: np.ndarray, classes, layer) -> np.ndarray:
    """Return d y_c / d a, (N, h, w, C), for the class classes[n] of each image; raises as `class_map` does."""
    a, classes = checked_batch(a, classes, layer)
    start = layer_index(model, layer) + 1
    send_back = kind_of(model).gradients(model, None, [gradient_rule], start=start)
    return send_back(a, classes)[0][0]


def grad_cam(model, image: np.ndarray, class_index: int, layer) -> np.ndarray:
    """Return `class_map` enlarged to the image, (H, W) float32, and divided by its maximum where that is not 0."""
    heat = enlarged(class_map(model, image, class_index, layer), np.shape(image)[:2])
    return heat / heat.max() if heat.max() > 0 else heat


def enlarged(small: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return a map (h, w) enlarged bilinearly to shape (H, W), float32; pixels are areas, not points."""
    return cv2.resize(small.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)


def guided_grad_cam(model, image: np.ndarray, class_index: int, layer) -> np.ndarray:
    """Return guided backprop of the class score times `grad_cam`, (H, W, C): section 3.2; raises as they do."""
    heat = grad_cam(model, image, class_index, layer)
    guided = class_gradients(model, np.asarray(image)[None], [class_index], "guided")[0]
    return heat[..., None] * guided
