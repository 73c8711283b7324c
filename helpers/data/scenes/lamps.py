"""What a chandelier carries: candles, shades and globes with their glow, cut drops and strings of crystals."""

from dataclasses import dataclass

import numpy as np

from helpers.data.scenes.drawing import mix, vector
from helpers.data.scenes.sketch import Sketch

TURN = np.linspace(0, 2 * np.pi, 15)[:-1]
OVAL = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)
BEAD = np.array([[-0.009, 0], [0, -0.012], [0.009, 0], [0, 0.012]])


@dataclass(frozen=True)
class Fashion:
    """What one chandelier is made of, and how it is seen: `tilt` is the sine of the view from below or (-) above."""

    style: str
    metal: np.ndarray
    light: np.ndarray
    wax: np.ndarray
    lit: bool
    lamp: str
    tilt: float
    crystals: float
    crystal: np.ndarray
    thickness: float
    bend: tuple[float, float, float]
    ring: bool
    top: float

    def project(self, radius: np.ndarray, height: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Return points (..., 2) at `radius` and `height` on the half-planes `turn` about the stem."""
        return np.stack([radius * np.cos(turn), height - radius * np.sin(turn) * self.tilt], axis=-1)


def turned(sketch: Sketch, colour: np.ndarray) -> np.ndarray:
    """Return the stops of a polished round body from its left edge to its right one."""
    shine = np.outer([0.35, 0.75, 1.35, 0.95, 0.7, 0.45, 0.3, 0.45], colour)
    shine[2] += 40
    return shine if sketch.light[0] < 0 else shine[::-1]


def lamp(sketch: Sketch, rng: np.random.Generator, fashion: Fashion, foot: np.ndarray, dim: float, size: float) -> None:
    """Set a dish and a candle, a shade or a glass on the end of an arm; light it; hang crystals from the dish."""
    dish = OVAL * [0.046 * size, 0.012 + 0.03 * abs(fashion.tilt) * size] + foot
    sketch.ramp(dish, [foot - vector(0.046, 0), foot + vector(0.046, 0)], turned(sketch, fashion.metal * dim))
    for shift in (-0.034, 0.0, 0.034) if fashion.crystals > 0 else ():
        drop(sketch, rng, fashion, foot + vector(shift * size, -0.012), 0.03 + 0.035 * fashion.crystals)
    tall = 0.13 * size
    stick = np.array([[-0.013, 0], [0.013, 0], [0.012, tall], [-0.012, tall]]) * [size, 1] + foot
    stops = np.outer([1.1, 1.0, 0.65] if sketch.light[0] < 0 else [0.65, 1.0, 1.1], fashion.wax * (0.6 + 0.4 * dim))
    sketch.ramp(stick, [stick[0], stick[1]], stops)
    bright = fashion.light if fashion.lit else mix(fashion.light, [120.0, 120.0, 125.0], 0.55)
    GLASSES[fashion.lamp](sketch, fashion, foot + vector(0, tall), size, bright)
    if fashion.lit:
        reach = 0.11 if fashion.lamp == "globe" else 0.13
        sketch.glow(foot + vector(0, tall + 0.02), reach * size, fashion.light * 0.36)


def _shade(sketch: Sketch, fashion: Fashion, wick: np.ndarray, size: float, bright: np.ndarray) -> None:
    shape = np.array([[-0.075, -0.06], [0.075, -0.06], [0.04, 0.05], [-0.04, 0.05]]) * size + wick
    cloth = mix(fashion.wax, bright, 0.7 if fashion.lit else 0.1) * 0.95
    sketch.ramp(shape, [shape[0], shape[1]], np.outer([0.6, 1.05, 1.15, 0.9, 0.55], cloth))


def _globe(sketch: Sketch, fashion: Fashion, wick: np.ndarray, size: float, bright: np.ndarray) -> None:
    for radius, lift, share in ((0.058, 0.0, 0.62), (0.05, 0.004, 0.8)):
        sketch.fill(OVAL * radius * size + wick + [0, lift], bright * share)
    sketch.fill(OVAL * 0.03 * size + wick + [0.0, 0.006], mix(bright, [255, 255, 255], 0.4))


def _tulip(sketch: Sketch, fashion: Fashion, wick: np.ndarray, size: float, bright: np.ndarray) -> None:
    cup = [[-0.025, -0.05], [0.025, -0.05], [0.045, 0.0], [0.065, 0.06], [0.03, 0.048], [0, 0.06], [-0.03, 0.048]]
    cup = np.array([*cup, [-0.065, 0.06], [-0.045, 0.0]]) * size + wick
    sketch.ramp(cup, [wick - vector(0, 0.05), wick + vector(0, 0.06)], np.outer([0.55, 0.95, 1.1], bright))


def _candle(sketch: Sketch, fashion: Fashion, wick: np.ndarray, size: float, bright: np.ndarray) -> None:
    flame = np.array([[0, -0.005], [0.014, 0.015], [0.009, 0.035], [0, 0.062], [-0.009, 0.035], [-0.014, 0.015]])
    sketch.fill(flame * size + wick, bright * 0.95)
    sketch.fill(flame * size * 0.55 + wick + [0, 0.006], mix(bright, [255, 255, 255], 0.7))


GLASSES = {"shade": _shade, "globe": _globe, "tulip": _tulip, "candle": _candle}


def string(sketch: Sketch, rng: np.random.Generator, fashion: Fashion, path: np.ndarray, dim: float) -> None:
    """Thread crystals along a path (n, 2)."""
    tone = fashion.crystal * (0.5 + 0.65 * rng.random(len(path)))[:, None] * dim
    sketch.line(path, 0.003, fashion.crystal * 0.5 * dim)
    sketch.facets(path[:, None] + BEAD, tone)


def drop(sketch: Sketch, rng: np.random.Generator, fashion: Fashion, top: np.ndarray, length: float) -> None:
    """Hang one cut drop from `top`: a bright side and a dark one."""
    left = np.array([[0, 0], [-0.2, -0.65], [0, -1.0], [0, -0.6]]) * length + top
    right = np.array([[0, 0], [0.2, -0.65], [0, -1.0], [0, -0.6]]) * length + top
    bright = 0.85 + 0.3 * rng.random()
    sides = np.stack([left, right] if sketch.light[0] < 0 else [right, left])
    sketch.facets(sides, np.stack([fashion.crystal * bright, fashion.crystal * bright * 0.55]))
