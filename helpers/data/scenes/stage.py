"""Where the object stands, and what meets it there: shadow, stand, waterline and reflection."""

import numpy as np

from helpers.data.scenes.backgrounds import Setting
from helpers.data.scenes.drawing import Canvas, between, blend, hsv, noise, vector
from helpers.data.scenes.ketch import WATERLINE
from helpers.data.scenes.sketch import Pose, Sketch

CRADLE = 0.06  # what a cradle adds to a boat's height, in hull lengths


def place(
    sketch: Sketch, rng: np.random.Generator, floor: float, *, lean: float, mirrored: bool, below: float = 0.0
) -> Pose:
    """Return a pose in which the object's box takes 25 to 80 % of the picture, its foot below `floor`.

    `below` is how far, in the object's units, what carries it reaches under its box.
    """
    low, high = sketch.box(lean)
    low[1] -= below
    width, height = high - low
    scale = min((0.5 + 0.39 * rng.random() ** 0.4) / np.sqrt(width * height), 0.95 / width, 0.95 / height)
    width, height, room = width * scale, height * scale, between(rng, 0.3, 0.7)
    x = 0.02 + (0.96 - width) * room
    x -= scale * (low[0] if not mirrored else -high[0])
    foot = between(rng, min(max(0.02 + height, floor), 0.98), 0.98)
    return Pose(np.array([x, foot + scale * low[1]]), scale, lean, mirrored)


def hang(canvas: Canvas, rng: np.random.Generator, sketch: Sketch, pose: Pose, setting: Setting) -> None:
    """Paint a hanging object, sometimes with its shadow on the wall behind."""
    if not setting.water and rng.random() < 0.35:
        centre = pose(np.array([0.12 if sketch.light[0] < 0 else -0.12, 0.0]))
        canvas.shadow(centre, np.array([0.6, 0.45]) * pose.scale, between(rng, 0.15, 0.4))
    sketch.paint(canvas, pose)


def stand(canvas: Canvas, rng: np.random.Generator, sketch: Sketch, pose: Pose, setting: Setting) -> None:
    """Paint an object on the floor with the shadow it casts; on a rock where there is only water."""
    foot, width = pose(np.zeros(2)), (sketch.box()[1] - sketch.box()[0])[0] * pose.scale
    if setting.water:
        _rock(canvas, rng, foot, 0.36 * width + 0.06)
    side = np.array([0.12 if setting.light[0] < 0 else -0.12, 0.0]) * width
    canvas.shadow(foot + side, np.array([0.55 * width, 0.05]), 0.5)
    canvas.shadow(foot + side * 0.3, np.array([0.33 * width, 0.025]), 0.5)
    sketch.paint(canvas, pose)


def _rock(canvas: Canvas, rng: np.random.Generator, foot: np.ndarray, half: float) -> None:
    """Raise a rock from the water: facets down its sides, those that face the viewer last, and a flat top."""
    tone = hsv(between(rng, 0.05, 0.12), between(rng, 0.05, 0.25), between(rng, 0.35, 0.65))
    turn = np.arange(15) * (2 * np.pi / 14)
    edge = half * (0.85 + 0.25 * rng.random(14))[np.arange(15) % 14]
    top = np.stack([np.cos(turn), 0.16 * np.sin(turn)], axis=1) * edge[:, None] + foot
    base = (
        np.stack([1.2 * np.cos(turn), 0.3 * np.sin(turn)], axis=1) * edge[:, None]
        + foot
        + vector(0, 0.05 + 0.16 * half)
    )
    sides = np.stack([top[:-1], top[1:], base[1:], base[:-1]], axis=1)
    shade = 0.42 + 0.35 * rng.random(14)
    order = np.argsort(np.sin(turn[:-1]), kind="stable")
    canvas.facets(sides[order], np.outer(shade, tone)[order])
    canvas.ramp(top, np.stack([foot - vector(half, 0), foot + vector(half, 0)]), np.outer([1.05, 0.9, 0.8], tone))


