"""Max pooling: the largest number of each window forward, the whole gradient to where it came from backward."""

import numpy as np

from helpers.convolution import output_size


def max_pool2d_forward(x: np.ndarray, size: int = 2, stride: int = 1) -> tuple:
    """Take the maximum of each window: out[n,i,j,c] = max_{u,v < size} x[n, i*stride+u, j*stride+v, c].

    x: (N, H, W, C); returns out (N, H', W', C) and the cache that `max_pool2d_backward` takes. Windows may overlap.
    Where several numbers of a window are the largest, the first in reading order wins.
    Raises ValueError when x is not (N, H, W, C) or a window does not fit.
    """
    if not isinstance(x, np.ndarray) or x.ndim != 4:
        raise ValueError(f"x must be an array (N, H, W, C), not {getattr(x, 'shape', type(x).__name__)}.")
    if len(x) == 0:
        raise ValueError("x is an empty batch: give at least one image.")
    height, width = output_size(x.shape[1], size, stride), output_size(x.shape[2], size, stride)
    # The maximum of a window is the maximum of its rows' maxima: 2*size comparisons a window instead of size^2.
    # Along the row first, then down the column: so the winner is the first in reading order.
    row_max, column = _first_max([x[:, :, _tap(v, stride, width)] for v in range(size)])
    out, row = _first_max([row_max[:, _tap(u, stride, height)] for u in range(size)])
    return out, (x.shape, column, row, size, stride)


def max_pool2d_backward(dout: np.ndarray, cache: tuple) -> np.ndarray:
    """Return dx (N, H, W, C): each dout (N, H', W', C) is added to the one pixel that won its window, others get 0.

    Raises ValueError when dout is not of the output's shape. Source: Goodfellow et al. (2016), section 9.3.
    """
    shape, column, row, size, stride = cache
    if dout.shape != row.shape:
        raise ValueError(f"dout has the shape {dout.shape}, but the output had {row.shape}.")
    height, width = dout.shape[1:3]
    drow_max = np.zeros(column.shape, dout.dtype)
    for u in range(size):
        drow_max[:, _tap(u, stride, height)] += dout * (row == u)
    dx = np.zeros(shape, dout.dtype)
    for v in range(size):
        dx[:, :, _tap(v, stride, width)] += drow_max * (column == v)
    return dx


def _tap(offset: int, stride: int, count: int) -> slice:
    """Select the pixel that stands at `offset` in each of `count` windows."""
    return slice(offset, offset + stride * (count - 1) + 1, stride)


def _first_max(taps: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the elementwise maximum of the arrays and the number of the first that holds it."""
    best, winner = taps[0].copy(), np.zeros(taps[0].shape, np.min_scalar_type(len(taps) - 1))
    for number, tap in enumerate(taps[1:], start=1):
        np.putmask(winner, tap > best, number)
        np.maximum(best, tap, out=best)
    return best, winner
