"""Anti-aliased drawing on a canvas of twice the picture's size, in whole numbers so that every machine draws alike.

Points are in picture coordinates: (0, 0) is the top left corner and (1, 1) the bottom right one. Beside red, green and
blue the canvas has a fourth channel, the object's coverage: every stroke of the object raises it, every stroke of its
surroundings lowers it, and the mask is what is left.
"""

import colorsys

import cv2
import numpy as np

SHIFT = 4  # fractional bits of OpenCV's fixed-point coordinates
OVERSAMPLING = 2
STEPS = np.arange(256) / 255


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """Return an RGB colour (3,) in 0..255 from hue (turns), saturation and value (both 0..1, clipped)."""
    rgb = colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))
    return np.array(rgb) * 255.0


def mix(first: np.ndarray, second: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Return the colour (or points) `share` of the way from `first` to `second`."""
    return np.asarray(first, dtype=float) * (1 - share) + np.asarray(second, dtype=float) * share


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number between `low` and `high`."""
    return low + (high - low) * rng.random()


def vector(x: float, y: float) -> np.ndarray:
    """Return a shift (2,)."""
    return np.array([x, y], dtype=float)


def bezier(control: object, count: int) -> np.ndarray:
    """Return `count` points (count, 2) of the Bezier curve with the given control points (n, 2)."""
    points = np.asarray(control, dtype=float)[:, None, :]
    t = (np.arange(count) / (count - 1))[None, :, None]
    while len(points) > 1:
        points = points[:-1] * (1 - t) + points[1:] * t
    return np.broadcast_to(points[0], (count, 2))


def noise(rng: np.random.Generator, height: int, width: int, cells: tuple[int, int], octaves: int = 3) -> np.ndarray:
    """Return fractal value noise (height, width) uint8 with `cells` (rows, columns) cells in its first octave."""
    total = np.zeros((height, width), dtype=np.uint16)
    for octave in range(octaves):
        grid = rng.integers(0, 256, (cells[0] * 2**octave + 1, cells[1] * 2**octave + 1)).astype(np.uint8)
        layer = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
        total += layer.astype(np.uint16) << (octaves - 1 - octave)
    return (total // (2**octaves - 1)).astype(np.uint8)


def spread(*planes: np.ndarray) -> np.ndarray:
    """Return planes (h, w), one for each channel or one for all four, as one array (h, w, C).

    NumPy is several times faster on two such arrays than on one broadcast over the last, short axis.
    """
    return cv2.merge(planes * 4 if len(planes) == 1 else planes)


def blend(region: np.ndarray, colour: np.ndarray, share: np.ndarray) -> None:
    """Move `region` (h, w, 4) uint8 towards `colour` (h, w, 4) by `share` (h, w) uint8 in 0..128, in place."""
    step = colour.astype(np.int16)
    step -= region
    step *= spread(share)  # 255 x 128 still fits 16 bits
    step += 64
    step >>= 7
    region += step.astype(np.uint8)  # modulo 256, so a step down is right too


def packed(colours: np.ndarray, cover: int = 0) -> np.ndarray:
    """Return colours (n, 3) with a coverage as one uint32 (n,) each, the way the canvas keeps them."""
    channels = np.full((len(colours), 4), cover, dtype=np.uint8)
    channels[:, :3] = np.clip(np.rint(colours), 0, 255)
    return channels.view(np.uint32)[:, 0]


class Canvas:
    """A picture being drawn: `pixels` (S, S, 4) uint8, red, green, blue and coverage, S twice the picture's size."""

    def __init__(self, size: int) -> None:
        self.side = size * OVERSAMPLING
        self.pixels = np.zeros((self.side, self.side, 4), dtype=np.uint8)

    @property
    def whole(self) -> np.ndarray:
        """The pixels (S, S) as one uint32 each, a view: see `packed`."""
        return self.pixels.view(np.uint32)[..., 0]

    def wash(self, first: np.ndarray, last: np.ndarray, top: float = 0.0, bottom: float = 1.0) -> None:
        """Cover all rows between two heights with a run of colours from `first` to `last`."""
        start, stop = self.rows(top), self.rows(bottom)
        self.whole[start:stop] = packed(mix(first, last, np.linspace(0, 1, stop - start)[:, None]))[:, None]

    def darken(self, keep: np.ndarray) -> None:
        """Multiply the whole canvas by `keep` (S, S) in 0..256, 256 leaves a pixel as it is."""
        np.copyto(self.pixels, (self.pixels * spread(keep.astype(np.uint16))) >> 8, casting="unsafe")

    def fixed(self, points: np.ndarray) -> np.ndarray:
        """Return points in picture coordinates as OpenCV's fixed-point pixels, int32."""
        return np.rint(points * (self.side << SHIFT) - (1 << (SHIFT - 1))).astype(np.int32)

    def rows(self, y: float) -> int:
        """Return the row of the canvas nearest to picture coordinate `y`."""
        return int(min(max(round(y * self.side), 0), self.side))

    def soften(self, reach: float) -> None:
        """Put everything drawn so far out of focus by `reach`, in picture widths."""
        cells = 2 * int(reach * self.side) + 1
        self.pixels = cv2.blur(cv2.blur(self.pixels, (cells, cells)), (cells, cells))

    def fill(self, points: np.ndarray, colour: np.ndarray, cover: int = 0) -> None:
        """Fill one polygon (n, 2)."""
        cv2.fillPoly(self.pixels, [self.fixed(points)], _channels(colour, cover), cv2.LINE_AA, SHIFT)

    def facets(self, polygons: np.ndarray, colours: np.ndarray, cover: int = 0) -> None:
        """Fill many small convex polygons (n, k, 2) with colours (n, 3), one after the other."""
        shades = np.clip(np.rint(colours), 0, 255).astype(int).tolist()
        pixels = self.pixels
        for polygon, (red, green, blue) in zip(self.fixed(polygons), shades, strict=True):
            cv2.fillConvexPoly(pixels, polygon, (red, green, blue, cover), cv2.LINE_AA, SHIFT)

    def line(self, points: np.ndarray, width: float, colour: np.ndarray, cover: int = 0) -> None:
        """Draw an open line through points (n, 2), `width` in picture widths, one pixel of the canvas at least."""
        thickness = max(1, round(width * self.side))
        shade = _channels(colour, cover)
        cv2.polylines(self.pixels, [self.fixed(points)], False, shade, thickness, cv2.LINE_AA, SHIFT)

    def ramp(self, points: np.ndarray, axis: np.ndarray, stops: np.ndarray, cover: int = 0) -> None:
        """Fill one polygon (n, 2) with colours `stops` (m, 3) spread evenly along `axis` (2, 2)."""
        corners = self.fixed(points)
        low = np.maximum((corners.min(axis=0) >> SHIFT) - 1, 0)
        high = np.minimum((corners.max(axis=0) >> SHIFT) + 3, self.side)
        if (high <= low).any():
            return
        width, height = (high - low).tolist()
        share = np.zeros((height, width), dtype=np.uint8)
        cv2.fillPoly(share, [corners - (low << SHIFT).astype(np.int32)], 255, cv2.LINE_AA, SHIFT)
        start, along = axis[0] * self.side - low, (axis[1] - axis[0]) * self.side
        along = along * (255.0 / max(float(along @ along), 1e-9))
        across = (np.arange(width) - start[0]) * along[0]
        down = (np.arange(height) - start[1]) * along[1]
        index = np.clip(across[None, :] + down[:, None], 0, 255).astype(np.uint8)
        region = self.pixels[low[1] : high[1], low[0] : high[0]]
        colour = np.ascontiguousarray(_table(stops, cover)[index]).view(np.uint8).reshape(height, width, 4)
        blend(region, colour, (share >> 1) + (share >> 7))

    def glow(self, centre: np.ndarray, radius: float, colour: np.ndarray) -> None:
        """Add light of `colour` around a point (2,), falling to nothing at `radius`; coverage stays as it is."""
        box, distance = self._around(centre, np.array([radius, radius]))
        if distance.size:
            strength = np.maximum(255 - (distance >> 8), 0) ** 2 >> 8
            lights = (*np.rint(colour).astype(int).tolist(), 0)
            planes = [((strength * light) >> 8).astype(np.uint8) for light in lights]
            self.pixels[box] = cv2.add(self.pixels[box], spread(*planes))

    def shadow(self, centre: np.ndarray, radii: np.ndarray, strength: float) -> None:
        """Darken a soft ellipse around a point (2,) by up to `strength` (0..1)."""
        box, distance = self._around(centre, radii)
        if distance.size:
            keep = (256 - (np.maximum(255 - (distance >> 8), 0) * round(strength * 256) >> 8)).astype(np.uint16)
            region = self.pixels[box]
            region[...] = (region * spread(keep, keep, keep, np.full_like(keep, 256))) >> 8

    def _around(self, centre: np.ndarray, radii: np.ndarray) -> tuple[tuple[slice, slice], np.ndarray]:
        """Return an ellipse's box on the canvas and the squared distance in it, 65,536 on the rim."""
        middle, reach = np.rint(centre * self.side).astype(int), np.maximum(np.rint(radii * self.side).astype(int), 1)
        low, high = np.maximum(middle - reach, 0), np.minimum(middle + reach + 1, self.side)
        x = ((np.arange(low[0], high[0]) - middle[0]) * 256 // reach[0]) ** 2
        y = ((np.arange(low[1], high[1]) - middle[1]) * 256 // reach[1]) ** 2
        return (slice(low[1], high[1]), slice(low[0], high[0])), x[None, :] + y[:, None]

    def averaged(self) -> np.ndarray:
        """Return the canvas at the picture's size, (H, W, 4) uint8: means of 2 x 2 pixels, rounded."""
        rows = self.pixels[0::2].astype(np.uint16) + self.pixels[1::2]
        return ((rows[:, 0::2] + rows[:, 1::2] + 2) >> 2).astype(np.uint8)


def _channels(colour: np.ndarray, cover: int) -> tuple[int, int, int, int]:
    red, green, blue = np.clip(np.rint(colour), 0, 255).astype(int).tolist()
    return red, green, blue, cover


def _table(stops: np.ndarray, cover: int) -> np.ndarray:
    """Return 256 colours, packed (256,), that run evenly through `stops` (m, 3)."""
    place = STEPS * (len(stops) - 1)
    lower = np.minimum(place.astype(int), len(stops) - 2)
    return packed(mix(stops[lower], stops[lower + 1], (place - lower)[:, None]), cover)
