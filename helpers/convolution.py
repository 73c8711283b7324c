"""One convolution: its size, the loops that define it, and the vectorised form that a network is trained with.

Images are (N, H, W, C) and kernels (KH, KW, C, F), as in Keras. `convolve2d_loops` is true convolution, which turns the
kernel by 180 degrees; `conv2d_forward` is cross-correlation, which does not: what networks call convolution.
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers.engine.threads import in_threads

# Columns of one block: 2 MB in float32, so that they are still in the cache when the matrix product reads them.
BLOCK = 1 << 19


def output_size(n: int, k: int, stride: int = 1, pad: int = 0) -> int:
    """Return how many positions a window of `k` pixels takes on `n` pixels: floor((n + 2 pad - k) / stride) + 1.

    Raises ValueError when the window does not fit, or when a size is not a whole number that makes sense.
    Source: Dumoulin and Visin (2016), relationship 6.
    """
    for name, value, least in (("n", n, 1), ("k", k, 1), ("stride", stride, 1), ("pad", pad, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}.")
    if k > n + 2 * pad:
        raise ValueError(f"A window of {k} does not fit into {n} + 2*{pad} = {n + 2 * pad} pixels: pad more.")
    return (n + 2 * pad - k) // stride + 1


def kaiming_normal(shape: tuple[int, ...], *, rng: np.random.Generator, dtype=np.float32) -> np.ndarray:
    """Draw weights from N(0, 2/fan_in), so that ReLU layers keep the variance of their activations.

    `shape` ends with (inputs, outputs): the fan-in is the product of all sizes but the last, KH*KW*C for a kernel
    (KH, KW, C, F) and D for a dense (D, M). Source: He et al. (2015), equation 10; std = sqrt(2/n), not 2/n.
    """
    check_rng(rng)
    check_weights(shape)
    fan_in = int(np.prod(shape[:-1]))
    weights = rng.standard_normal(shape, dtype=dtype)
    weights *= np.sqrt(2 / fan_in)
    return weights


def check_rng(rng) -> None:
    """Raise ValueError for what is no generator of random numbers."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a generator such as np.random.default_rng(0), not {rng!r}.")


def check_weights(shape: tuple[int, ...]) -> None:
    """Raise ValueError for a shape that no weights can have."""
    if len(shape) < 2 or min(shape) < 1:
        raise ValueError(f"A weight's shape ends with (inputs, outputs), all of at least 1; {shape} does not.")


def convolve2d_loops(image: np.ndarray, kernel: np.ndarray, stride: int = 1, pad: int = 0) -> np.ndarray:
    """Convolve an image (H, W) or (H, W, C) with a kernel (KH, KW) or (KH, KW, C) into one map (H', W'), by two loops.

    s[i, j] = sum_{a, b, c} image[i*stride + a, j*stride + b, c] * kernel[KH-1-a, KW-1-b, c], zeros around the image.
    The kernel is turned by 180 degrees in the plane, as the definition of convolution asks; depth is only summed.
    Slow on purpose: it is the definition that the fast version is held against. Raises ValueError when they don't fit.
    """
    image, kernel = np.asarray(image), np.asarray(kernel)
    if image.ndim not in (2, 3) or kernel.ndim != image.ndim or kernel.shape[2:] != image.shape[2:]:
        raise ValueError(
            f"An image {image.shape} and a kernel {kernel.shape} do not fit: give (H, W) and (KH, KW), "
            "or (H, W, C) and (KH, KW, C) of one depth C."
        )
    height = output_size(image.shape[0], kernel.shape[0], stride, pad)
    width = output_size(image.shape[1], kernel.shape[1], stride, pad)
    padded = np.pad(image, [(pad, pad), (pad, pad), (0, 0)][: image.ndim])
    flipped = kernel[::-1, ::-1]
    product = np.result_type(image, kernel)
    out = np.empty((height, width), product if product.kind == "f" else np.int64)
    for i in range(height):
        for j in range(width):
            window = padded[i * stride : i * stride + kernel.shape[0], j * stride : j * stride + kernel.shape[1]]
            out[i, j] = (window.astype(out.dtype) * flipped).sum()
    return out


def conv2d_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, pad: int = 0) -> tuple:
    """Cross-correlate images with F kernels: out[n,i,j,f] = b[f] + sum_{u,v,c} x[n,i*s+u,j*s+v,c] w[u,v,c,f].

    x: (N, H, W, C), w: (KH, KW, C, F), b: (F,); returns out (N, H', W', F) and the cache that `conv2d_backward` takes.
    Raises ValueError when the shapes do not fit. Source: Goodfellow et al. (2016), equation 9.6.
    """
    check_arrays(x, w, b)
    output_size(x.shape[1], w.shape[0], stride, pad), output_size(x.shape[2], w.shape[1], stride, pad)
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0))) if pad else x
    return _correlate(padded, w, stride, b), (padded, w, stride, pad)


