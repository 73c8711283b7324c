"""The sentences for arguments that do not fit: a file of mathematics makes one call, and the formula stays in view."""

import numpy as np


def whole_numbers(least: int = 1, **numbers) -> None:
    """Raise ValueError for the first of the named numbers that is not a whole number of at least `least`."""
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}.")


def size_of_window(n, k, stride, pad) -> None:
    """Raise ValueError unless a window of k pixels fits on n pixels."""
    whole_numbers(n=n, k=k, stride=stride)
    whole_numbers(0, pad=pad)
    if k > n + 2 * pad:
        raise ValueError(f"A window of {k} does not fit into {n} + 2*{pad} = {n + 2 * pad} pixels: pad more.")


def generator(rng) -> None:
    """Raise ValueError for what is no generator of random numbers."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a generator such as np.random.default_rng(0), not {rng!r}.")


def weights(shape: tuple[int, ...], dtype) -> None:
    """Raise ValueError for a shape or a type that no weights can have."""
    whole = all(isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size > 0 for size in shape)
    if len(shape) < 2 or not whole:
        raise ValueError(f"A weight's shape ends with (inputs, outputs), all whole numbers from 1; {shape} does not.")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"Weights are float32 or float64, not {np.dtype(dtype)}.")


def pair(size) -> tuple:
    """Return (KH, KW) of a kernel's size, given as one number or as two; ValueError for anything else."""
    if isinstance(size, (tuple, list)):
        if len(size) != 2:
            raise ValueError(f"kernel_size must be one whole number or two, (KH, KW), not {size!r}.")
        whole_numbers(kernel_size=size[0]), whole_numbers(kernel_size=size[1])
        return tuple(size)
    whole_numbers(kernel_size=size)
    return size, size


def image_and_kernel(image: np.ndarray, kernel: np.ndarray) -> None:
    """Raise ValueError unless an image (H, W) or (H, W, C) and a kernel are of one depth."""
    if image.ndim not in (2, 3) or kernel.ndim != image.ndim or kernel.shape[2:] != image.shape[2:]:
        raise ValueError(
            f"An image {image.shape} and a kernel {kernel.shape} do not fit: give (H, W) and (KH, KW), "
            "or (H, W, C) and (KH, KW, C) of one depth C."
        )
    for array in (image, kernel):
        if array.dtype.kind not in "biufc":
            raise ValueError(f"An image and a kernel hold numbers, not {array.dtype}.")


def convolution(x, w, b, stride, pad) -> None:
    """Raise ValueError unless x (N, H, W, C), w (KH, KW, C, F) and b (F,) are floating-point arrays that fit."""
    for name, array, axes in (("x", x, "(N, H, W, C)"), ("w", w, "(KH, KW, C, F)"), ("b", b, "(F,)")):
        if not isinstance(array, np.ndarray) or array.ndim != axes.count(",") + (name != "b"):
            raise ValueError(f"{name} must be an array {axes}, not {getattr(array, 'shape', type(array).__name__)}.")
        if array.dtype.kind != "f":
            raise ValueError(f"{name} must hold floating-point numbers, not {array.dtype}: scale and convert it first.")
    if len(x) == 0:
        raise ValueError("x is an empty batch: give at least one image.")
    if 0 in w.shape[2:]:
        raise ValueError(f"The kernels w {w.shape} need at least one channel and one filter.")
    if x.shape[3] != w.shape[2]:
        raise ValueError(f"x has {x.shape[3]} channels, but the kernels w {w.shape} are made for {w.shape[2]}.")
    if w.shape[3] != b.shape[0]:
        raise ValueError(f"w {w.shape} holds {w.shape[3]} kernels, but b has {b.shape[0]} biases.")
    size_of_window(x.shape[1], w.shape[0], stride, pad), size_of_window(x.shape[2], w.shape[1], stride, pad)


def report_network(image_size: int, classes: int) -> None:
    """Raise ValueError for images or classes that the report's network cannot have."""
    whole_numbers(image_size=image_size, classes=classes)
    if image_size < 8 or classes < 2:
        raise ValueError(f"The network needs images of at least 8 pixels and two classes, not {image_size}, {classes}.")


def pooling(x, size, stride) -> None:
    """Raise ValueError unless x is a batch of images (N, H, W, C) that the window fits on."""
    if not isinstance(x, np.ndarray) or x.ndim != 4:
        raise ValueError(f"x must be an array (N, H, W, C), not {getattr(x, 'shape', type(x).__name__)}.")
    if len(x) == 0:
        raise ValueError("x is an empty batch: give at least one image.")
    whole_numbers(size=size)
    size_of_window(x.shape[1], size, stride, 0), size_of_window(x.shape[2], size, stride, 0)


def images_of(shape: tuple[int, ...], channels: int | None, what: str) -> None:
    """Raise ValueError unless `shape` is that of an image (H, W, C), of so many channels where they are given."""
    if len(shape) != 3 or (channels is not None and shape[2] != channels):
        wanted = "images (H, W, C)" if channels is None else f"images of {channels} channels, (H, W, {channels})"
        raise ValueError(f"{what} takes {wanted}, not {shape}.")


def features(x, inputs: int) -> None:
    """Raise ValueError unless x is what a dense layer of so many inputs takes."""
    if x.ndim != 2 or x.shape[1] != inputs:
        raise ValueError(f"This Dense takes (N, {inputs}), not {x.shape}.")


