"""What several test files check with: gradients against their definition, arrays against arrays, awkward arrays."""

import numpy as np
from hypothesis import strategies as st

from helpers.report import execution
from helpers.store import files


def slope(f, x, direction, h=1e-4):
    """The derivative of f at x along a direction, from five points: its error is of the order h^4."""
    at = {k: f(x + k * h * direction) for k in (-2, -1, 1, 2)}
    return (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h)


def check_gradient(f, x, gradient, *, rng, h=1e-4, elements=40, tolerance=1e-7):
    """Assert that `gradient` is f's at x: along one random direction, and by up to `elements` single elements."""
    assert x.dtype == gradient.dtype == np.float64
    assert gradient.shape == x.shape
    direction = rng.standard_normal(x.shape)
    numeric, analytic = slope(f, x, direction, h), float((gradient * direction).sum())
    assert abs(numeric - analytic) <= tolerance * max(abs(numeric), abs(analytic)), (numeric, analytic)
    chosen = rng.permutation(x.size)[:elements]
    numeric = np.empty(len(chosen))
    for n, index in enumerate(chosen):
        direction = np.zeros(x.size)
        direction[index] = 1
        numeric[n] = slope(f, x, direction.reshape(x.shape), h)
    analytic = gradient.ravel()[chosen]
    assert np.linalg.norm(numeric - analytic) <= tolerance * np.linalg.norm(gradient), (numeric, analytic)


def assert_close(a, b, tolerance=None, scale=1):
    """Assert that two arrays agree in shape, dtype, and to 1e-10 (float64) or 1e-5 (float32) of the largest number.

    The largest number counts as `scale` at least: where terms of the order 1 cancel, nothing better can be asked for.
    """
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    tolerance = tolerance or {"float64": 1e-10, "float32": 1e-5}[a.dtype.name]
    assert np.abs(a - b).max(initial=0) <= tolerance * max(scale, np.abs(b).max(initial=0))


LAYOUTS = {
    "contiguous": lambda a: a,
    "fortran": np.asfortranarray,
    "turned": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "read-only": lambda a: np.lib.stride_tricks.as_strided(a, writeable=False),
}
layouts = st.sampled_from(sorted(LAYOUTS))
dtypes = st.sampled_from([np.float32, np.float64])
seeds = st.integers(0, 2**32 - 1)


def execute_here(notebook, copy, parameters):
    """Do what `chain.execute_notebook` does, without a kernel: run the cells in this process, copy the notebook."""
    scope = {}
    for cell in execution.read_cells(notebook):
        if cell["type"] == "code":
            exec(cell["source"], scope)
        if "parameters" in cell["tags"]:
            scope |= parameters
    with files.whole_file(copy) as part:
        part.write_bytes(notebook.read_bytes())
