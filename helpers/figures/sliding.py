"""A kernel that slides over a small image: as an animation for the screen and as a strip of stills for paper."""

import base64
import html
from collections.abc import Sequence

import numpy as np
from IPython.display import HTML
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.convolution import conv2d_forward
from helpers.figures.style import GRAY, INK, ORANGE, SIGNED, canvas, headline, show_numbers

SECONDS = 0.8  # for one position
CELL = 34  # pixels of the animation


def correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the cross-correlation of an image (H, W) with a kernel (KH, KW): the map (H-KH+1, W-KW+1)."""
    out, _ = conv2d_forward(image[None, :, :, None], kernel[:, :, None, None], np.zeros(1))
    return out[0, :, :, 0]


def sliding_animation(image: np.ndarray, kernel: np.ndarray, alt: str) -> HTML:
    """Return an animated drawing (SVG, the same bytes everywhere) of `kernel` sliding over `image`.

    Whoever has asked their system for less motion sees its middle position, as does a program without animations.
    """
    data = base64.b64encode(sliding_svg(image, kernel).encode()).decode()
    return HTML(f'<img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}">')


def sliding_svg(image: np.ndarray, kernel: np.ndarray) -> str:
    """Return the animation as SVG: image, kernel and products, and the map, which is filled number by number."""
    feature_map = correlate(image, kernel)
    (kh, kw), (rows, columns), limit = kernel.shape, feature_map.shape, np.abs(feature_map).max()
    gray, signed = ("gray", 0, image.max()), (SIGNED, -limit, limit)
    x, top, below = [8, image.shape[1] * CELL + 65, (image.shape[1] + kw) * CELL + 147], 24, 36 + (kh + 1) * CELL
    names = [(x[0], 14, "image"), (x[1], 14, "kernel"), (x[1], below - 10, "products"), (x[2], 14, "map: their sums")]
    still = ['<rect width="100%" height="100%" fill="#fff"/>', _cells(image, x[0], top, *gray)]
    still += [f'<text x="{left}" y="{y}" fill="{INK}">{text}</text>' for left, y, text in names]
    still += [_cells(kernel, x[1], top, *signed)]
    rules, moving = ["@media (prefers-reduced-motion:reduce){g{animation:none!important}}"], []
    for k, (i, j) in enumerate(np.ndindex(rows, columns)):
        rules += _keyframes(k, feature_map.size)
        value = _cells(feature_map[i : i + 1, j : j + 1], x[2] + j * CELL, top + i * CELL, *signed)
        still.append(f'<g class="m{k}">{value}</g>')
        products = image[i : i + kh, j : j + kw] * kernel + 0.0  # no negative zeros
        parts = _cells(products, x[1], below, *signed)
        parts += _box(x[0] + j * CELL, top + i * CELL, kw, kh) + _box(x[2] + j * CELL, top + i * CELL, 1, 1)
        moving.append(f'<g class="s{k}" opacity="{int(k == feature_map.size // 2)}">{parts}</g>')
    still.append(_box(x[2], top, columns, rows, f'stroke="{GRAY}"'))
    width, height = x[2] + columns * CELL + 8, 32 + max(image.shape[0] * CELL, below - 24 + kh * CELL)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    font = 'font-family="DejaVu Sans,Verdana,sans-serif" font-size="14"'
    # In SVG what comes later covers what came before: what moves comes last.
    return f"{head} {font}><style>{''.join(rules)}</style>{''.join(still + moving)}</svg>"


def sliding_strip(image: np.ndarray, kernel: np.ndarray, at: Sequence[tuple[int, int]]) -> Figure:
    """Draw stills of the same: for each position in `at` the image with the window, and the map so far below it."""
    feature_map = correlate(image, kernel)
    limit = np.abs(feature_map).max()
    figure = canvas(3.5)
    headline(figure, "At every position nine products, and their sum is one number of the map")
    for (above, below), (i, j) in zip(figure.subplots(2, len(at)).T, at, strict=True):
        done = np.arange(feature_map.size).reshape(feature_map.shape) <= i * feature_map.shape[1] + j
        so_far = np.ma.masked_where(~done, feature_map)
        show_numbers(above, image, f"at ({i}, {j})", cmap="gray", limits=(0, image.max()))
        show_numbers(below, so_far, f"sum {_number(feature_map[i, j])}", limits=(-limit, limit))
        for ax, (height, width) in ((above, kernel.shape), (below, (1, 1))):
            ax.add_patch(Rectangle((j, i), width, height, fill=False, ec=ORANGE, lw=2, zorder=3))
    return figure


def _cells(values: np.ndarray, x: int, y: int, cmap: str, low: float, high: float) -> str:
    """Return a matrix as squares in the colours of its numbers, which stand in them."""
    parts = []
    for (i, j), value in np.ndenumerate(values):
        color = colormaps[cmap](float((value - low) / ((high - low) or 1)))
        ink = INK if np.dot(color[:3], (0.299, 0.587, 0.114)) > 0.5 else "#ffffff"
        left, top = x + j * CELL, y + i * CELL
        square = f'<rect x="{left}" y="{top}" width="{CELL}" height="{CELL}" fill="{to_hex(color)}"'
        at = f'x="{left + CELL // 2}" y="{top + CELL // 2 + 5}" text-anchor="middle"'
        parts.append(f'{square} stroke="{GRAY}" stroke-width=".5"/><text {at} fill="{ink}">{_number(value)}</text>')
    return "".join(parts)


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _box(x: int, y: int, columns: int, rows: int, stroke: str = f'stroke="{ORANGE}" stroke-width="3"') -> str:
    return f'<rect x="{x}" y="{y}" width="{columns * CELL}" height="{rows * CELL}" fill="none" {stroke}/>'


def _keyframes(k: int, count: int) -> list[str]:
    """Return the rules that show position k in its turn, and its number from then on; at the end all rests a while."""
    turns = count + 3
    begin, end = 100 * k / turns, 100 * (k + 1) / turns if k < count - 1 else 100
    shown = f"animation:{{}}{k} {turns * SECONDS:g}s step-end infinite"
    return [
        f"@keyframes s{k}{{0%{{opacity:0}}{begin:.3f}%{{opacity:1}}{end:.3f}%,to{{opacity:{int(end == 100)}}}}}",
        f"@keyframes m{k}{{0%{{opacity:0}}{begin:.3f}%,to{{opacity:1}}}}",
        *(f".{name}{k}{{{shown.format(name)}}}" for name in "sm"),
    ]
