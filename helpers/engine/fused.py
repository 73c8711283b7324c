"""Convolution, ReLU and max pooling in one go: what one writes is still in the cache when the next one reads it.

A map of the report's network is 6 to 12 MB an image, the cache of a core 1 or 2 MB. Layer by layer, every map is
written to memory and read from there several times; here the rows of an image go through all three layers a strip at a
time, and only what is needed later leaves the cache. The numbers are those of the three layers one after another.
"""

from collections.abc import Iterator

import numpy as np

from helpers import _checks
from helpers.convolution import output_size
from helpers.engine import winograd
from helpers.engine.memory import buffer, fresh
from helpers.engine.threads import in_threads

# Numbers of a strip between its transforms, 1 MB in float32. More leaves the cache; with less the threads, which hold
# the interpreter's lock between two of NumPy's functions, wait for each other too often.
STRIP = 1 << 18


def fused_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray, parts: int = 1, empty=fresh, out=None) -> tuple:
    """Return pool(max(0, x * w + b)), with 2x2 windows of stride 1, and the cache that `fused_backward` takes.

    x: (N, H, W, C), w: (3, KW, C, F), b: (F,); out: (N, H-3, W-KW, F). Each image is cut into `parts`, which the
    cores share; `empty`(name, shape, dtype) gives the arrays to write into: "out", unless it is given; "upper" and
    "lower", whether a window's gradient goes to its first or second row (to neither where the largest number is 0);
    and "right", whether a row passes it on to the second of two columns. Raises ValueError when arrays do not fit.
    """
    _checks.convolution(x, w, b, 1, 0)
    kw, filters = w.shape[1], w.shape[3]
    height, width = output_size(x.shape[1], 3), output_size(x.shape[2], kw)  # of the convolution
    output_size(height, 2), output_size(width, 2)
    dtype = np.result_type(x, w)
    out = empty("out", (len(x), height - 1, width - 1, filters), dtype) if out is None else out
    upper, lower = (empty(name, out.shape, bool) for name in ("upper", "lower"))
    right = empty("right", (len(x), height, width - 1, filters), bool)
    kernel, step = winograd.transform_kernel(w.astype(dtype, copy=False)), _strip_rows(x, w)

    def work(pieces: Iterator[tuple[int, int, int]]) -> None:
        count = step // winograd.ROWS
        strip = winograd.Strip("x", count, *x.shape[2:], kw, dtype)
        row_max = buffer("row_max", (step + 1, width - 1, filters), dtype)  # row 0: the last of the strip before
        for n, top, bottom in pieces:
            blank = _blank(x[n], kw)
            for a, tiles in winograd.strips(x[n], top, bottom + 1, count):
                z = min(a + step, bottom + 1)
                conv = strip.take(tiles).correlate(kernel, b)[: z - a]
                if blank is not None:
                    conv[blank[a:z]] = b
                first = int(a == top)  # no row above yet: the piece's first row only begins a window
                done = slice(a - 1 + first, z - 1)
                _relu_and_pool(conv, row_max, first, right[n, a:z], out[n, done], upper[n, done], lower[n, done])

    in_threads(work, _pieces(len(x), height - 1, parts))
    return out, (x, w, upper, lower, right)


def _relu_and_pool(conv, row_max, first: int, right, out, upper, lower) -> None:
    """Pool rows of a convolution with the row before them, row_max[0], or without it where `first` is 1."""
    new = row_max[1 : len(conv) + 1]
    np.maximum(conv[:, :-1], conv[:, 1:], out=new)
    np.greater(conv[:, 1:], conv[:, :-1], out=right)
    np.maximum(new, 0, out=new)  # the ReLU: after the maximum it has less to do
    pair = row_max[first : len(conv)], new[first:]
    np.maximum(*pair, out=out)
    np.greater(pair[1], pair[0], out=lower)  # so never where both are 0
    np.greater(out, 0, out=upper)
    upper ^= lower
    row_max[0] = new[-1]