def conv2d_backward(dout: np.ndarray, cache: tuple, *, need_dx: bool = True) -> tuple:
    """Return (dx, dw, db) from dout = dL/dout (N, H', W', F); dx is None where `need_dx` is false.

    dw[u,v,c,f] = sum_{n,i,j} x[n,i*s+u,j*s+v,c] dout[n,i,j,f] and db[f] = sum dout[..., f]; dx is the correlation of
    dout, spread to the stride and padded by KH-1 and KW-1, with the kernel turned and its channels exchanged.
    Raises ValueError when dout is not of the output's shape. Source: Dumoulin and Visin (2016), chapter 4.
    """
    x, w, stride, pad = cache
    windows = sliding_windows(x, w.shape[:2], stride)
    expected = (*windows.shape[:3], w.shape[3])
    if dout.shape != expected:
        raise ValueError(f"dout has the shape {dout.shape}, but the output had {expected}.")
    dw, db = _weight_gradient(windows, dout)
    return (_input_gradient(x, w, dout, stride, pad) if need_dx else None), dw.reshape(w.shape), db


def check_arrays(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> None:
    """Raise ValueError unless x (N, H, W, C), w (KH, KW, C, F) and b (F,) are floating-point arrays that fit."""
    for name, array, ndim, axes in (("x", x, 4, "(N, H, W, C)"), ("w", w, 4, "(KH, KW, C, F)"), ("b", b, 1, "(F,)")):
        if not isinstance(array, np.ndarray) or array.ndim != ndim:
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


def sliding_windows(x: np.ndarray, size: tuple[int, int], stride: int = 1) -> np.ndarray:
    """View every window of x (N, H, W, C) as (N, H', W', KH, KW, C), without a copy."""
    windows = sliding_window_view(x, size, axis=(1, 2))[:, ::stride, ::stride]  # (N, H', W', C, KH, KW)
    return windows.transpose(0, 1, 2, 4, 5, 3)


def _blocks(windows: np.ndarray) -> list[tuple[int, slice]]:
    """Cut the windows into pieces (image, rows), each small enough for the cache."""
    images, height = windows.shape[:2]
    rows = max(1, BLOCK // int(np.prod(windows.shape[2:])))
    return [(n, slice(i, min(i + rows, height))) for n in range(images) for i in range(0, height, rows)]


def _columns(block: np.ndarray) -> np.ndarray:
    """Lay the windows (rows, W', KH, KW, C) out as the rows of a matrix: then a convolution is a matrix product."""
    return np.ascontiguousarray(block).reshape(block.shape[0] * block.shape[1], -1)


def _correlate(x: np.ndarray, w: np.ndarray, stride: int, b: np.ndarray | float = 0) -> np.ndarray:
    windows = sliding_windows(x, w.shape[:2], stride)
    kernels = w.reshape(-1, w.shape[3])  # (KH*KW*C, F)
    out = np.empty((*windows.shape[:3], w.shape[3]), np.result_type(x, w))

    def work(blocks: Iterator[tuple[int, slice]]) -> None:
        for block in blocks:
            columns = _columns(windows[block])
            np.matmul(columns, kernels, out=out[block].reshape(len(columns), -1))
            out[block] += b  # now, while the block is in the cache

    in_threads(work, _blocks(windows))
    return out


def _weight_gradient(windows: np.ndarray, dout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    blocks = _blocks(windows)
    # A sum for each block, added up in order afterwards: the result does not depend on which thread took which block.
    dws = np.empty((len(blocks), int(np.prod(windows.shape[3:])), dout.shape[3]), np.result_type(windows, dout))
    dbs = np.empty((len(blocks), dout.shape[3]), dws.dtype)

    def work(numbers: Iterator[int]) -> None:
        for k in numbers:
            part = dout[blocks[k]].reshape(-1, dout.shape[3])
            np.matmul(_columns(windows[blocks[k]]).T, part, out=dws[k])
            np.matmul(np.ones(len(part), dbs.dtype), part, out=dbs[k])

    in_threads(work, range(len(blocks)))
    return dws.sum(axis=0), dbs.sum(axis=0)


def _input_gradient(x: np.ndarray, w: np.ndarray, dout: np.ndarray, stride: int, pad: int) -> np.ndarray:
    kh, kw = w.shape[:2]
    spread = np.zeros((len(x), x.shape[1] + kh - 1, x.shape[2] + kw - 1, dout.shape[3]), dout.dtype)
    rows, columns = dout.shape[1] * stride, dout.shape[2] * stride
    spread[:, kh - 1 : kh - 1 + rows : stride, kw - 1 : kw - 1 + columns : stride] = dout
    turned = np.ascontiguousarray(w[::-1, ::-1].transpose(0, 1, 3, 2))  # (KH, KW, F, C)
    dx = _correlate(spread, turned, 1)
    return dx[:, pad : x.shape[1] - pad, pad : x.shape[2] - pad] if pad else dx
