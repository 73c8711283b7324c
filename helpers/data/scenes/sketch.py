"""A drawing noted down stroke by stroke in its own coordinates (y upwards), to be measured first and painted after."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from helpers.data.scenes.drawing import Canvas

COVERED = 255


@dataclass(frozen=True)
class Pose:
    """Where an object stands: its origin in the picture, its scale, lean (radians) and whether it is mirrored."""

    origin: np.ndarray
    scale: float
    lean: float = 0.0
    mirrored: bool = False

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return an object's points (..., 2), y upwards, as picture coordinates, y downwards."""
        return points @ self.matrix + self.origin

    @cached_property
    def matrix(self) -> np.ndarray:
        """What points are multiplied by from the right, (2, 2)."""
        cosine, sine = np.cos(self.lean) * self.scale, np.sin(self.lean) * self.scale
        side = -1.0 if self.mirrored else 1.0
        return np.array([[side * cosine, sine], [side * sine, -cosine]])


@dataclass
class Sketch:
    """Strokes in an object's own coordinates; `light` (3,) points from the object to the light, z to the viewer."""

    light: np.ndarray
    strokes: list[tuple[Callable, np.ndarray, tuple]] = field(default_factory=list)
    sizes: list[np.ndarray] = field(default_factory=list)

    def _note(self, points: np.ndarray, paint: Callable, *details: object) -> None:
        self.strokes.append((paint, points, details))
        self.sizes.append(points.reshape(-1, 2))

    def fill(self, points: np.ndarray, colour: np.ndarray) -> None:
        """Fill one polygon (n, 2)."""
        self._note(np.asarray(points, dtype=float), _fill, colour)

    def facets(self, polygons: np.ndarray, colours: np.ndarray) -> None:
        """Fill small convex polygons (n, k, 2) with colours (n, 3)."""
        if len(polygons):
            self._note(np.asarray(polygons, dtype=float), _facets, colours)

    def line(self, points: np.ndarray, width: float, colour: np.ndarray) -> None:
        """Draw a line through points (n, 2), `width` in the object's units."""
        self._note(np.asarray(points, dtype=float), _line, width, colour)

    def ramp(self, points: np.ndarray, axis: np.ndarray, stops: np.ndarray) -> None:
        """Fill one polygon (n, 2) with colours `stops` (m, 3) spread along `axis` (2, 2)."""
        self._note(np.asarray(points, dtype=float), _ramp, np.asarray(axis, dtype=float), stops)

    def glow(self, centre: np.ndarray, radius: float, colour: np.ndarray) -> None:
        """Add light around a point (2,); the object's extent does not grow with it."""
        self._note(np.asarray(centre, dtype=float)[None], _glow, radius, colour)

    def ribbon(self, points: np.ndarray, widths: np.ndarray, colour: np.ndarray, strips: int = 4) -> None:
        """Draw a round, shaded limb along points (n, 2) with `widths` (n,), `strips` strips of shade across."""
        tangents = np.empty_like(points)
        tangents[1:-1] = (points[2:] - points[:-2]) / 2
        tangents[[0, -1]] = points[[1, -1]] - points[[0, -2]]
        normals = tangents[:, ::-1] * [-1, 1] / np.maximum(np.sqrt(tangents**2 @ [1, 1]), 1e-9)[:, None]
        if normals.mean(axis=0) @ self.light[:2] < 0:  # strips are laid from the dark side to the light one
            normals = -normals
        edges = np.arange(strips + 1) * (2 / strips) - 1
        sides = points[:, None] + normals[:, None] * edges[None, :, None] * (np.asarray(widths)[:, None, None] / 2)
        far = np.broadcast_to(sides[:, -1:], sides[:, :-1].shape)  # each strip runs on to the light edge: no seams
        quads = np.stack([sides[:-1, :-1], sides[1:, :-1], far[1:], far[:-1]], axis=2)
        middle = (edges[1:] + edges[:-1]) / 2
        facing = normals[:-1, None] @ self.light[:2]
        shade = 0.62 + 0.42 * facing * middle + 0.25 * self.light[2] * np.sqrt(1 - middle**2)
        self.facets(quads.reshape(-1, 4, 2), (shade[..., None] * colour).reshape(-1, 3))

    def box(self, lean: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the smallest and largest coordinates (2,) of all strokes as a pose with this lean shows them."""
        x, y = Pose(np.zeros(2), 1.0, lean)(np.concatenate(self.sizes)).T.copy()
        return np.array([x.min(), -y.max()]), np.array([x.max(), -y.min()])

    def paint(self, canvas: Canvas, pose: Pose) -> None:
        """Paint every stroke, in the order in which they were noted."""
        for paint, points, details in self.strokes:
            paint(canvas, pose, pose(points), *details)


def _fill(canvas: Canvas, pose: Pose, points: np.ndarray, colour: np.ndarray) -> None:
    canvas.fill(points, colour, COVERED)


def _facets(canvas: Canvas, pose: Pose, points: np.ndarray, colours: np.ndarray) -> None:
    canvas.facets(points, colours, COVERED)


def _line(canvas: Canvas, pose: Pose, points: np.ndarray, width: float, colour: np.ndarray) -> None:
    canvas.line(points, width * pose.scale, colour, COVERED)


def _ramp(canvas: Canvas, pose: Pose, points: np.ndarray, axis: np.ndarray, stops: np.ndarray) -> None:
    canvas.ramp(points, pose(axis), stops, COVERED)


def _glow(canvas: Canvas, pose: Pose, points: np.ndarray, radius: float, colour: np.ndarray) -> None:
    canvas.glow(points[0], radius * pose.scale, colour)
