"""The sentences for arguments that do not fit: a file of mathematics makes one call, and the formula stays in view.

Each function is named for what it looks at, and raises ValueError with a sentence that says what would fit.
"""

from numbers import Integral, Real

import numpy as np
from numpy.random import Generator


def require(fits: bool, sentence: str) -> None:
    if not fits:
        raise ValueError(sentence)


def is_whole(value, least: int) -> bool:
    """Return whether a value is a whole number of at least `least`; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= least


def whole_numbers(least: int = 1, **numbers) -> None:
    for name, value in numbers.items():
        require(is_whole(value, least), f"{name} must be a whole number of at least {least}, not {value!r}.")


def size_of_window(n, k, stride, pad) -> tuple[int, ...]:
    whole_numbers(n=n, k=k, stride=stride), whole_numbers(0, pad=pad)
    n, k, stride, pad = map(int, (n, k, stride, pad))  # NumPy's small ones wrap round
    require(k <= n + 2 * pad, f"A window of {k} does not fit into {n} + 2*{pad} = {n + 2 * pad} pixels: pad more.")
    return n, k, stride, pad


def generator(rng) -> None:
    require(isinstance(rng, Generator), f"rng must be a generator such as np.random.default_rng(0), not {rng!r}.")


def weights(shape: tuple[int, ...], dtype) -> None:
    fits = len(shape) >= 2 and all(is_whole(size, 1) for size in shape)
    require(fits, f"A weight's shape ends with (inputs, outputs), all whole numbers from 1; {shape} does not.")
    require(np.dtype(dtype) in (np.float32, np.float64), f"Weights are float32 or float64, not {np.dtype(dtype)}.")


def pair(size) -> tuple:
    """Return (KH, KW) of a kernel's size, given as one number or as two."""
    sizes = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    require(len(sizes) == 2, f"kernel_size must be one whole number or two, (KH, KW), not {size!r}.")
    whole_numbers(kernel_size=sizes[0]), whole_numbers(kernel_size=sizes[1])
    return sizes


def image_and_kernel(image: np.ndarray, kernel: np.ndarray) -> None:
    fits = image.ndim in (2, 3) and kernel.ndim == image.ndim and kernel.shape[2:] == image.shape[2:]
    shapes = f"An image {image.shape} and a kernel {kernel.shape}"
    require(fits, f"{shapes} do not fit: give (H, W) and (KH, KW), or (H, W, C) and (KH, KW, C) of one depth C.")
    for dtype in (image.dtype, kernel.dtype):
        require(dtype.kind in "biufc", f"An image and a kernel hold numbers, not {dtype}.")


def array(name: str, value, axes: str, ndim: int) -> None:
    fits = isinstance(value, np.ndarray) and value.ndim == ndim
    require(fits, f"{name} must be an array {axes}, not {getattr(value, 'shape', type(value).__name__)}.")


def images(x) -> None:
    array("x", x, "(N, H, W, C)", 4)
    require(len(x) > 0, "x is an empty batch: give at least one image.")


def convolution(x, w, b, stride, pad) -> None:
    images(x)
    array("w", w, "(KH, KW, C, F)", 4), array("b", b, "(F,)", 1)
    for name, dtype in (("x", x.dtype), ("w", w.dtype), ("b", b.dtype)):
        require(dtype.kind == "f", f"{name} must hold floating-point numbers, not {dtype}: scale and convert it.")
    (_, height, width, depth), (kh, kw, channels, filters) = x.shape, w.shape
    require(channels * filters > 0, f"The kernels w {w.shape} need at least one channel and one filter.")
    require(depth == channels, f"x has {depth} channels, but the kernels w {w.shape} are made for {channels}.")
    require(filters == len(b), f"w {w.shape} holds {filters} kernels, but b has {len(b)} biases.")
    size_of_window(height, kh, stride, pad), size_of_window(width, kw, stride, pad)


def pooling(x, size, stride) -> None:
    images(x), whole_numbers(size=size)
    size_of_window(x.shape[1], size, stride, 0), size_of_window(x.shape[2], size, stride, 0)


def report_network(image_size: int, classes: int) -> None:
    whole_numbers(image_size=image_size, classes=classes)
    fits = image_size >= 8 and classes >= 2
    require(fits, f"The network needs images of at least 8 pixels and two classes, not {image_size}, {classes}.")


