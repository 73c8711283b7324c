"""Backgrounds under a roof: a plain or graded studio sheet, walls, rooms with windows, shelves full of things."""

import cv2
import numpy as np

from helpers.data.scenes.drawing import STEPS, Canvas, between, hsv, mix, noise, packed, spread


def tint(rng: np.random.Generator) -> float:
    """Draw a hue as walls and papers have it: warm or blue mostly, seldom a purple."""
    low, high = ((0.02, 0.17), (0.02, 0.17), (0.52, 0.66), (0.52, 0.66), (0.25, 0.5), (0.0, 1.0))[rng.integers(6)]
    return between(rng, low, high)


def plain(canvas: Canvas, rng: np.random.Generator, horizon: float, light: np.ndarray) -> None:
    """One colour from white to black, hardly graded, as in a catalogue."""
    value = (between(rng, 0.9, 1.0), between(rng, 0.0, 0.12), between(rng, 0.3, 0.9))[rng.integers(3)]
    tone = hsv(tint(rng), between(rng, 0.0, 0.4) * (rng.random() < 0.5), value)
    canvas.wash(tone, tone * 0.93)


def studio(canvas: Canvas, rng: np.random.Generator, horizon: float, light: np.ndarray) -> None:
    """A sheet of paper under a lamp: a pool of light, and shade towards the corners."""
    tone = hsv(tint(rng), between(rng, 0.03, 0.42), between(rng, 0.3, 0.95))
    dark = tone * between(rng, 0.1, 0.7)
    x = np.linspace(0, 1, canvas.side) - between(rng, 0.2, 0.8)
    y = np.linspace(0, 1, canvas.side) - between(rng, 0.1, 0.6)
    far = np.minimum((x**2)[None, :] + (y**2)[:, None] * between(rng, 0.6, 1.6), 0.6)
    pool = packed(mix(tone, dark, STEPS[:, None]))
    canvas.whole[...] = pool[(far * (255 / 0.6)).astype(np.uint8)]
    if rng.random() < 0.5:
        table(canvas, rng, horizon)


def _grain(canvas: Canvas, rng: np.random.Generator, cells: tuple[int, int], depth: int, top: float = 0.0) -> None:
    """Lighten and darken everything below `top` with noise of up to `depth` gray levels."""
    region = canvas.pixels[canvas.rows(top) :]
    if len(region):
        rough = noise(rng, len(region), canvas.side, cells, 3).astype(np.int16) - 128
        rough = (rough * depth) >> 7
        up, down = np.maximum(rough, 0).astype(np.uint8), np.maximum(-rough, 0).astype(np.uint8)
        region[...] = cv2.subtract(cv2.add(region, spread(up)), spread(down))


def table(canvas: Canvas, rng: np.random.Generator, top: float) -> None:
    """Lay a table top of wood, stone or cloth from picture coordinate `top` to the lower edge."""
    tone = hsv(between(rng, 0.02, 0.14), between(rng, 0.05, 0.6), between(rng, 0.2, 0.8))
    if rng.random() < 0.3:
        tone = hsv(rng.random(), between(rng, 0.0, 0.5), between(rng, 0.2, 0.95))
    canvas.wash(tone * 0.8, tone * 1.08, top)
    _grain(canvas, rng, ((24, 3), (6, 6))[rng.integers(2)], int(rng.integers(8, 32)), top)
    canvas.line(np.array([[0.0, top], [1.0, top]]), 0.006, tone * 0.5)


def wall(canvas: Canvas, rng: np.random.Generator, horizon: float, light: np.ndarray) -> None:
    """A wall of plaster, bricks, boards, tiles or striped paper, a floor or table before it or not."""
    tone = hsv(tint(rng), between(rng, 0.05, 0.42), between(rng, 0.3, 0.95))
    canvas.wash(tone, tone)
    (_plaster, _bricks, _boards, _stripes)[rng.integers(4)](canvas, rng, tone)
    _slant(canvas, rng, light)
    if rng.random() < 0.6:
        table(canvas, rng, horizon)


def _plaster(canvas: Canvas, rng: np.random.Generator, tone: np.ndarray) -> None:
    _grain(canvas, rng, (4, 4), int(rng.integers(10, 36)))
    _grain(canvas, rng, (40, 40), int(rng.integers(3, 16)))


