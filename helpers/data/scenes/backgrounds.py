"""What stands behind the object: studio, wall, room, shelf, garden, land, sea; its class decides how often the sea."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.data.scenes import interiors
from helpers.data.scenes.drawing import Canvas, between, blend, hsv, mix, noise, packed, spread

# the colours of a sky above and at the horizon: noon, haze, overcast, dusk, rose evening, night
SKIES = (
    ((0.59, 0.62, 0.72), (0.55, 0.25, 0.95)),
    ((0.57, 0.35, 0.80), (0.10, 0.08, 0.95)),
    ((0.60, 0.08, 0.62), (0.60, 0.05, 0.86)),
    ((0.62, 0.55, 0.38), (0.07, 0.60, 0.95)),
    ((0.75, 0.30, 0.60), (0.98, 0.35, 0.92)),
    ((0.64, 0.70, 0.14), (0.62, 0.60, 0.38)),
)


@dataclass(frozen=True)
class Setting:
    """A painted background: where its floor, ground or sea begins (picture coordinate), and whether that is water."""

    horizon: float
    water: bool
    light: np.ndarray


def paint(canvas: Canvas, rng: np.random.Generator, sea: float) -> Setting:
    """Paint a background, with probability `sea` the sea, and return what the object needs to know of it."""
    side = -1.0 if rng.random() < 0.5 else 1.0
    light = np.array([side * between(rng, 0.5, 0.8), between(rng, 0.35, 0.6), between(rng, 0.3, 0.6)])
    horizon = between(rng, 0.55, 0.86)
    water = bool(rng.random() < sea)
    draw = KINDS[rng.integers(len(KINDS))]
    (_sea if water else draw)(canvas, rng, horizon, light)
    if not water and rng.random() < 0.5:  # out of focus
        canvas.soften(between(rng, 0.004, 0.012))
    canvas.pixels[..., 3] = 0
    return Setting(horizon, water, light)


def _sky(canvas: Canvas, rng: np.random.Generator, horizon: float, light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Paint a sky with clouds lit from one side, down to the horizon; return its colours at the top and there."""
    top, low = (hsv(h + between(rng, -0.02, 0.02), s, v) for h, s, v in SKIES[rng.integers(len(SKIES))])
    rows = max(canvas.rows(horizon), 2)
    share = np.linspace(0, 1, rows)[:, None] ** 1.3
    canvas.whole[:rows] = packed(mix(top, low, share))[:, None]
    cover = between(rng, -0.25, 0.5)
    if cover > 0:
        cells = (int(rng.integers(3, 6)), int(rng.integers(2, 4)))
        reach = max(canvas.side // 36, 1)
        shape = noise(rng, rows + reach, canvas.side + reach, cells, 5)
        shape = cv2.blur(shape, (3, 3)).astype(np.int16)
        near, far = slice(None, -reach), slice(reach, None)
        here, lit = (near, far) if light[0] > 0 else (far, near)
        slope = shape[:-reach, here] - shape[reach:, lit]
        shape = shape[:-reach, here]
        share = np.clip((shape - round(158 - 85 * cover)) * 3, 0, 112).astype(np.uint8)
        shades = packed(np.outer(np.arange(256) / 255, mix(low, [255.0, 255.0, 255.0], 0.65)))
        colour = shades[np.clip(205 + slope * 2, 110, 250)]
        blend(canvas.pixels[:rows], colour.view(np.uint8).reshape(rows, canvas.side, 4), share)
    return top, low


def _ground(
    canvas: Canvas,
    rng: np.random.Generator,
    top: float,
    colours: tuple[np.ndarray, np.ndarray],
    cells: tuple[int, int],
    contrast: int,
) -> None:
    """Paint a textured plane in perspective from picture coordinate `top` down, its colours far and near."""
    start = canvas.rows(top)
    if start >= canvas.side:
        return
    tile = noise(rng, 256, 256, cells, 3).astype(np.int16) - 128
    down = (np.arange(start, canvas.side) + 0.5) / canvas.side - top
    depth = 0.12 / (down + 0.03)
    v = (depth * 150).astype(np.int32) & 511
    u = ((np.arange(canvas.side) / canvas.side - 0.5)[None, :] * depth[:, None] * 330).astype(np.int32) & 511
    texture = tile[np.minimum(v, 511 - v)[:, None], np.minimum(u, 511 - u)]
    fade = np.minimum(down * 5 + 0.15, 1.0) * contrast
    share = np.sqrt(np.clip(down / 0.45, 0, 1))
    lift = (texture * np.rint(fade).astype(np.int16)[:, None]) >> 7
    runs = np.rint(mix(*colours, share[:, None])).astype(np.int16).T
    planes = [np.clip(run[:, None] + lift, 0, 255).astype(np.uint8) for run in runs]
    canvas.pixels[start:] = spread(*planes, np.zeros_like(planes[0]))


def _sea(canvas: Canvas, rng: np.random.Generator, horizon: float, light: np.ndarray) -> None:
    top, low = _sky(canvas, rng, horizon, light)
    if rng.random() < 0.45:
        _hills(canvas, rng, horizon, low, 0.10)
    deep = mix(hsv(between(rng, 0.48, 0.64), between(rng, 0.3, 0.75), between(rng, 0.25, 0.6)), top, 0.35)
    _ground(canvas, rng, horizon, (mix(deep, low, 0.45), deep * 0.8), (60, 14), int(rng.integers(18, 45)))


def _hills(canvas: Canvas, rng: np.random.Generator, horizon: float, air: np.ndarray, height: float) -> None:
    """Paint ridges that pale with distance, the farthest first."""
    tone = hsv(between(rng, 0.08, 0.4), between(rng, 0.2, 0.5), between(rng, 0.2, 0.45))
    x = np.linspace(-0.02, 1.02, 60)
    count = int(rng.integers(1, 4))
    for number in range(count):
        share = (number + 1) / count
        rough = noise(rng, 2, 60, (1, int(rng.integers(3, 6))), 4)[0] / 255.0
        ridge = horizon - height * (0.25 + 1.5 * rough * (1.1 - 0.5 * share)) * (1.15 - 0.5 * share)
        shape = np.concatenate([np.stack([x, ridge], axis=1), [[1.02, horizon + 0.01], [-0.02, horizon + 0.01]]])
        colour = mix(air, tone, 0.25 + 0.6 * share)
        canvas.ramp(shape, np.array([[0, horizon - height], [0, horizon]]), np.stack([colour, mix(colour, air, 0.25)]))


def _land(canvas: Canvas, rng: np.random.Generator, horizon: float, light: np.ndarray) -> None:
    _, low = _sky(canvas, rng, horizon, light)
    _hills(canvas, rng, horizon, low, between(rng, 0.12, 0.3))
    field = hsv(between(rng, 0.09, 0.32), between(rng, 0.25, 0.6), between(rng, 0.35, 0.65))
    if rng.random() < 0.6:
        _thicket(canvas, rng, horizon - 0.05, horizon + 0.015, field * 0.6, 160, 0.03)
    _ground(canvas, rng, horizon, (mix(field, low, 0.3), field * 0.75), (50, 50), int(rng.integers(18, 40)))


def _thicket(
    canvas: Canvas, rng: np.random.Generator, top: float, bottom: float, tone: np.ndarray, count: int, size: float
) -> None:
    """Scatter blots of foliage between two heights."""
    middle = np.stack([rng.random(count) * 1.1 - 0.05, top + (bottom - top) * np.sort(rng.random(count))], axis=1)
    turn = np.arange(6) * (np.pi / 3)
    blot = np.stack([np.cos(turn), np.sin(turn)], axis=1) * size
    spread = 0.5 + rng.random((count, 6))
    shade = (0.45 + 0.8 * rng.random(count))[:, None] * tone
    canvas.facets(middle[:, None] + blot * spread[..., None], shade)


def _garden(canvas: Canvas, rng: np.random.Generator, horizon: float, light: np.ndarray) -> None:
    """Paint foliage that fills the view, out of focus, over a path or a lawn."""
    tone = hsv(between(rng, 0.05, 0.42), between(rng, 0.2, 0.6), between(rng, 0.25, 0.65))
    canvas.wash(tone * 0.45, tone * 0.45)
    sharp = rng.random() < 0.5
    for size in (0.10, 0.05, 0.03):
        _thicket(canvas, rng, -0.05, horizon + 0.05, tone * between(rng, 0.7, 1.2), 130, size)
    canvas.soften(between(rng, 0.016, 0.03))
    if sharp:  # and some of it in focus
        _thicket(canvas, rng, -0.05, horizon + 0.03, tone, 320, 0.014)
        canvas.soften(0.003)
    floor = mix(tone, hsv(between(rng, 0.05, 0.15), 0.2, 0.6), rng.random())
    _ground(canvas, rng, horizon, (floor * 0.8, floor), (40, 40), int(rng.integers(10, 35)))


Painter = Callable[[Canvas, np.random.Generator, float, np.ndarray], None]
KINDS: tuple[Painter, ...] = (
    interiors.plain,
    interiors.plain,
    interiors.studio,
    interiors.studio,
    interiors.wall,
    interiors.wall,
    interiors.room,
    interiors.room,
    interiors.shelves,
    _garden,
    _land,
)
