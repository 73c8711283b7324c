"""Check a derivative against the definition of a derivative."""

from collections.abc import Callable

import numpy as np


def numerical_gradient(f: Callable, x: np.ndarray, step=1e-6) -> np.ndarray:  # exercise 3.9
    """Return df/dx by central differences, (f(x + h) - f(x - h)) / 2h, one element of `x` at a time.

    f takes no argument and reads `x`, a float64 array of any shape, which is changed for the moment and put back. The
    error is of the order h^2 from the curve and 1e-16/h from rounding. Raises ValueError for other types. Source: Press
    et al. (2007), section 5.7.
    """
    if x.dtype != np.float64:
        raise ValueError(f"A numerical gradient needs float64: {x.dtype} would drown it.")
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + step
        above = f()
        x[index] = kept - step
        below = f()
        x[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def relative_error(a: np.ndarray, b: np.ndarray) -> float:
    """Return |a - b| / (|a| + |b|) by Euclid: 0 for equal arrays, 1 for opposite ones. ValueError for two shapes."""
    a, b = (np.asarray(x) + np.float64(0) for x in (a, b))  # in double precision
    if a.shape != b.shape:
        raise ValueError(f"Only arrays of one shape compare, not {a.shape} and {b.shape}.")
    scale = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / scale) if scale else 0.0