def flat(shape: tuple[int, ...], inputs: int) -> None:
    """Raise ValueError unless `shape` is that of so many features."""
    if shape != (inputs,):
        raise ValueError(f"This Dense takes {inputs} features, not {shape}.")


def gradient(dout: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless dL/dout is of the output's shape."""
    if np.shape(dout) != tuple(shape):
        raise ValueError(f"dout has the shape {np.shape(dout)}, but the output had {tuple(shape)}.")


def logits(values, ndim: int | None = None) -> np.ndarray:
    """Return class scores as floating-point numbers; ValueError for another number of axes, or for no numbers."""
    values = np.asarray(values)
    if ndim is not None and values.ndim != ndim:
        raise ValueError(f"Logits must be an array (N, K), not {values.shape}.")
    if values.ndim == 0 or values.size == 0 or values.dtype.kind not in "biuf":
        raise ValueError(f"Logits must be numbers, (K,) or (N, K), not {values.dtype} of the shape {values.shape}.")
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def finite(values: np.ndarray, what: str) -> None:
    """Raise ValueError for numbers that are NaN or infinite."""
    if not np.isfinite(values).all():
        raise ValueError(f"{what} hold numbers that are NaN or infinite: look at where they come from.")


def labels(values, count: int, classes: int) -> np.ndarray:
    """Return the labels as an array; ValueError unless they are `count` whole numbers from 0 to classes - 1."""
    values = np.asarray(values)
    if count == 0 or values.shape != (count,):
        raise ValueError(f"{count} images need a list of as many labels, at least one; got the shape {values.shape}.")
    if values.dtype.kind not in "iu":
        raise ValueError(f"Labels must be whole numbers, not {values.dtype}.")
    if values.min() < 0 or values.max() >= classes:
        wrong = values[(values < 0) | (values >= classes)][0]
        raise ValueError(f"A label is {wrong}, but with {classes} classes labels go from 0 to {classes - 1}.")
    return values


def rates(learning_rate, momentum) -> None:
    """Raise ValueError unless the learning rate is positive and the momentum from 0 to below 1."""
    if isinstance(learning_rate, bool) or not isinstance(learning_rate, (int, float, np.number)):
        raise ValueError(f"The learning rate must be a positive number, not {learning_rate!r}.")
    if not (np.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"The learning rate must be a positive number, not {learning_rate!r}.")
    if not (isinstance(momentum, (int, float, np.number)) and 0 <= momentum < 1):
        raise ValueError(f"The momentum must be from 0 to below 1, not {momentum!r}.")


def state(arrays, own: dict[str, np.ndarray]) -> None:
    """Raise ValueError unless `arrays` holds finite numbers of every shape that a network's own parameters have."""
    for key, param in own.items():
        if key not in arrays:
            raise ValueError(f"The weights hold no {key}: they are another network's.")
        if arrays[key].shape != param.shape:
            raise ValueError(f"The weights' {key} has the shape {arrays[key].shape}; the layer's is {param.shape}.")
        if arrays[key].dtype.kind != "f" or not np.isfinite(arrays[key]).all():
            raise ValueError(f"The weights' {key} holds what is not a finite number.")


def two_labels(actual, predicted, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return actual and predicted labels as arrays; ValueError unless both are (N,) whole numbers below `classes`."""
    actual, predicted = np.asarray(actual), np.asarray(predicted)
    if actual.ndim != 1 or actual.shape != predicted.shape:
        raise ValueError(f"Give as many predicted labels as actual ones, not {predicted.shape} for {actual.shape}.")
    for name, values in (("actual", actual), ("predicted", predicted)):
        if values.size and (values.dtype.kind not in "iu" or values.min() < 0 or values.max() >= classes):
            raise ValueError(f"The {name} labels must be whole numbers from 0 to {classes - 1}.")
    return actual.astype(int), predicted.astype(int)


def counts(matrix) -> np.ndarray:
    """Return a confusion matrix as an array; ValueError unless it is square and counts something: 0, 1, 2, ..."""
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"A confusion matrix is square, (K, K), not {matrix.shape}.")
    if matrix.dtype.kind not in "biuf" or not ((matrix >= 0) & (matrix == np.floor(matrix))).all():
        raise ValueError("A confusion matrix holds counts: whole numbers from 0.")
    return matrix


def trials(successes, trials) -> None:
    """Raise ValueError unless so many successes in so many trials are possible."""
    if not 0 <= successes <= trials or trials < 1 or not all(float(n).is_integer() for n in (successes, trials)):
        raise ValueError(f"{successes} successes in {trials} trials is not possible.")


def confidence(confidence: float) -> None:
    """Raise ValueError for what is no probability strictly between 0 and 1."""
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence must lie between 0 and 1, such as 0.95, not {confidence}.")


def sample(values) -> np.ndarray:
    """Return numbers (N,) in double precision; ValueError for fewer than two or one that is not finite."""
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError("An interval for a mean needs two or more numbers, all of them finite.")
    return values


def same_length(actual, first, second) -> list[np.ndarray]:
    """Return three label arrays; ValueError when they differ in length."""
    arrays = [np.asarray(values) for values in (actual, first, second)]
    if arrays[0].ndim != 1 or len({array.shape for array in arrays}) > 1:
        shapes = [array.shape for array in arrays]
        raise ValueError(f"Labels must be of one length, not {shapes[0]}, {shapes[1]} and {shapes[2]}.")
    return arrays
