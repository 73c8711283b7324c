"""Convolution, ReLU and max pooling in one go: what one writes is still in the cache when the next one reads it.

A map of the report's network is 6 to 12 MB an image, the cache of a core 1 or 2 MB. Layer by layer, every map is
written to memory and read from there several times; here the rows of an image go through all three layers a strip at a
time, and only what is needed later leaves the cache. The numbers are those of the three layers one after another.
"""

import numpy as np

from helpers.convolution import BLOCK, check_arrays, sliding_windows
from helpers.threads import fresh, in_threads, scratch


def stage_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray, parts: int = 1, empty=fresh) -> tuple:
    """Return pool(max(0, x * w + b)), with 2x2 windows of stride 1, and the cache that `stage_backward` takes.

    x: (N, H, W, C), w: (KH, KW, C, F), b: (F,); out: (N, H-KH, W-KW, F). Each image is cut into `parts`, which the
    cores share; `empty`(name, shape, dtype) gives the arrays "out", "right" and "lower" to write into. The last two
    say which pixel of a window is the largest: whether the right one won its row, and the lower row the window.
    Raises ValueError when the arrays do not fit.
    """
    check_arrays(x, w, b)
    windows = sliding_windows(x, w.shape[:2])  # (N, H', W', KH, KW, C)
    images, height, width = windows.shape[:3]
    kernels, filters = w.reshape(-1, w.shape[3]), w.shape[3]
    out = empty("out", (images, height - 1, width - 1, filters), np.result_type(x, w))
    right, lower = empty("right", (images, height, width - 1, filters), bool), empty("lower", out.shape, bool)
    rows = _strip_rows(windows, filters)

    def work(pieces) -> None:
        columns = scratch("columns", (rows, *windows.shape[2:]), x.dtype)
        conv = scratch("conv", (rows, width, filters), out.dtype)
        row_max = scratch("row_max", (rows + 1, width - 1, filters), out.dtype)  # row 0: the last of the strip before
        for n, top, bottom in pieces:
            for a in range(top, bottom + 1, rows):
                z = min(a + rows, bottom + 1)
                strip = conv[: z - a]
                np.copyto(columns[: z - a], windows[n, a:z])
                np.matmul(columns[: z - a].reshape(-1, len(kernels)), kernels, out=strip.reshape(-1, filters))
                strip += b
                np.maximum(strip, 0, out=strip)
                np.maximum(strip[:, :-1], strip[:, 1:], out=row_max[1 : z - a + 1])
                np.greater(strip[:, 1:], strip[:, :-1], out=right[n, a:z])
                first = int(a == top)  # no row above yet: the piece's first row only begins a window
                pair, done = (row_max[first : z - a], row_max[first + 1 : z - a + 1]), slice(a - 1 + first, z - 1)
                np.greater(pair[1], pair[0], out=lower[n, done])
                np.maximum(*pair, out=out[n, done])
                row_max[0] = row_max[z - a]

    in_threads(work, _pieces(images, height - 1, parts))
    return out, (x, w, out, right, lower)


