"""One convolution: its size, the loops that define it, and the same sums as one product.

Images are (N, H, W, C) and kernels (KH, KW, C, F), as in Keras. `convolve2d_loops` is true convolution, which turns the
kernel by 180 degrees; `conv2d_forward` is cross-correlation, which does not: what networks call convolution.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers import _checks


def output_size(n: int, k: int, stride: int = 1, pad: int = 0) -> int:
    """Return how many positions a window of `k` pixels takes on `n` pixels.

    floor((n + 2 pad - k) / stride) + 1. Raises ValueError when the window does not fit, or when a size is not a whole
    number that makes sense. Source: Dumoulin and Visin (2016), relationship 6.
    """
    n, k, stride, pad = _checks.size_of_window(n, k, stride, pad)
    return (n + 2 * pad - k) // stride + 1


def kaiming_normal(shape, *, rng, dtype=np.float32, gain=2) -> np.ndarray:  # exercise 1.4
    """Draw weights from N(0, gain/fan_in): with 2, ReLU layers keep the variance of their activations.

    `shape` ends with (inputs, outputs): the fan-in is the product of all sizes but the last, KH*KW*C for a kernel (KH,
    KW, C, F) and D for a dense (D, M). `rng` is a NumPy Generator. Source: He et al. (2015), equation 10; the standard
    deviation is sqrt(2/n), not 2/n.
    """
    _checks.generator(rng)
    _checks.weights(shape, dtype)
    fan_in = np.prod(shape[:-1])
    weights = rng.standard_normal(shape, dtype=dtype)
    weights *= np.sqrt(gain / fan_in)
    return weights


def convolve2d_loops(image, kernel, stride=1, pad=0) -> np.ndarray:  # exercise 1.1
    """Convolve an image (H, W) or (H, W, C) with a kernel (KH, KW) or (KH, KW, C) into one map.

    s[i, j] = sum_{a, b, c} image[i*stride + a, j*stride + b, c] * kernel[KH-1-a, KW-1-b, c], with zeros around the
    image: the kernel is turned in the plane, and depth is only summed. Returns (H', W'), in 64 bits for whole numbers.
    Raises ValueError when the two do not fit.
    """
    image, kernel = np.asarray(image), np.asarray(kernel)
    _checks.image_and_kernel(image, kernel)
    (kh, kw), turned = kernel.shape[:2], kernel[::-1, ::-1]
    height = output_size(image.shape[0], kh, stride, pad)
    width = output_size(image.shape[1], kw, stride, pad)
    padded = np.pad(image, [(pad, pad), (pad, pad), (0, 0)][: image.ndim])
    dtype = np.result_type(image, kernel)
    out = np.zeros((height, width), np.int64 if dtype.kind in "biu" else dtype)
    for i in range(height):
        for j in range(width):
            window = padded[i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[i, j] = (window.astype(out.dtype) * turned).sum()
    return out


def conv2d_forward_loops(x, w, b, stride: int = 1, pad: int = 0) -> tuple:  # exercise 1.2
    """Cross-correlate images with F kernels, one number of the output at a time.

    out[n,i,j,f] = b[f] + sum_{u,v,c} x[n, i*stride+u, j*stride+v, c] w[u,v,c,f], zeros around x. x: (N, H, W, C), w:
    (KH, KW, C, F), b: (F,), floating-point numbers of one type. Returns out (N, H', W', F) and the cache that
    `conv2d_backward_loops` takes. Raises ValueError when the shapes do not fit. Source: Goodfellow et al. (2016),
    equation 9.6.
    """
    _checks.convolution(x, w, b, stride, pad)
    kh, kw, _, filters = w.shape
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    height, width = output_size(x.shape[1], kh, stride), output_size(x.shape[2], kw, stride)
    out = np.zeros((len(x), height, width, filters), x.dtype)
    for n, i, j, f in np.ndindex(out.shape):
        window = x[n, i * stride : i * stride + kh, j * stride : j * stride + kw]
        out[n, i, j, f] = (window * w[..., f]).sum() + b[f]
    return out, (x, w, stride, pad)


def conv2d_backward_loops(dout, cache) -> tuple:  # exercise 3.7
    """Return (dx, dw, db) from dout = dL/dout (N, H', W', F): every output passes its share back.

    out = sum(window * w) + b has the derivatives window by w, w by the window, and 1 by b; by the chain rule each is
    multiplied by dout, and where windows overlap the shares add up. Raises ValueError when dout is not of the output's
    shape.
    """
    x, w, stride, pad = cache
    kh, kw, _, filters = w.shape
    height, width = output_size(x.shape[1], kh, stride), output_size(x.shape[2], kw, stride)
    _checks.gradient(dout, (len(x), height, width, filters))
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(filters, w.dtype)
    for n, i, j, f in np.ndindex(dout.shape):
        rows, columns = slice(i * stride, i * stride + kh), slice(j * stride, j * stride + kw)
        dx[n, rows, columns] += dout[n, i, j, f] * w[..., f]
        dw[..., f] += dout[n, i, j, f] * x[n, rows, columns]
        db[f] += dout[n, i, j, f]
    return dx[:, pad : x.shape[1] - pad, pad : x.shape[2] - pad], dw, db


def sliding_windows(x, size: tuple[int, int], stride: int = 1) -> np.ndarray:
    """View every window of x (N, H, W, C) as (N, H', W', KH, KW, C), without a copy."""
    windows = sliding_window_view(x, size, axis=(1, 2))  # (N, H-KH+1, W-KW+1, C, KH, KW)
    return windows[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)


def conv2d_forward(x, w, b, stride: int = 1, pad: int = 0) -> tuple:  # exercise 1.3
    """Do what `conv2d_forward_loops` does, as one product: every window by every kernel.

    Shapes, errors and source as there; the cache is for `conv2d_backward`.
    """
    _checks.convolution(x, w, b, stride, pad)
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = sliding_windows(x, w.shape[:2], stride)  # (N, H', W', KH, KW, C)
    out = np.tensordot(windows, w, axes=3) + b  # summed over KH, KW and C
    return out, (x, w, stride, pad)


def conv2d_backward(dout, cache) -> tuple:  # exercise 3.8
    """Return (dx, dw, db) from dout = dL/dout (N, H', W', F), as two products.

    dw[u,v,c,f] = sum_{n,i,j} x[n, i*stride+u, j*stride+v, c] dout[n,i,j,f], db[f] = sum dout[...,f]. dx is true
    convolution again: dout, its pixels a stride apart and zeros around them, with the kernel turned and its channels
    exchanged. Raises ValueError when dout is not of the output's shape. Source: Dumoulin and Visin (2016), chapter 4.
    """
    x, w, stride, pad = cache
    (kh, kw), windows = w.shape[:2], sliding_windows(x, w.shape[:2], stride)
    _checks.gradient(dout, (*windows.shape[:3], w.shape[3]))
    dw = np.tensordot(windows, dout, axes=([0, 1, 2], [0, 1, 2]))
    db = dout.sum(axis=(0, 1, 2))
    spread = np.zeros((len(x), x.shape[1] + kh - 1, x.shape[2] + kw - 1, len(db)), dout.dtype)
    spread[:, kh - 1 :: stride, kw - 1 :: stride][:, : dout.shape[1], : dout.shape[2]] = dout
    turned = w[::-1, ::-1]
    dx = np.tensordot(sliding_windows(spread, (kh, kw)), turned, axes=([3, 4, 5], [0, 1, 3]))
    return dx[:, pad : x.shape[1] - pad, pad : x.shape[2] - pad], dw, db
