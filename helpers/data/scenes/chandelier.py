"""The chandelier: chain, turned stem, curved arms or hoops seen in perspective, lights, tents of crystals."""

from itertools import pairwise

import numpy as np

from helpers.data.scenes.drawing import between, bezier, hsv, mix, vector
from helpers.data.scenes.lamps import Fashion, drop, lamp, string, turned
from helpers.data.scenes.sketch import Sketch

# hue, saturation, value of the metal: brass, gilt, iron, pewter, white paint, copper, bright brass, black, red lacquer
METALS = (
    (0.11, 0.65, 0.62),
    (0.13, 0.55, 0.85),
    (0.08, 0.15, 0.20),
    (0.60, 0.06, 0.60),
    (0.10, 0.06, 0.92),
    (0.05, 0.60, 0.58),
    (0.12, 0.60, 0.75),
    (0.08, 0.10, 0.13),
    (0.99, 0.55, 0.55),
)
STYLES = ("branches", "branches", "scrolls", "scrolls", "hoop", "tent", "tent")


def build(rng: np.random.Generator, light: np.ndarray) -> Sketch:
    """Return a chandelier about one unit wide, its hub about y = 0, its chain going up."""
    sketch = Sketch(light)
    tiers = 1 if rng.random() < 0.6 else 2
    fashion = _fashion(rng, tiers)
    _chain(sketch, rng, fashion, fashion.top, fashion.top + between(rng, 0.06, 0.4))
    low = -between(rng, 0.1, 0.35)
    arms = int(rng.integers(5, 11))
    upper = (between(rng, 0.24, 0.32), between(rng, 0.18, 0.26), max(4, arms - 3))
    rings = [(0.5, 0.5 * low, arms), upper][:tiers]
    draw = {"hoop": _hoop, "tent": _tent}.get(fashion.style, _arms)
    for back in (True, False):
        if not back and fashion.style != "hoop":
            _stem(sketch, rng, fashion, low - 0.06, fashion.top)
        for ring in rings:
            draw(sketch, rng, fashion, ring, back)
    return sketch


def _fashion(rng: np.random.Generator, tiers: int) -> Fashion:
    hue, saturation, value = METALS[rng.integers(len(METALS))]
    style = STYLES[rng.integers(len(STYLES))]
    return Fashion(
        style=style,
        metal=hsv(hue + between(rng, -0.02, 0.02), saturation, value + between(rng, -0.06, 0.08)),
        light=mix(hsv(0.1, between(rng, 0.3, 0.6), 1.0), [235.0, 240.0, 255.0], rng.random() ** 2),
        wax=hsv(between(rng, 0.05, 0.15), between(rng, 0.03, 0.3), between(rng, 0.75, 0.95)),
        lit=rng.random() < 0.8,
        lamp=("candle", "candle", "shade", "globe", "tulip")[rng.integers(5)],
        tilt=between(rng, 0.1, 0.42) * (1 if rng.random() < 0.3 else -1),
        crystals=max(0.5 if style == "tent" else 0.0, between(rng, -0.6, 1.0)),
        crystal=mix([225.0, 235.0, 245.0], hsv(rng.random(), 0.6, 0.9), 0.8 if rng.random() < 0.2 else 0.0),
        thickness=between(rng, 0.014, 0.030),
        bend=(between(rng, -0.32, -0.08), between(rng, -0.22, 0.1), between(rng, 0.0, 0.2)),
        ring=rng.random() < 0.25,
        top=between(rng, 0.42, 0.75) + 0.12 * (tiers - 1),
    )


def _chain(sketch: Sketch, rng: np.random.Generator, fashion: Fashion, low: float, high: float) -> None:
    """Hang it on a chain of links, or on a rod, that ends in a ceiling rose or not."""
    if rng.random() < 0.25:
        sketch.ribbon(np.array([[0, low], [0, (low + high) / 2], [0, high]]), np.full(3, 0.016), fashion.metal)
    else:
        turn = np.linspace(0, 2 * np.pi, 11)
        for number, y in enumerate(np.arange(low, high, 0.034)):
            link = np.stack([np.cos(turn) * (0.014, 0.005)[number % 2], np.sin(turn) * 0.023], axis=1)
            sketch.line(link + vector(0, y + 0.017), 0.006, fashion.metal * (1.0, 0.75)[number % 2])
    if rng.random() < 0.4:
        rose = bezier([[0.09, high], [0.08, high - 0.05], [0.0, high - 0.05]], 8)
        outline = np.concatenate([rose, rose[::-1] * [-1, 1]])
        sketch.ramp(outline, [[-0.09, 0], [0.09, 0]], turned(sketch, fashion.metal))