def fused_backward(dout: np.ndarray, cache: tuple, *, need_dx: bool = True, parts: int = 1, empty=fresh) -> tuple:
    """Return (dx, dw, db) from dout = dL/dout (N, H-3, W-KW, F); dx is None where `need_dx` is false.

    `empty` gives the array "dx". Raises ValueError when dout is not of the output's shape.
    """
    x, w, upper, lower, right = cache
    _checks.gradient(dout, upper.shape)
    (_, kw, channels, filters), width, step = w.shape, x.shape[2] - w.shape[1] + 1, _strip_rows(x, w)
    dtype = np.result_type(x, w, dout)
    turned = winograd.transform_kernel(w[::-1, ::-1].transpose(0, 1, 3, 2).astype(dtype, copy=False))
    pieces = _pieces(len(x), x.shape[1], parts)
    dx = empty("dx", x.shape, dtype) if need_dx else None
    # A sum for each piece, added up in order afterwards: the result does not depend on which thread took which piece.
    dkernels = np.zeros((len(pieces), winograd.SIDE, kw * channels, filters), dtype)
    dbs = np.zeros((len(pieces), filters), dtype)

    def work(numbers: Iterator[int]) -> None:
        count = step // winograd.ROWS
        strip = winograd.Strip("x", count, *x.shape[2:], kw, dtype)
        # dL/d(convolution's output) of a strip, with the two rows above it, and KW-1 columns of 0 on either side
        around = buffer("dconv", (step + 2, width + 2 * (kw - 1), filters), dtype)
        around[...] = 0
        dconv, around_tiles = around[:, kw - 1 : kw - 1 + width], winograd.tiles_of(around)
        own = around.reshape(step + 2, -1)[2:, (kw - 1) * filters : (kw - 1 + width) * filters]  # (4T, W'*F)
        back = winograd.Strip("dconv", count, *around.shape[1:], kw, dtype)
        for k in numbers:
            n, top, bottom = pieces[k]
            masks = dout[n], upper[n], lower[n], right[n]
            _unpool(*masks, top - 2, top, dconv[-2:])
            for a, tiles in winograd.strips(x[n], top, bottom, count):
                dconv[:2] = dconv[-2:]
                _unpool(*masks, a, bottom, dconv[2:])  # what lies below is the next piece's
                dkernel, db = strip.take(tiles).gradients(own)
                dkernels[k] += dkernel
                dbs[k] += db
                if need_dx:
                    dx[n, a:bottom][:step] = back.take(around_tiles).correlate(turned)[: bottom - a]

    in_threads(work, range(len(pieces)))
    return dx, winograd.gradient_of_weights(dkernels.sum(axis=0), w.shape), dbs.sum(axis=0)


def _pieces(images: int, height: int, parts: int) -> list[tuple[int, int, int]]:
    """Cut the images into pieces (image, first row, row after the last)."""
    parts = min(parts, height)
    return [(n, height * k // parts, height * (k + 1) // parts) for n in range(images) for k in range(parts)]


def _strip_rows(x: np.ndarray, w: np.ndarray) -> int:
    """Return how many rows of the convolution are made at once: what a strip needs stays in the cache."""
    tile = winograd.SIDE * x.shape[2] * sum(w.shape[2:])
    return winograd.ROWS * min(-(-x.shape[1] // winograd.ROWS), max(1, STRIP // tile))


def _blank(image: np.ndarray, kw: int) -> np.ndarray | None:
    """Return where a window of 3 x KW pixels of an image (H, W, C) holds nothing but 0; None where none does.

    There the convolution is its bias, exactly: Winograd's sums would leave rounding noise of other rows, and a ReLU
    whose input is 0 would open. Every window holds one of the pixels that are looked at first.
    """
    if image[2::3, kw - 1 :: kw].any(axis=-1).all():
        return None
    seen = image.any(axis=-1)
    rows = seen[:-2] | seen[1:-1] | seen[2:]
    blank = ~np.logical_or.reduce([rows[:, v : rows.shape[1] - kw + 1 + v] for v in range(kw)])
    return blank if blank.any() else None


def _unpool(dout, upper, lower, right, top, bottom, into) -> None:
    """Write the gradient of the convolution's rows from `top` to `bottom`, of one image; rows outside it are 0.

    What a window passes back goes to one of two rows, then to one of two columns. `rows - moved` is `rows` where the
    first column won, and 0 elsewhere: exact, and quicker than a second mask.
    """
    a, z = max(top, 0), max(min(bottom, top + len(into), len(right)), 0)
    into[: a - top], into[max(z - top, 0) :] = 0, 0
    if a >= z:
        return
    rows, moved = (buffer(name, (z - a, *right.shape[1:]), into.dtype) for name in ("rows", "moved"))
    # The windows from a to `both` begin in these rows, those from `above` to z - 1 end in them.
    both, above = min(z, len(upper)), max(a - 1, 0)
    np.multiply(dout[a:both], upper[a:both], out=rows[: both - a])
    rows[both - a :] = 0
    np.multiply(dout[above : z - 1], lower[above : z - 1], out=moved[: z - 1 - above])
    rows[above + 1 - a :] += moved[: z - 1 - above]
    np.multiply(rows, right[a:z], out=moved)
    inside = into[a - top : z - top]
    np.subtract(rows, moved, out=inside[:, :-1])
    inside[:, -1] = 0
    inside[:, 1:] += moved