def _bricks(canvas: Canvas, rng: np.random.Generator, tone: np.ndarray) -> None:
    rows = int(rng.integers(7, 16))
    tall, wide = 1 / rows, between(rng, 1.0, 3.0) / rows
    gap = 0.08 * tall
    corners = np.array([[gap, gap], [wide - gap, gap], [wide - gap, tall - gap], [gap, tall - gap]])
    across, down = np.meshgrid(np.arange(-1, int(1 / wide) + 2), np.arange(rows))
    places = np.stack([(across + 0.5 * (down % 2)) * wide, down * tall], axis=-1).reshape(-1, 1, 2)
    shade = between(rng, 0.72, 0.95) + 0.25 * rng.random((len(places), 1))
    mortar = tone * (0.6 if rng.random() < 0.5 else 1.0)
    canvas.wash(mortar, mortar)
    canvas.facets(places + corners, shade * tone)
    _grain(canvas, rng, (40, 40), 14)


def _boards(canvas: Canvas, rng: np.random.Generator, tone: np.ndarray) -> None:
    count, upright = int(rng.integers(5, 13)), rng.random() < 0.5
    shade = np.repeat(0.75 + 0.35 * rng.random(count), -(-canvas.side // count))[: canvas.side]
    colours = packed(shade[:, None] * tone)
    canvas.whole[...] = colours[None, :] if upright else colours[:, None]
    _grain(canvas, rng, (3, 48) if upright else (48, 3), int(rng.integers(10, 36)))
    for edge in np.arange(1, count) * (-(-canvas.side // count) / canvas.side):
        ends = np.array([[edge, 0.0], [edge, 1.0]])
        canvas.line(ends if upright else ends[:, ::-1], 0.005, tone * 0.35)


def _stripes(canvas: Canvas, rng: np.random.Generator, tone: np.ndarray) -> None:
    count = int(rng.integers(6, 20))
    other = mix(tone, hsv(rng.random(), 0.4, 0.8), between(rng, 0.2, 0.5))
    band = (np.arange(canvas.side) * 2 * count // canvas.side) % 2
    canvas.whole[...] = packed(np.stack([tone, other]))[band][None, :]
    _grain(canvas, rng, (30, 30), 14)


def _slant(canvas: Canvas, rng: np.random.Generator, light: np.ndarray) -> None:
    """Let the wall darken away from the light."""
    depth = between(rng, 0.1, 0.55)
    fall = np.linspace(0, 1, canvas.side) if light[0] < 0 else np.linspace(1, 0, canvas.side)
    keep = np.rint(256 - 256 * depth * (0.75 * fall[None, :] + 0.25 * np.linspace(0, 1, canvas.side)[:, None]))
    canvas.darken(keep)


def room(canvas: Canvas, rng: np.random.Generator, horizon: float, light: np.ndarray) -> None:
    """A room: wall and floor, a window or a curtain, a picture, a lattice or beams."""
    tone = hsv(tint(rng), between(rng, 0.05, 0.4), between(rng, 0.35, 0.95))
    canvas.wash(tone, tone)
    _plaster(canvas, rng, tone)
    for feature in rng.permutation(4)[: rng.integers(1, 3)]:
        (_window, _curtain, _frame, _beams)[feature](canvas, rng, tone, horizon)
    _slant(canvas, rng, light)
    table(canvas, rng, horizon)
    if rng.random() < 0.5:
        skirting = np.array([[0, horizon - 0.05], [1, horizon - 0.05], [1, horizon], [0, horizon]])
        canvas.ramp(skirting, skirting[[0, 3]], np.outer([1.1, 0.75], mix(tone, [240.0, 235.0, 225.0], 0.4)))


def _window(canvas: Canvas, rng: np.random.Generator, tone: np.ndarray, horizon: float) -> None:
    left, top = between(rng, -0.1, 0.6), between(rng, 0.0, 0.2)
    right, bottom = left + between(rng, 0.25, 0.6), min(top + between(rng, 0.3, 0.5), horizon - 0.04)
    pane = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    sky = hsv(between(rng, 0.5, 0.65), between(rng, 0.05, 0.4), between(rng, 0.25, 1.0))
    canvas.ramp(pane, pane[[0, 3]], np.stack([sky, mix(sky, [235.0, 235.0, 220.0], 0.6), sky * 0.6]))
    bar = mix(tone * 0.4, [240.0, 240.0, 235.0], float(rng.random() < 0.5))
    for x in np.linspace(left, right, int(rng.integers(3, 6))):
        canvas.line(np.array([[x, top], [x, bottom]]), 0.014, bar)
    for y in np.linspace(top, bottom, int(rng.integers(2, 5))):
        canvas.line(np.array([[left, y], [right, y]]), 0.014, bar)


def _curtain(canvas: Canvas, rng: np.random.Generator, tone: np.ndarray, horizon: float) -> None:
    cloth = hsv(tint(rng), between(rng, 0.1, 0.55), between(rng, 0.25, 0.9))
    start = canvas.rows(between(rng, -0.2, 0.7))
    stop = min(start + canvas.rows(between(rng, 0.2, 0.5)), canvas.side)
    x = np.arange(start, stop) / canvas.side
    fold = 0.8 + 0.25 * np.sin(x * between(rng, 60, 120) + 2 * np.sin(x * 23))
    canvas.whole[: canvas.rows(horizon), start:stop] = packed(fold[:, None] * cloth)[None]


def _frame(canvas: Canvas, rng: np.random.Generator, tone: np.ndarray, horizon: float) -> None:
    left, top = between(rng, 0.0, 0.7), between(rng, 0.05, 0.3)
    size = np.array([between(rng, 0.15, 0.35), between(rng, 0.12, 0.3)])
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float) * size + [left, top]
    canvas.fill(corners + 0.008, tone * 0.5)
    canvas.ramp(corners, corners[[0, 2]], np.outer([1.2, 0.6], hsv(between(rng, 0.05, 0.12), 0.6, 0.6)))
    inner = mix(corners, corners.mean(axis=0), 0.14)
    canvas.ramp(inner, inner[[0, 3]], np.stack([hsv(rng.random(), 0.3, 0.8), hsv(rng.random(), 0.4, 0.4)]))


def _beams(canvas: Canvas, rng: np.random.Generator, tone: np.ndarray, horizon: float) -> None:
    wood = hsv(between(rng, 0.03, 0.1), between(rng, 0.3, 0.6), between(rng, 0.15, 0.5))
    for _ in range(int(rng.integers(1, 4))):
        start, stop, width = between(rng, -0.2, 0.9), between(rng, 0.1, 1.2), between(rng, 0.03, 0.07)
        beam = np.array([[start, -0.01], [start + width, -0.01], [stop + width, horizon], [stop, horizon]])
        canvas.ramp(beam, beam[:2], np.outer([1.2, 0.9, 0.5], wood))


def shelves(canvas: Canvas, rng: np.random.Generator, horizon: float, light: np.ndarray) -> None:
    """Clutter: shelves with books, boxes and jars, more or less out of focus."""
    wood = hsv(between(rng, 0.04, 0.12), between(rng, 0.1, 0.6), between(rng, 0.2, 0.7))
    canvas.wash(wood * 0.4, wood * 0.4)
    levels = np.linspace(between(rng, 0.05, 0.25), 1.05, int(rng.integers(3, 6)))
    things, colours = [], []
    for level, tall in zip(levels, np.diff(levels, prepend=levels[0] - 0.3), strict=True):
        x = -0.02
        while x < 1:
            width, height = between(rng, 0.02, 0.09), tall * between(rng, 0.4, 0.9)
            things.append([[x, level - height], [x + width, level - height], [x + width, level], [x, level]])
            colours.append(hsv(rng.random(), between(rng, 0.1, 0.7), between(rng, 0.2, 0.85)))
            x += width * (1.05 if rng.random() < 0.85 else 2.0)
        things.append([[-0.1, level], [1.1, level], [1.1, level + 0.025], [-0.1, level + 0.025]])
        colours.append(wood)
    canvas.facets(np.array(things), np.array(colours))
    canvas.soften(between(rng, 0.002, 0.025))
    _slant(canvas, rng, light)
    if rng.random() < 0.6:
        table(canvas, rng, horizon)
