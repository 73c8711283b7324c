"""The heat maps that chapter 6 compares, made alike: four methods on VGG19, and three baselines that ask no network."""

from pathlib import Path

import numpy as np

from helpers.explain import maps as explain
from helpers.explain.map_scores import centre_map, edge_map, pointing_game, random_map
from helpers.explain.perturbation import Curves, insertion_deletion, mosaics
from helpers.store.cache import kept, key_of
from helpers.vgg19 import backbone as vgg19

METHODS = ("plain gradient", "guided backprop", "Grad-CAM", "Guided Grad-CAM")
BASELINES = ("random", "centre", "edge")


def method_maps(model, images: np.ndarray, classes, layer: str) -> np.ndarray:
    """Return the maps of METHODS, (4, N, H, W) float32, not negative, for RGB images (N, H, W, 3) of 0 to 255.

    Of a gradient the largest absolute value among the colours is taken (Simonyan et al. 2014); Guided Grad-CAM is
    guided backprop times Grad-CAM. The maps speak for classes[n], before softmax.
    """
    inputs = vgg19.preprocess(images)
    gradients, activations = explain.class_evidence(model, inputs, classes, ("gradient", "guided"), layer)
    plain, guided = np.abs(gradients).max(axis=4)
    cams = cam_maps(model, activations, classes, layer, images.shape[1:3])
    return np.stack([plain, guided, cams, guided * cams])


def cam_maps(model, activations: np.ndarray, classes, layer: str, shape: tuple[int, int]) -> np.ndarray:
    """Return Grad-CAM at the size (H, W) of the images, (N, H, W) float32, from the activations of `layer`."""
    small = explain.class_maps(model, activations, classes, layer)
    return np.stack([explain.enlarged(heat, shape) for heat in small])


def baseline_maps(images: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the maps of BASELINES for RGB images (N, H, W, 3) uint8, each (N, H, W) float32."""
    shape = images.shape[1:3]
    made = {
        "random": [random_map(shape, rng) for _ in images],
        "centre": [centre_map(shape)] * len(images),
        "edge": [edge_map(image) for image in images],
    }
    return {name: np.array(maps, np.float32) for name, maps in made.items()}


def all_maps(
    model, images: np.ndarray, classes: np.ndarray, layer: str, *, rng: np.random.Generator, cache: str | Path | None
) -> dict[str, np.ndarray]:
    """Return the maps of METHODS and BASELINES by name, each (N, H, W) float32; `cache` names a file that keeps them.

    What is kept is used again only for the same weights, images, classes and code.
    """
    names = [step.name for step in model.layers]
    key = key_of(all_maps, vgg19.digest(model, names), images, np.asarray(classes), layer)
    maps = kept(cache, key, lambda: {"maps": method_maps(model, images, classes, layer)})["maps"]
    return dict(zip(METHODS, maps, strict=True)) | baseline_maps(images, rng)


def distractor_game(
    model, images: np.ndarray, labels: np.ndarray, masks: np.ndarray | None, layer: str, *, rng, cache=None
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Return where Grad-CAM and the baselines point in `mosaics` of one image of each class, asked for every class.

    By name: whether the maximum lies in the picture that is asked for, bool (I, K) for the I images that are in mosaics
    and their K places, and whether it lies on its object, or None without masks. `model` takes images as wide as a
    mosaic.
    """
    wide, where = mosaics(images, labels)
    height, width = images.shape[1:3]
    activations = vgg19.features(model, wide, layer, batch_size=5, cache=cache)
    baselines, used = baseline_maps(wide, rng), np.unique(where)
    found = {name: np.zeros((2, len(used), where.shape[1]), bool) for name in ("Grad-CAM", *BASELINES)}
    for c in np.unique(labels):
        here, on = np.zeros((2, *wide.shape[:3]), bool)
        places = (labels[where] == c).argmax(axis=1)
        asked = where[np.arange(len(where)), places]
        for k, (image, place) in enumerate(zip(asked, places, strict=True)):
            part = slice(place * width, (place + 1) * width)
            here[k, :, part] = True
            on[k, :, part] = True if masks is None else masks[image]
        cams = cam_maps(model, activations, np.full(len(wide), c), layer, (height, wide.shape[2]))
        for name, maps in {"Grad-CAM": cams, **baselines}.items():
            found[name][:, np.searchsorted(used, asked), places] = pointing_game(maps, here), pointing_game(maps, on)
    return {name: (hits[0], None if masks is None else hits[1]) for name, hits in found.items()}


def fading_curves(model, images: np.ndarray, maps: np.ndarray, classes, *, steps: int, cache=None) -> Curves:
    """Return insertion and deletion of RGB images (N, H, W, 3) by maps (M, N, H, W), as curves (N, M, steps + 1).

    What is taken out becomes the mean colour of ImageNet, which is 0 to VGG19.
    """

    def compute() -> dict[str, np.ndarray]:
        probabilities = vgg19.compiled(model)
        ask = {"steps": steps, "fill": vgg19.MEAN_BGR[::-1], "batch_size": 8}
        pairs = zip(images.astype(np.float32), maps.swapaxes(0, 1), classes, strict=True)
        parts = [insertion_deletion(probabilities, image, of_image, int(c), **ask) for image, of_image, c in pairs]
        curves = {kind: np.array([getattr(part, kind) for part in parts]) for kind in ("insertion", "deletion")}
        return {"share": parts[0].share, **curves}

    names = [step.name for step in model.layers]
    key = key_of(fading_curves, vgg19.digest(model, names), images, maps, list(classes), steps)
    return Curves(**kept(cache, key, compute))
