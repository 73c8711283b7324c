"""The bonsai: a bent, tapering trunk that branches again and again, clouds of leaves, a pot, sometimes a stand."""

from dataclasses import dataclass

import numpy as np

from helpers.data.scenes.drawing import between, bezier, hsv, mix, vector
from helpers.data.scenes.sketch import Sketch

# hue, saturation and value of foliage, low and high: greens, a blue conifer, autumn, blossom, dusty olive
FOLIAGE = (
    ((0.22, 0.50, 0.42), (0.34, 0.85, 0.72)),
    ((0.22, 0.50, 0.42), (0.34, 0.85, 0.72)),
    ((0.20, 0.50, 0.45), (0.32, 0.80, 0.70)),
    ((0.24, 0.55, 0.35), (0.36, 0.85, 0.60)),
    ((0.24, 0.35, 0.30), (0.40, 0.60, 0.48)),
    ((0.36, 0.20, 0.42), (0.52, 0.45, 0.62)),
    ((0.97, 0.65, 0.55), (1.03, 0.95, 0.85)),
    ((0.03, 0.65, 0.65), (0.12, 0.95, 0.95)),
    ((0.90, 0.08, 0.85), (1.00, 0.40, 1.00)),
    ((0.13, 0.20, 0.45), (0.20, 0.55, 0.75)),
)
GLAZES = (  # hue, saturation, value: terracotta, brown, cobalt, celadon, cream, slate
    (0.05, 0.55, 0.45),
    (0.06, 0.45, 0.30),
    (0.62, 0.60, 0.45),
    (0.45, 0.45, 0.45),
    (0.10, 0.12, 0.85),
    (0.60, 0.10, 0.20),
)
DEPTH = 3
TURN = np.linspace(0, 2 * np.pi, 28)[:-1]
OVAL = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)
CRUMB = np.array([[-0.012, 0], [0, -0.006], [0.012, 0], [0, 0.009]])


@dataclass(frozen=True)
class Habit:
    """How one tree grows: its bark, its leaf colour, the shape of its leaves and how flat its clouds are."""

    bark: np.ndarray
    leaf: np.ndarray
    leaf_size: float
    leaf_length: float
    flatness: float
    wander: float
    cloud: float
    stout: float
    low: float
    dense: bool


def build(rng: np.random.Generator, light: np.ndarray) -> Sketch:
    """Return a bonsai of about unit height whose pot or stand rests on y = 0."""
    sketch = Sketch(light)
    habit = _habit(rng)
    width = between(rng, 0.40, 0.78)
    rim = _pot(sketch, rng, width)
    trunks = _trunks(rng, 0.32 * width)
    tree = Tree(sketch, rng, habit, [])
    for foot, height, heading, droop in trunks:
        tree.limb(np.array([foot, rim]), heading, height / len(trunks) ** 0.2, 0, droop)
    _crown(sketch, rng, habit, tree.tips)
    return sketch


def _habit(rng: np.random.Generator) -> Habit:
    low, high = FOLIAGE[rng.integers(len(FOLIAGE))]
    leaf = hsv(*(between(rng, a, b) for a, b in zip(low, high, strict=True)))
    bark = hsv(between(rng, 0.05, 0.1), between(rng, 0.15, 0.5), between(rng, 0.35, 0.75))
    needles = rng.random() < 0.3
    return Habit(
        bark,
        leaf,
        leaf_size=between(rng, 0.008, 0.013) if needles else between(rng, 0.011, 0.022),
        leaf_length=between(rng, 3.0, 5.0) if needles else between(rng, 1.2, 2.2),
        flatness=between(rng, 0.35, 0.8),
        wander=between(rng, 0.15, 0.55),
        cloud=between(rng, 0.7, 1.1),
        stout=between(rng, 0.6, 1.1),
        low=between(rng, 0.25, 0.5),
        dense=not needles and rng.random() < 0.6,
    )


