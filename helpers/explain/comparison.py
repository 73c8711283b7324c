"""The heat maps that chapter 6 compares, made alike: four methods on VGG19, and three baselines that ask no network."""

import cv2
import numpy as np

from helpers import vgg19
from helpers.explain.backprop import evidence_function
from helpers.explain.cam import class_maps, enlarged
from helpers.explain.deletion import Curves, insertion_deletion
from helpers.explain.networks import batches
from helpers.explain.pointing import mosaics, pointing_game
from helpers.store.cache import kept, key_of
from helpers.vgg19.backbone import MEAN_BGR

METHODS = ("plain gradient", "guided backprop", "Grad-CAM", "Guided Grad-CAM")
BASELINES = ("random", "centre", "edge")


def method_maps(model, images: np.ndarray, classes, layer: str, cache=None) -> np.ndarray:
    """Return the maps of METHODS, (4, N, H, W) float32, not negative, for RGB images (N, H, W, 3) of 0 to 255.

    Of a gradient the largest absolute value among the colours is taken (Simonyan et al. 2014); Guided Grad-CAM is
    guided backprop times Grad-CAM. The maps speak for classes[n], before softmax. The file `cache` keeps them.
    """

    def compute() -> dict[str, np.ndarray]:
        evidence, maps = evidence_function(model, ("gradient", "guided"), layer), []
        for part in batches(len(images), 8, "maps"):
            gradients, activations = evidence(vgg19.preprocess(images[part]), classes[part])
            plain, guided = np.abs(gradients).max(axis=4)
            cams = cam_maps(model, activations, classes[part], layer, images.shape[1:3])
            maps.append([plain, guided, cams, guided * cams])
        return {"maps": np.concatenate(maps, axis=1)}

    of = images, np.asarray(classes), layer
    key = key_of(method_maps, vgg19.digest(model), *of) if cache else ""
    return kept(cache, key, compute)["maps"]


def cam_maps(model, activations: np.ndarray, classes, layer: str, shape: tuple[int, int]) -> np.ndarray:
    """Return Grad-CAM at the size (H, W) of the images, (N, H, W) float32, from the activations of `layer`."""
    parts = batches(len(activations), 20, "Grad-CAM")  # the gradients are as large as the activations
    small = (heat for part in parts for heat in class_maps(model, activations[part], classes[part], layer))
    return np.stack([enlarged(heat, shape) for heat in small])


def baseline_maps(images: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the maps of BASELINES for RGB images (N, H, W, 3) uint8, each (N, H, W) float32.

    They are uniform numbers, a Gaussian whose sigma is a quarter of the sides, and the gray values' Sobel gradient.
    """
    shape, along = images.shape[:3], ((1, 0), (0, 1))
    gray = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64) for image in images)
    edges = [np.hypot(*(cv2.Sobel(image, cv2.CV_64F, *by) for by in along)) for image in gray]
    rows, cols = ((np.arange(n) - (n - 1) / 2) / (0.25 * n) for n in shape[1:])
    centre = np.exp(-(rows[:, None] ** 2 + cols**2) / 2)
    maps = rng.random(shape), np.broadcast_to(centre, shape), edges
    return {name: np.float32(part) for name, part in zip(BASELINES, maps, strict=True)}


def distractor_game(
    model, images: np.ndarray, labels: np.ndarray, masks: np.ndarray | None, layer: str, *, rng, cache=None
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Return whether Grad-CAM and the baselines point into the picture asked for in `mosaics`, and on its object.

    By name: bool (G, K K) each, for G independent groups of K mosaics and K classes; None for the object without masks.
    `model` takes images as wide as a mosaic.
    """
    wide, where = mosaics(images, labels)
    width, objects = images.shape[2], np.ones(wide.shape[:3], bool) if masks is None else mosaics(masks, labels)[0]
    activations = vgg19.features(model, wide, layer, batch_size=5, cache=cache)
    baselines, classes = baseline_maps(wide, rng), np.unique(labels)
    found = {name: np.zeros((2, *where.shape), bool) for name in ("Grad-CAM", *BASELINES)}
    for number, c in enumerate(classes):
        here = np.broadcast_to((labels[where] == c).repeat(width, axis=1)[:, None], wide.shape[:3])
        cams = cam_maps(model, activations, np.full(len(wide), c), layer, wide.shape[1:3])
        for name, maps in {"Grad-CAM": cams, **baselines}.items():
            found[name][..., number] = pointing_game(maps, here), pointing_game(maps, here & objects)
    by_group = {name: hits.reshape(2, -1, len(classes) ** 2) for name, hits in found.items()}
    return {name: (hits[0], None if masks is None else hits[1]) for name, hits in by_group.items()}


def fading_curves(model, images: np.ndarray, maps: np.ndarray, classes, *, steps: int, cache=None) -> Curves:
    """Return insertion and deletion of RGB images (N, H, W, 3) by maps (M, N, H, W), as curves (N, M, steps + 1).

    What is taken out becomes the mean colour of ImageNet, which is 0 to VGG19.
    """

    def compute() -> dict[str, np.ndarray]:
        probabilities = vgg19.compiled(vgg19.tail(model, model.layers[0].name, identities=False))
        ask = {"steps": steps, "fill": MEAN_BGR[::-1], "batch_size": 8}
        pairs = zip(images.astype(np.float32), maps.swapaxes(0, 1), classes, strict=True)
        parts = [insertion_deletion(probabilities, image, of_image, c, **ask) for image, of_image, c in pairs]
        return dict(zip(Curves._fields, map(np.array, zip(*parts, strict=True)), strict=True))

    key = key_of(fading_curves, vgg19.digest(model), images, maps, list(classes), steps)
    found = kept(cache, key, compute)
    return Curves(found["share"][0], found["insertion"], found["deletion"])