def _stem(sketch: Sketch, rng: np.random.Generator, fashion: Fashion, low: float, high: float) -> None:
    """Turn the stem: knobs, vases and collars, each shaded as a polished round body."""
    levels = np.linspace(low, high, int(rng.integers(5, 9)))
    big = int(rng.integers(0, 3))
    sketch.ribbon(np.stack([np.zeros(3), np.linspace(low, high, 3)], axis=1), np.full(3, 0.026), fashion.metal, 5)
    for number, (bottom, top) in enumerate(pairwise(levels)):
        width = between(rng, 0.07, 0.13) if number == big else between(rng, 0.02, 0.06)
        side = bezier([[0.012, bottom], [width * 1.6, mix(bottom, top, between(rng, 0.1, 0.6))], [0.012, top]], 12)
        outline = np.concatenate([side, side[::-1] * [-1, 1]])
        sketch.ramp(outline, [[-width, 0], [width, 0]], turned(sketch, fashion.metal))
        collar = np.array([[-1, -0.006], [1, -0.006], [1, 0.006], [-1, 0.006]]) * [width * 0.4 + 0.012, 1] + [0, top]
        sketch.ramp(collar, [[-width, 0], [width, 0]], turned(sketch, fashion.metal * 1.1))
    drop(sketch, rng, fashion, np.array([0.0, low]), 0.05)


def _half(count: int, back: bool) -> list[float]:
    """Return the turns of those of `count` arms that point away from the viewer (`back`) or not, the farthest first."""
    turns = (np.arange(count) + 0.31) * (2 * np.pi / count)
    return sorted((float(t) for t in turns if (np.sin(t) > 0) == back), key=lambda t: -np.sin(t))


def _arms(sketch: Sketch, rng: np.random.Generator, fashion: Fashion, ring: tuple, back: bool) -> None:
    """Draw one ring of arms with their lamps, and the strings of crystals between them and the stem."""
    radius, height, count = ring
    dim, turns = 0.68 if back else 1.0, _half(count, back)
    if fashion.ring:
        _circle(sketch, fashion, radius, height + fashion.bend[2], back, dim)
    ends = [_arm(sketch, fashion, radius, height, turn, dim) for turn in turns]
    if fashion.crystals > 0.3:
        for turn in turns:
            end = [radius, height + fashion.bend[2]]
            rope = bezier([[0.02, fashion.top * 0.9], [radius * 0.35, height + 0.1], end], 14)
            string(sketch, rng, fashion, fashion.project(rope[:, 0], rope[:, 1], turn), dim)
    for first, second in pairwise(ends):
        if fashion.crystals > 0.55 and abs(first[0] - second[0]) < radius:
            string(sketch, rng, fashion, bezier([first, (first + second) / 2 - [0, 0.16], second], 14), dim)
    for end in ends:
        lamp(sketch, rng, fashion, end, dim, 0.75 + 0.5 * radius)


def _circle(sketch: Sketch, fashion: Fashion, radius: float, height: float, back: bool, dim: float) -> None:
    """Draw the far or the near half of a hoop of metal."""
    turn = np.linspace(0, np.pi, 24) + (0 if back else np.pi)
    circle = fashion.project(np.full(24, radius), height, turn)
    sketch.ribbon(circle, np.full(24, fashion.thickness * 1.3), fashion.metal * dim, strips=4)