def stage_backward(dout: np.ndarray, cache: tuple, *, need_dx: bool = True, parts: int = 1, empty=fresh) -> tuple:
    """Return (dx, dw, db) from dout = dL/dout (N, H-KH, W-KW, F); dx is None where `need_dx` is false.

    `empty` gives the array "dx". Raises ValueError when dout is not of the output's shape.
    """
    x, w, out, right, lower = cache
    if dout.shape != out.shape:
        raise ValueError(f"dout has the shape {dout.shape}, but the output had {out.shape}.")
    (kh, kw, channels, filters), windows = w.shape, sliding_windows(x, w.shape[:2])
    height, width = windows.shape[1:3]
    turned = np.ascontiguousarray(w[::-1, ::-1].transpose(0, 1, 3, 2)).reshape(-1, channels)  # (KH*KW*F, C)
    pieces, rows = _pieces(len(x), x.shape[1], parts), _strip_rows(windows, filters)
    dx = empty("dx", x.shape, dout.dtype) if need_dx else None
    # A sum for each piece, added up in order afterwards: the result does not depend on which thread took which piece.
    dws, dbs = (
        np.zeros((len(pieces), kh * kw * channels, filters), dout.dtype),
        np.zeros((len(pieces), filters), dout.dtype),
    )

    def work(numbers) -> None:
        columns = scratch("columns", (rows, *windows.shape[2:]), x.dtype)
        # dL/d(convolution's output) of one strip, with the KH-1 rows above it, and KW-1 columns of 0 on either side
        dconv = scratch("dconv", (rows + kh - 1, width + 2 * (kw - 1), filters), dout.dtype)
        dconv[...] = 0
        around = sliding_windows(dconv[None], (kh, kw))[0]  # (rows, W, KH, KW, F)
        spread = scratch("spread", around.shape, dout.dtype)
        inner = dconv[:, kw - 1 : kw - 1 + width]
        for k in numbers:
            n, top, bottom = pieces[k]
            masks = dout[n], out[n], right[n], lower[n]
            _unpool(*masks, top - kh + 1, top, inner[: kh - 1])
            for a in range(top, bottom, rows):
                z, last = min(a + rows, bottom), min(a + rows, bottom, height)
                _unpool(*masks, a, z, inner[kh - 1 : kh - 1 + z - a])
                if last > a:
                    part = inner[kh - 1 : kh - 1 + last - a].reshape(-1, filters)
                    np.copyto(columns[: last - a], windows[n, a:last])
                    dws[k] += columns[: last - a].reshape(len(part), -1).T @ part
                    dbs[k] += np.ones(len(part), part.dtype) @ part
                if need_dx:
                    np.copyto(spread[: z - a], around[: z - a])
                    np.matmul(spread[: z - a].reshape(-1, len(turned)), turned, out=dx[n, a:z].reshape(-1, channels))
                dconv[: kh - 1] = dconv[z - a : z - a + kh - 1]

    in_threads(work, range(len(pieces)))
    return dx, dws.sum(axis=0).reshape(w.shape), dbs.sum(axis=0)


def _pieces(images: int, height: int, parts: int) -> list[tuple[int, int, int]]:
    """Cut the images into pieces (image, first row, row after the last)."""
    parts = min(parts, height)
    return [(n, height * k // parts, height * (k + 1) // parts) for n in range(images) for k in range(parts)]


def _strip_rows(windows: np.ndarray, filters: int) -> int:
    """Return how many rows of windows (N, H', W', KH, KW, C) and of what is made of them stay in the cache together."""
    width, columns = windows.shape[2], int(np.prod(windows.shape[3:]))
    return min(windows.shape[1], max(1, BLOCK // (width * max(columns, 4 * filters))))


def _unpool(dout, out, right, lower, top, bottom, into) -> None:
    """Write the gradient of the convolution's rows `top` to `bottom` of one image; rows outside it are 0.

    What a window passes back goes to one of two rows, then to one of two columns. `d - moved` is `d` where the first
    one won, and 0 elsewhere: exact, and quicker than a second mask.
    """
    rows = scratch("rows", (bottom - top, *right.shape[1:]), dout.dtype)
    rows[...] = 0
    first, last = max(top - 1, 0), min(bottom, len(out))  # the windows that have a row in the strip
    if first < last:
        d, moved = (scratch(name, dout[first:last].shape, dout.dtype) for name in ("d", "moved"))
        np.multiply(dout[first:last], out[first:last] > 0, out=d)  # ReLU: a window of zeros passes nothing back
        np.multiply(d, lower[first:last], out=moved)
        d -= moved
        own, down = max(top, 0), min(last, bottom - 1)
        rows[own - top : last - top] = d[own - first :]
        rows[first + 1 - top : down + 1 - top] += moved[: down - first]
    into[...] = 0
    a, z = max(top, 0), max(min(bottom, len(right)), 0)
    if a < z:
        inside, moved = rows[a - top : z - top], scratch("moved", (z - a, *right.shape[1:]), dout.dtype)
        np.multiply(inside, right[a:z], out=moved)
        np.subtract(inside, moved, out=into[a - top : z - top, :-1])
        into[a - top : z - top, 1:] += moved