def _trunks(rng: np.random.Generator, room: float) -> list[tuple[float, float, float, float]]:
    """Return each trunk's foot, height, heading (radians from upright) and droop: one, a pair, a forest or a cascade.

    `room` is how far from the middle of the pot a forest may spread.
    """
    kind = rng.random()
    if kind < 0.10:
        feet = np.linspace(-room, room, int(rng.integers(3, 6)))
        return [(float(x), between(rng, 0.5, 0.8), 1.4 * float(x), 0.0) for x in feet]
    if kind < 0.25:
        low = (-0.05, between(rng, 0.55, 0.75), -between(rng, 0.2, 0.5), 0.0)
        return [low, (0.04, between(rng, 0.65, 0.85), 0.15, 0.0)]
    if kind < 0.37:
        return [(-0.08, between(rng, 0.8, 1.0), 0.35, between(rng, 1.0, 1.9))]
    return [(between(rng, -0.1, 0.1), between(rng, 0.6, 0.9), between(rng, -0.45, 0.45), 0.0)]


@dataclass
class Tree:
    """A tree as it grows: where it is noted down, what it is like, and the tips that will carry leaves."""

    sketch: Sketch
    rng: np.random.Generator
    habit: Habit
    tips: list[tuple[np.ndarray, float]]

    def limb(self, start: np.ndarray, heading: float, length: float, depth: int, droop: float = 0.0) -> None:
        """Draw a limb from `start`, and before it the limbs that leave it; note where its leaves belong."""
        rng, habit, count = self.rng, self.habit, (10, 6, 4)[depth]
        turns = habit.wander * np.cumsum(rng.random(count - 1) * 2 - 1) * (1.0, 0.8, 0.6)[depth]
        bends = heading + turns + droop * np.linspace(0, 1, count - 1)
        bends[count // 2 :] -= 0.5 * (bends[count // 2 :] - 0.3 * heading - droop)  # a tree turns back to the light
        steps = np.stack([np.sin(bends), np.cos(bends)], axis=1) * (length / (count - 1))
        path = np.concatenate([start[None], start + np.cumsum(steps, axis=0)])
        thick = (0.14, 0.05, 0.02)[depth] * between(rng, 0.7, 1.15) * habit.stout
        widths = thick * (1 - np.linspace(0, 1, count) ** 0.7 * 0.75)
        if depth == 0:
            widths[0] *= 1.6  # the flare of the roots
        if depth < DEPTH - 1:
            self._limbs(path, length, depth, droop)
        self.sketch.ribbon(path, widths, habit.bark, strips=(6, 3, 2)[depth])
        if depth == 0:
            _bark(self.sketch, rng, habit, path, widths)
        self.tips.append((path[-1], habit.cloud * (0.14, 0.12, 0.095)[depth] * between(rng, 0.8, 1.2)))

    def _limbs(self, path: np.ndarray, length: float, depth: int, droop: float) -> None:
        rng = self.rng
        side = 1.0 if rng.random() < 0.5 else -1.0
        places = [0.4, 0.62, 0.85] if depth else np.linspace(self.habit.low, 0.94, int(rng.integers(4, 8)))
        for place in places:
            at = place * (len(path) - 1)
            start = mix(path[int(at)], path[min(int(at) + 1, len(path) - 1)], at - int(at))
            heading = side * between(rng, 0.9, 1.55 if depth == 0 else 1.1) + droop * place * 0.6
            reach = length * between(rng, 0.4, 0.6) * (1.2 - 0.65 * place)
            self.limb(start, heading, reach, depth + 1)
            side = -side


def _bark(sketch: Sketch, rng: np.random.Generator, habit: Habit, path: np.ndarray, widths: np.ndarray) -> None:
    """Furrow the trunk with short dark and light lines that follow it."""
    for _ in range(16):
        at = int(rng.integers(0, len(path) - 2))
        offset = (rng.random() - 0.5) * 0.8 * widths[at + 1]
        ends = path[at : at + 3] + vector(offset, 0)
        sketch.line(ends, 0.004, habit.bark * (0.45 if rng.random() < 0.6 else 1.2))


def _crown(sketch: Sketch, rng: np.random.Generator, habit: Habit, tips: list[tuple[np.ndarray, float]]) -> None:
    """Draw the clouds of leaves from the back, low and dark, to the front, high and lit."""
    order = sorted(tips, key=lambda tip: float(tip[0][1]))
    for centre, radius in order:
        tone = mix(habit.leaf, habit.leaf[[1, 0, 2]], 0.12 * rng.random()) * between(rng, 0.8, 1.15)
        _cloud(sketch, rng, habit, centre, radius, tone)


def _cloud(
    sketch: Sketch, rng: np.random.Generator, habit: Habit, centre: np.ndarray, radius: float, tone: np.ndarray
) -> None:
    """Draw one cloud of leaves scattered over a flat ellipsoid, those that face the light the brightest and last."""
    count = int(min(110, 26 + 3600 * radius**2 / (habit.leaf_size / 0.018) ** 2 / habit.leaf_length))
    if habit.dense:  # the dark heart of the cloud, which its leaves only cover
        lobes = np.linspace(0, 2 * np.pi, 12)[:-1]
        rim = np.stack([np.cos(lobes), np.sin(lobes) * habit.flatness], axis=1) * (0.6 + 0.3 * rng.random((11, 1)))
        heart = centre + rim * radius
        ends = centre + np.array([-1.0, 1.0])[:, None] * sketch.light[:2] * radius * 0.8
        sketch.ramp(heart, ends, np.outer([0.28, 0.62], tone))
    turn, far = rng.random(count) * 2 * np.pi, rng.random(count) ** 0.5 * (0.8 + 0.35 * rng.random(count))
    place = np.stack([np.cos(turn), np.sin(turn) * habit.flatness], axis=1) * far[:, None]
    height = 1 - np.minimum(far, 1.0) ** 2
    facing = (np.stack([place[:, 0], place[:, 1] / habit.flatness], axis=1) @ sketch.light[:2]) * 0.8 + 0.3 * height
    shade = 0.34 + 0.62 * (facing + 1) / 1.6 + 0.5 * (rng.random(count) - 0.5)
    order = np.argsort(facing + 0.5 * rng.random(count), kind="stable")
    leaves = centre + place * radius + _leaves(rng, habit, turn)
    sketch.facets(leaves.transpose(1, 0, 2)[order], (shade[:, None] * tone)[order])


def _leaves(rng: np.random.Generator, habit: Habit, turn: np.ndarray) -> np.ndarray:
    """Return the corners (4, n, 2) of one leaf at each place `turn` (n,) around a cloud, about its own middle."""
    count = len(turn)
    size = habit.leaf_size * (0.7 + 0.6 * rng.random(count))
    needles = habit.leaf_length > 2.5  # they point outwards
    lean = turn + (rng.random(count) - 0.5) if needles else rng.random(count) * np.pi
    along = np.stack([np.cos(lean), np.sin(lean)], axis=1) * (size * habit.leaf_length / 2)[:, None]
    across = np.stack([-np.sin(lean), np.cos(lean)], axis=1) * (size / 2)[:, None] * (0.45 if needles else 1)
    return np.stack([-along, -across, along, across])


def _pot(sketch: Sketch, rng: np.random.Generator, width: float) -> float:
    """Draw a pot, on a stand or not, with its foot at y = 0, and return the height of the soil."""
    foot = _stand(sketch, rng, width * 1.15) if rng.random() < 0.35 else 0.0
    hue, saturation, value = GLAZES[rng.integers(len(GLAZES))]
    glaze = hsv(hue + between(rng, -0.03, 0.03), saturation, value + between(rng, -0.08, 0.1))
    height, half = between(rng, 0.09, 0.24), width / 2
    taper, lip = between(rng, 0.72, 0.95), between(rng, 0.015, 0.03)
    boxy = rng.random() >= 0.5  # a round bowl is brightest a little inside its lit edge
    shade = np.array([1.12, 1.0, 0.75, 0.5] if boxy else [0.7, 1.25, 1.0, 0.7, 0.45])
    stops = np.outer(shade if sketch.light[0] < 0 else shade[::-1], glaze)
    belly = [half * (1 + between(rng, 0.0, 0.12)), foot + height * 0.4]
    side = bezier([[half * taper, foot], belly, [half, foot + height]], 8)
    for x in (-0.6, 0.6):  # feet
        block = np.array([[x - 0.12, -0.012], [x + 0.12, -0.012], [x + 0.1, 0.03], [x - 0.1, 0.03]])
        sketch.fill(block * [half, 1] + vector(0, foot), glaze * 0.4)
    sketch.ramp(np.concatenate([side, side[::-1] * [-1, 1]]), [[-half, 0], [half, 0]], stops)
    _rim(sketch, rng, half, lip, foot + height, stops)
    return foot + height + lip * 0.3


def _rim(sketch: Sketch, rng: np.random.Generator, half: float, lip: float, top: float, stops: np.ndarray) -> None:
    """Draw the mouth of a pot, a little from above, and the soil in it under crumbs of moss and gravel."""
    depth, axis = between(rng, 0.02, 0.05), [[-half, 0], [half, 0]]
    level = vector(0, top + lip * 0.5)
    sketch.ramp(OVAL * [half + lip, depth + lip] + vector(0, top), axis, stops * 1.1)
    sketch.ramp(OVAL * [half + lip, depth + lip * 0.4] + level, axis, stops * 0.75 + 30)
    moss = hsv(between(rng, 0.06, 0.28), between(rng, 0.3, 0.6), between(rng, 0.22, 0.45))
    sketch.fill(OVAL * [half * 0.93, depth] + level, moss * 0.8)
    turn, far = rng.random(70) * 2 * np.pi, rng.random(70) ** 0.5
    middle = np.stack([np.cos(turn) * half * 0.9, np.sin(turn) * depth], axis=1) * far[:, None] + level
    order = np.argsort(-middle[:, 1], kind="stable")
    sketch.facets((middle[:, None] + CRUMB)[order], (0.6 + 0.8 * rng.random(70))[:, None] * moss)


def _stand(sketch: Sketch, rng: np.random.Generator, width: float) -> float:
    """Draw a low wooden table and return the height of its top."""
    wood = hsv(between(rng, 0.02, 0.09), between(rng, 0.4, 0.75), between(rng, 0.2, 0.55))
    height, half, board = between(rng, 0.06, 0.2), width / 2, 0.03
    side = 1 if sketch.light[0] < 0 else -1
    for x in (-0.86, 0.86):
        leg = np.array([[x - 0.09, 0], [x + 0.09, 0], [x + 0.07, height], [x - 0.07, height]]) * [half, 1]
        sketch.ramp(leg, [leg[0], leg[1]], np.outer([1.1, 0.55][::side], wood))
    apron = np.array([[-0.85, height], [0.85, height], [0.85, height - 0.025], [-0.85, height - 0.025]]) * [half, 1]
    sketch.fill(apron, wood * 0.5)
    edge = height + board
    slab = np.array([[-1, height], [1, height], [1, edge], [-1, edge]]) * [half, 1]
    sketch.ramp(slab, [[0, edge], [0, height]], np.outer([1.15, 0.7], wood))
    top = np.array([[-1, edge], [1, edge], [0.9, edge + 0.025], [-0.9, edge + 0.025]]) * [half, 1]
    sketch.ramp(top, [[-half, 0], [half, 0]], np.outer([1.3, 1.0][::side], wood))
    return edge + 0.012