def _arm(sketch: Sketch, fashion: Fashion, radius: float, height: float, turn: float, dim: float) -> np.ndarray:
    """Draw one curved arm from the stem, with its scrolls, and return the point that carries the lamp."""
    dip, rise, end = fashion.bend
    outer = [radius * 1.12, height + rise - 0.12]
    curve = bezier([[0.03, height + 0.02], [radius * 0.45, height + dip * 1.6], outer, [radius, height + end]], 16)
    path = fashion.project(curve[:, 0], curve[:, 1], turn)
    wide = fashion.thickness * (1 - 0.25 * np.sin(turn) * abs(fashion.tilt))
    if fashion.style == "scrolls":
        coil = np.linspace(0, 4.4, 15)
        shrink = 0.095 * radius / 0.5 * (1 - coil / 6.0)
        inner, outer = (radius * 0.42, height + dip * 0.4 + 0.02), (radius * 0.74, height + rise * 0.4)
        spiral = np.stack([shrink * np.cos(coil + 3.6), shrink * np.sin(coil + 3.6)], axis=1)
        brace = bezier([[0.02, height + 0.32], [radius * 0.5, height + 0.36], [radius * 0.5, height + dip * 0.5]], 12)
        for curl in (spiral + inner, spiral * [1, -1] + outer, brace):
            points = fashion.project(curl[:, 0], curl[:, 1], turn)
            sketch.ribbon(points, np.full(len(curl), wide * 0.6), fashion.metal * dim, 3)
    sketch.ribbon(path, np.linspace(1.25, 0.8, 16) * wide, fashion.metal * dim, strips=4)
    return path[-1]


def _hoop(sketch: Sketch, rng: np.random.Generator, fashion: Fashion, ring: tuple, back: bool) -> None:
    """Draw one broad hoop, hung on chains, with lamps all around it."""
    radius, height, count = ring
    dim, deep = 0.6 if back else 1.0, 0.035 + fashion.thickness
    turn = np.linspace(0, np.pi, 24) + (0 if back else np.pi)
    if not back:  # a turned baluster in the middle
        side = bezier([[0.01, height + 0.04], [0.1, height + 0.1], [0.012, height + 0.3], [0.01, fashion.top]], 14)
        outline = np.concatenate([side, side[::-1] * [-1, 1]])
        sketch.ramp(outline, [[-0.05, 0], [0.05, 0]], turned(sketch, fashion.metal))
    for hanger in _half(6, back):
        ends = np.stack([[0.0, fashion.top], fashion.project(radius, height + deep, hanger)])
        sketch.line(ends, 0.008, fashion.metal * dim * 0.9)
    band = [fashion.project(np.full(24, radius), height + edge, turn) for edge in (deep, -deep)]
    quads = np.stack([band[0][:-1], band[0][1:], band[1][1:], band[1][:-1]], axis=1)
    facing = np.cos(turn[:-1]) * np.sign(sketch.light[0]) * (-1 if back else 1)
    sketch.facets(quads, np.outer((0.75 + 0.45 * facing) * dim, fashion.metal))
    sketch.line(band[0], 0.006, fashion.metal * dim * 1.3)
    for at in _half(count + 2, back):
        foot = fashion.project(radius, height + deep, at)
        if fashion.crystals > 0:
            drop(sketch, rng, fashion, foot - [0, 2 * deep], 0.09)
        lamp(sketch, rng, fashion, foot, dim, 0.7 + 0.5 * radius)


def _tent(sketch: Sketch, rng: np.random.Generator, fashion: Fashion, ring: tuple, back: bool) -> None:
    """Draw a tent of crystal strings from a crown to a hoop, a basket of them below, and short arms with lamps."""
    radius, height, count = ring
    radius, dim = radius * 0.74, 0.62 if back else 1.0
    low = height - radius * (0.55 - fashion.bend[0])
    for turn in _half(22, back):
        tent = bezier([[0.07, fashion.top * 0.92], [0.08, height + 0.16], [radius, height]], 15)
        basket = bezier([[radius, height], [radius * 0.85, low], [0.02, low]], 10)
        for rope in (tent, basket):
            string(sketch, rng, fashion, fashion.project(rope[:, 0], rope[:, 1], turn), dim)
    _circle(sketch, fashion, radius, height, back, dim)
    for turn in _half(count, back):
        end = [radius / 0.74, height + fashion.bend[2] * 0.5]
        curve = bezier([[radius, height], [radius * 1.25, height - 0.12], end], 8)
        path = fashion.project(curve[:, 0], curve[:, 1], turn)
        sketch.ribbon(path, np.full(8, fashion.thickness * 0.8), fashion.metal * dim, 3)
        lamp(sketch, rng, fashion, path[-1], dim, 0.7 + 0.5 * radius)
    if not back:
        drop(sketch, rng, fashion, np.array([0.0, low]), 0.1)