def cradle(canvas: Canvas, rng: np.random.Generator, sketch: Sketch, pose: Pose, setting: Setting) -> None:
    """Paint a boat ashore, or a model of one: on two props and a board, with its shadow."""
    wood = hsv(between(rng, 0.03, 0.1), between(rng, 0.2, 0.7), between(rng, 0.15, 0.6))
    width = 0.5 * (sketch.box()[1] - sketch.box()[0])[0] * pose.scale
    canvas.shadow(pose(np.array([0.0, -CRADLE])), np.array([width, 0.05]), 0.55)
    board = np.array([[-0.24, -CRADLE], [0.24, -CRADLE], [0.24, -0.03], [-0.24, -0.03]])
    canvas.ramp(pose(board), pose(board[[3, 0]]), np.outer([1.2, 0.6], wood))
    for x in (-0.17, 0.14):
        prop = np.array([[x - 0.02, -0.035], [x + 0.03, -0.035], [x + 0.05, 0.08], [x - 0.04, 0.08]])
        canvas.ramp(pose(prop), pose(prop[:2]), np.outer([1.1, 0.6], wood))
    sketch.paint(canvas, pose)


def launch(canvas: Canvas, rng: np.random.Generator, sketch: Sketch, pose: Pose, setting: Setting) -> None:
    """Paint a boat on the water: what is below the waterline gives way to waves and a broken reflection."""
    sea = canvas.pixels.copy()
    sketch.paint(canvas, pose)
    level = canvas.rows(float(pose(np.array([0.0, WATERLINE]))[1]))
    if canvas.side - level < 2:
        return
    _reflect(canvas, rng, sea, level)
    crest = noise(rng, 2, canvas.side, (1, 14), 3)[0] / 255.0 - 0.5
    edge = level + np.rint(crest * 0.016 * canvas.side).astype(int)
    wet = np.arange(canvas.side)[:, None] >= edge[None]
    canvas.whole[wet] = sea.view(np.uint32)[..., 0][wet]
    _foam(canvas, rng, sketch, pose)


def _reflect(canvas: Canvas, rng: np.random.Generator, sea: np.ndarray, level: int) -> None:
    """Blend what stands above row `level` of the canvas into the water below it, rocked by the swell."""
    rows, columns = np.arange(canvas.side - level), np.arange(canvas.side)
    rock = rng.random(160)[rows * 160 // canvas.side] - 0.5
    swell = np.rint(rock * (0.005 * canvas.side + rows * 0.06)).astype(int)
    source = np.maximum(level - 1 - (rows * between(rng, 1.0, 1.6)).astype(int), 0)
    image = canvas.pixels[source[:, None], np.clip(columns[None] + swell[:, None], 0, canvas.side - 1)]
    strength = np.maximum(round(75 * between(rng, 0.4, 1.0)) - rows * 165 // canvas.side, 0)
    share = (image[..., 3] * strength.astype(np.uint16)[:, None]) >> 8
    image[..., 3] = 0
    blend(sea[level:], image, share.astype(np.uint8))


def _foam(canvas: Canvas, rng: np.random.Generator, sketch: Sketch, pose: Pose) -> None:
    """Fleck the waterline with foam; the boat may heel, the water does not."""
    low, high = sketch.box()
    middle = pose(vector((low[0] + high[0]) / 2, WATERLINE))
    count = int(rng.integers(20, 120))
    x = middle[0] + 0.9 * pose.scale * (high[0] - low[0]) * (rng.random(count) - 0.5)
    y = middle[1] + 0.03 * pose.scale * rng.random(count) * rng.random(count)
    size = (0.2 + 1.5 * rng.random((count, 1, 1)) ** 2) * [0.014, 0.002] * pose.scale
    fleck = np.stack([np.cos(np.arange(6) * np.pi / 3), np.sin(np.arange(6) * np.pi / 3)], axis=1) * size
    tone = 150 + 70 * rng.random((count, 1)) * np.ones(3)
    canvas.facets(np.stack([x, y], axis=1)[:, None] + fleck, tone)