def images_of(shape: tuple[int, ...], channels: int | str, what: str) -> None:
    require(len(shape) == 3 and channels in ("C", shape[2]), f"{what} takes images (H, W, {channels}), not {shape}.")


def features(shape: tuple[int, ...], inputs: int) -> None:
    require(len(shape) == 2 and shape[1] == inputs, f"This Dense takes (N, {inputs}), not {shape}.")


def gradient(dout: np.ndarray, shape: tuple[int, ...]) -> None:
    require(np.shape(dout) == shape, f"dout has the shape {np.shape(dout)}, but the output had {shape}.")


def logits(values, ndim: int | None = None) -> np.ndarray:
    """Return class scores as floating-point numbers."""
    z = np.asarray(values)
    fits = z.ndim > 0 and ndim in (None, z.ndim) and z.size > 0 and z.dtype.kind in "biuf"
    axes = "(N, K)" if ndim else "(K,) or (N, K)"
    require(fits, f"Logits must be an array {axes} of numbers, not {z.shape} of {z.dtype}.")
    return z if z.dtype.kind == "f" else z.astype(np.float64)


def finite(x: np.ndarray, what: str) -> None:
    require(np.isfinite(x).all(), f"{what} hold numbers that are NaN or infinite: look at where they come from.")


def labels(values, count: int, classes: int, least: int = 1) -> np.ndarray:
    """Return labels from 0 to classes - 1, of so many images and of at least `least`, as an array."""
    whole_numbers(classes=classes), require(count >= least, "There are no images: give one at least.")
    values = np.asarray(values) if count else np.empty(np.shape(values), np.int64)
    require(values.shape == (count,), f"{count} images need a list of as many labels, not the shape {values.shape}.")
    require(values.dtype.kind in "iu", f"Labels must be whole numbers, not {values.dtype}.")
    for wrong in values[(values < 0) | (values >= classes)]:
        raise ValueError(f"A label is {wrong}, but with {classes} classes labels go from 0 to {classes - 1}.")
    return values


def same_length(*labels) -> list[np.ndarray]:
    """Return lists of labels as arrays."""
    shapes = [np.shape(values) for values in labels]
    require(len(shapes[0]) == 1 and len(set(shapes)) == 1, f"Labels must be of one length, not {shapes}.")
    return [np.asarray(values) for values in labels]


def rates(learning_rate, momentum) -> None:
    fits = isinstance(learning_rate, Real) and learning_rate is not True and 0 < learning_rate < np.inf
    require(fits, f"The learning rate must be a positive number, not {learning_rate!r}.")
    fits = isinstance(momentum, Real) and 0 <= momentum < 1
    require(fits, f"The momentum must be from 0 to below 1, not {momentum!r}.")


def state(arrays, own: dict[str, np.ndarray]) -> None:
    for key, param in own.items():
        require(key in arrays, f"The weights hold no {key}: they are another network's.")
        values, shape = arrays[key], param.shape
        require(values.shape == shape, f"The weights' {key} has the shape {values.shape}; the layer's is {shape}.")
        fits = values.dtype.kind == "f" and np.isfinite(values).all()
        require(fits, f"The weights' {key} holds what is not a finite number.")


def counts(matrix) -> np.ndarray:
    """Return a confusion matrix as an array."""
    m = np.asarray(matrix)
    fits = m.ndim == 2 and len(m) == m.shape[1] and m.dtype.kind in "biuf" and ((m >= 0) & (m == np.floor(m))).all()
    require(fits, f"A confusion matrix is square, (K, K), and holds counts, whole numbers from 0, not {m.tolist()}.")
    return m


def trials(k, n) -> None:
    require(0 <= k <= n >= 1 and k % 1 == n % 1 == 0, f"{k} successes in {n} trials is not possible.")


def confidence(confidence: float) -> None:
    require(0 < confidence < 1, f"The confidence must lie between 0 and 1, such as 0.95, not {confidence}.")


def sample(values) -> np.ndarray:
    """Return numbers (N,) in double precision."""
    x = np.asarray(values, np.float64)
    require(x.ndim == 1 < len(x) and np.isfinite(x).all(), "An interval needs two or more numbers, all of them finite.")
    return x
