"""Max pooling: the largest number of each window; its whole gradient goes to where that came from."""

import numpy as np

from helpers import _checks
from helpers.convolution import output_size, sliding_windows


def max_pool2d_forward_loops(x, size: int = 2, stride: int = 1) -> tuple:  # exercise 2.1
    """Take the maximum of each window, one at a time.

    out[n,i,j,c] = max_{u,v < size} x[n, i*stride+u, j*stride+v, c]; windows may overlap. Of equal numbers the first in
    reading order wins. x: (N, H, W, C); returns out (N, H', W', C) and the cache that `max_pool2d_backward_loops`
    takes. Raises ValueError when x is not (N, H, W, C), or a window does not fit.
    """
    _checks.pooling(x, size, stride)
    height, width = (output_size(n, size, stride) for n in x.shape[1:3])
    out = np.zeros((len(x), height, width, x.shape[3]), x.dtype)
    winner = np.zeros(out.shape, int)  # its place in the window, in reading order
    for n, i, j, c in np.ndindex(out.shape):
        window = x[n, i * stride : i * stride + size, j * stride : j * stride + size, c]
        out[n, i, j, c], winner[n, i, j, c] = window.max(), window.argmax()
    return out, (x.shape, winner, size, stride)


def max_pool2d_backward_loops(dout, cache) -> np.ndarray:  # exercise 3.5
    """Return dx (N, H, W, C): each dout (N, H', W', C) goes to the pixel that won its window.

    Raises ValueError when dout is not of the output's shape. Source: Goodfellow et al. (2016), 9.3.
    """
    shape, winner, size, stride = cache
    _checks.gradient(dout, winner.shape)
    dx = np.zeros(shape, dout.dtype)
    for n, i, j, c in np.ndindex(dout.shape):
        u, v = divmod(winner[n, i, j, c], size)
        dx[n, i * stride + u, j * stride + v, c] += dout[n, i, j, c]
    return dx


def max_pool2d_forward(x, size: int = 2, stride: int = 1) -> tuple:  # exercise 2.2
    """Do what `max_pool2d_forward_loops` does, all windows at once; the cache is for `max_pool2d_backward`."""
    _checks.pooling(x, size, stride)
    windows = sliding_windows(x, (size, size), stride)  # (N, H', W', size, size, C)
    windows = windows.reshape(*windows.shape[:3], size * size, -1)
    winner = windows.argmax(axis=3)  # the first of equal ones
    out = np.take_along_axis(windows, winner[:, :, :, None], axis=3)[:, :, :, 0]
    return out, (x.shape, winner, size, stride)


def max_pool2d_backward(dout, cache) -> np.ndarray:  # exercise 3.6
    """Do what `max_pool2d_backward_loops` does, for each place in the window all windows at once."""
    shape, winner, size, stride = cache
    _checks.gradient(dout, winner.shape)
    dx = np.zeros(shape, dout.dtype)
    height, width = dout.shape[1:3]
    for u, v in np.ndindex(size, size):
        pixels = dx[:, u::stride, v::stride][:, :height, :width]  # at (u, v) of their windows
        pixels += dout * (winner == u * size + v)
    return dx
