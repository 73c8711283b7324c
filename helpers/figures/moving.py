"""A kernel that slides over a small picture: as an animation for the screen and as a strip of stills for paper."""

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
from helpers.figures.style import GRAY, INK, ORANGE, WIDTH, headline

SECONDS = 0.8  # for one position
CELL = 34  # pixels of the animation


def correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the cross-correlation of an image (H, W) with a kernel (KH, KW): the map (H-KH+1, W-KW+1)."""
    out, _ = conv2d_forward(image[None, :, :, None], kernel[:, :, None, None], np.zeros(1))
    return out[0, :, :, 0]


def sliding_animation(image: np.ndarray, kernel: np.ndarray, alt: str) -> HTML:
    """Return an animated picture (SVG) of `kernel` sliding over `image`, for Jupyter to show.

    Whoever has asked their system for less motion sees its middle position, and so does a program that knows no
    animations. The picture is text and the same bytes everywhere.
    """
    data = base64.b64encode(sliding_svg(image, kernel).encode()).decode()
    return HTML(f'<img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}">')


def sliding_svg(image: np.ndarray, kernel: np.ndarray) -> str:
    """Return the animation as SVG: picture, kernel and products, and the map, which is filled number by number."""
    feature_map = correlate(image, kernel)
    (kh, kw), count, limit = kernel.shape, feature_map.size, np.abs(feature_map).max()
    x = [8, image.shape[1] * CELL + 65, image.shape[1] * CELL + kw * CELL + 147]
    below = 24 + (kh + 1) * CELL + 12
    height = 32 + max(image.shape[0] * CELL, below - 24 + kh * CELL)
    parts = [
        '<rect width="100%" height="100%" fill="#fff"/>',
        _label(x[0], 14, "picture"),
        *_grid(image, x[0], 24, "gray", 0, image.max()),
    ]
    parts += [_label(x[1], 14, "kernel"), *_grid(kernel, x[1], 24, "RdBu_r", -limit, limit)]
    parts += [_label(x[1], below - 10, "products"), _label(x[2], 14, "map: their sums")]
    rules = []
    for k, (i, j) in enumerate(np.ndindex(feature_map.shape)):
        rules += _keyframes(k, count)
        products = image[i : i + kh, j : j + kw] * kernel + 0.0  # no negative zeros
        moving = [*_grid(products, x[1], below, "RdBu_r", -limit, limit)]
        moving += [_frame(x[0] + j * CELL, 24 + i * CELL, kw, kh), _frame(x[2] + j * CELL, 24 + i * CELL, 1, 1)]
        value = _tile(feature_map[i, j], x[2] + j * CELL, 24 + i * CELL, "RdBu_r", -limit, limit)
        parts.append(f'<g class="m{k}">{value}</g>')
        parts.append(f'<g class="s{k}" opacity="{int(k == count // 2)}">{"".join(moving)}</g>')
    outline = f'<rect x="{x[2]}" y="24" width="{feature_map.shape[1] * CELL}" height="{feature_map.shape[0] * CELL}"'
    parts.append(f'{outline} fill="none" stroke="{GRAY}"/>')
    width = x[2] + feature_map.shape[1] * CELL + 8
    still = "@media (prefers-reduced-motion:reduce){g{animation:none!important}}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    font = 'font-family="DejaVu Sans,Verdana,sans-serif" font-size="14"'
    return f"{head} {font}><style>{''.join(rules)}{still}</style>{''.join(_frames_last(parts))}</svg>"


def sliding_strip(image: np.ndarray, kernel: np.ndarray, at: Sequence[tuple[int, int]]) -> Figure:
    """Draw stills of the same: for each position in `at` the picture with the window, and the map so far below it."""
    feature_map = correlate(image, kernel)
    limit = np.abs(feature_map).max()
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    headline(figure, "At every position nine products, and their sum is one number of the map")
    for (above, below), (i, j) in zip(figure.subplots(2, len(at)).T, at, strict=True):
        _draw(above, image, "gray", 0, image.max())
        above.add_patch(Rectangle((j - 0.5, i - 0.5), kernel.shape[1], kernel.shape[0], fill=False, ec=ORANGE, lw=2))
        done = np.arange(feature_map.size).reshape(feature_map.shape) <= i * feature_map.shape[1] + j
        _draw(below, np.ma.masked_where(~done, feature_map), "RdBu_r", -limit, limit)
        below.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, ec=ORANGE, lw=2))
        above.set_title(f"at ({i}, {j})", fontweight="normal")
        below.set_title(f"sum {_number(feature_map[i, j])}", fontweight="normal")
    return figure


def _draw(ax, values: np.ndarray, cmap: str, low: float, high: float) -> None:
    ax.imshow(values, cmap=cmap, vmin=low, vmax=high)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, color=GRAY, linewidth=0.6)
    for (i, j), value in np.ma.ndenumerate(values):
        _, ink = _colors(value, cmap, low, high)
        ax.text(j, i, _number(value), ha="center", va="center", fontsize=8, color=ink)


def _colors(value: float, cmap: str, low: float, high: float) -> tuple[str, str]:
    """Return a number's colour, and one in which it can be read on it."""
    color = colormaps[cmap](float((value - low) / ((high - low) or 1)))
    return to_hex(color), INK if np.dot(color[:3], (0.299, 0.587, 0.114)) > 0.5 else "#ffffff"


def _tile(value: float, x: int, y: int, cmap: str, low: float, high: float) -> str:
    fill, ink = _colors(value, cmap, low, high)
    box = f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{fill}" stroke="{GRAY}" stroke-width=".5"/>'
    at = f'x="{x + CELL // 2}" y="{y + CELL // 2 + 5}" text-anchor="middle"'
    return f'{box}<text {at} fill="{ink}">{_number(value)}</text>'


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _grid(values: np.ndarray, x: int, y: int, cmap: str, low: float, high: float) -> list[str]:
    return [_tile(v, x + j * CELL, y + i * CELL, cmap, low, high) for (i, j), v in np.ndenumerate(values)]


def _label(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}" fill="{INK}">{text}</text>'


def _frame(x: int, y: int, columns: int, rows: int) -> str:
    size = f'width="{columns * CELL}" height="{rows * CELL}"'
    return f'<rect x="{x}" y="{y}" {size} fill="none" stroke="{ORANGE}" stroke-width="3"/>'


def _frames_last(parts: list[str]) -> list[str]:
    """Return the parts with what moves on top: in SVG, what comes later covers what came before."""
    return sorted(parts, key=lambda part: part.startswith('<g class="s'))


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
