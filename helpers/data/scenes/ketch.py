"""The ketch: a hull with its sheer line, a mainmast and a shorter mizzen, three or four curved sails, the rigging."""

from dataclasses import dataclass

import numpy as np

from helpers.data.scenes.drawing import between, bezier, hsv, mix, vector
from helpers.data.scenes.sketch import Sketch

# hue, saturation, value of sailcloth: white, cream, tan bark, red, blue, nearly black
CLOTHS = (
    (0.12, 0.03, 0.96),
    (0.12, 0.05, 0.94),
    (0.60, 0.04, 0.92),
    (0.11, 0.22, 0.88),
    (0.60, 0.03, 0.97),
    (0.11, 0.30, 0.85),
    (0.04, 0.60, 0.50),
    (0.99, 0.70, 0.60),
    (0.60, 0.55, 0.55),
    (0.08, 0.12, 0.26),
)
PAINTS = ((0.1, 0.03, 0.92), (0.6, 0.6, 0.3), (0.06, 0.6, 0.42), (0.0, 0.7, 0.5), (0.0, 0.0, 0.15), (0.42, 0.5, 0.35))
WATERLINE = 0.13  # of the hull's length, above the keel


@dataclass(frozen=True)
class Rig:
    """The measures and colours of one ketch, lengths in hull lengths."""

    turn: float
    main: float
    mizzen: float
    main_at: float
    mizzen_at: float
    bow: float
    gaff: bool
    belly: float
    cloth: np.ndarray
    wood: np.ndarray
    hull: np.ndarray


def build(rng: np.random.Generator, light: np.ndarray) -> Sketch:
    """Return a ketch with a hull about one unit long, its bow to the right, its keel on y = 0."""
    sketch = Sketch(light)
    rig = _rig(rng)
    _stays(sketch, rig)
    for foot, height in ((rig.mizzen_at, rig.mizzen), (rig.main_at, rig.main)):
        mast = np.array([[foot, WATERLINE], [foot - 0.01, height / 2], [foot - 0.025, height]]) * [rig.turn, 1]
        sketch.ribbon(mast, np.array([0.024, 0.02, 0.01]), rig.wood, strips=4)
    _headsails(sketch, rng, rig)
    bare = rng.random()
    if bare > 0.08:
        _sail(sketch, rng, rig, rig.mizzen_at, rig.mizzen, 0.26 * between(rng, 0.8, 1.15))
    _sail(sketch, rng, rig, rig.main_at, rig.main, (rig.main_at - rig.mizzen_at) * between(rng, 0.78, 0.95))
    _hull(sketch, rng, rig)
    if rng.random() < 0.3:
        _flag(sketch, rng, np.array([(rig.mizzen_at - 0.02) * rig.turn, rig.mizzen]))
    return sketch


def _rig(rng: np.random.Generator) -> Rig:
    hue, saturation, value = CLOTHS[rng.integers(len(CLOTHS))]
    paint = PAINTS[rng.integers(len(PAINTS))]
    main = between(rng, 0.95, 1.4)
    return Rig(
        turn=between(rng, 0.55, 1.0),
        main=main,
        mizzen=main * between(rng, 0.58, 0.78),
        main_at=between(rng, 0.06, 0.16),
        mizzen_at=between(rng, -0.34, -0.26),
        bow=between(rng, 0.52, 0.70),
        gaff=rng.random() < 0.35,
        belly=between(rng, 0.02, 0.10),
        cloth=hsv(hue + between(rng, -0.02, 0.02), saturation, value + between(rng, -0.05, 0.04)),
        wood=hsv(between(rng, 0.05, 0.1), between(rng, 0.2, 0.6), between(rng, 0.4, 0.8)),
        hull=hsv(paint[0], paint[1], paint[2] + between(rng, -0.05, 0.06)),
    )


def _stays(sketch: Sketch, rig: Rig) -> None:
    """Draw the standing rigging: forestay, triatic stay, backstay and the shrouds."""
    rope, scale = np.array([70.0, 65.0, 60.0]), [rig.turn, 1]
    main_head, mizzen_head = [rig.main_at - 0.025, rig.main], [rig.mizzen_at - 0.025, rig.mizzen]
    ends = [[main_head, [rig.bow, 0.27]], [main_head, mizzen_head], [mizzen_head, [-0.47, 0.22]]]
    for foot, head in ((rig.main_at, main_head), (rig.mizzen_at, mizzen_head)):
        ends += [[head, [foot + 0.07, 0.19]], [head, [foot - 0.07, 0.19]]]
    for stay in ends:
        sketch.line(np.array(stay) * scale, 0.004, rope)


def _cloth(sketch: Sketch, rig: Rig, outline: np.ndarray, luff: np.ndarray, leech: np.ndarray, seams: int) -> None:
    """Draw a sail: bellied shading from luff to leech, and the seams between its panels."""
    shade = [0.72, 0.86, 1.0, 1.07, 1.0, 0.84] if sketch.light[0] > 0 else [1.0, 1.08, 1.0, 0.9, 0.78, 0.66]
    sketch.ramp(outline, [luff.mean(axis=0), leech.mean(axis=0)], np.outer(shade, rig.cloth))
    for share in np.linspace(0.12, 0.86, seams):
        at = share * (len(luff) - 1)
        first, second = luff[round(at)], leech[round(at * 0.94)]
        middle = (first + second) / 2 - [0, 0.02]
        sketch.line(bezier([first, middle, second], 6), 0.003, rig.cloth * 0.8)


def _sail(sketch: Sketch, rng: np.random.Generator, rig: Rig, foot: float, height: float, boom: float) -> None:
    """Set the main or the mizzen on its mast: three-cornered, or four-cornered under a gaff."""
    scale, low = [rig.turn, 1], 0.29 + 0.02 * rng.random()
    tack, clew = np.array([foot - 0.012, low]), np.array([foot - boom, low + between(rng, 0.0, 0.05)])
    if rig.gaff:
        throat = np.array([foot - 0.016, low + (height - low) * between(rng, 0.58, 0.68)])
        peak = np.array([foot - boom * between(rng, 0.55, 0.75), height * between(rng, 0.92, 1.0)])
        luff, head = bezier([tack, throat], 8), peak
        sketch.line(np.array([throat, peak + (peak - throat) * 0.06]) * scale, 0.014, rig.wood)
    else:
        head = np.array([foot - 0.026, height * between(rng, 0.92, 0.98)])
        luff, throat = bezier([tack, head], 8), head
    roach = (head + clew) / 2 + [-rig.belly * boom * 2.2, rig.belly * 0.3]
    leech = bezier([clew, roach, head], 8)
    bottom = bezier([clew, (clew + tack) / 2 - [0, rig.belly * 0.35], tack], 6)
    outline = np.concatenate([luff, [throat], leech[::-1], bottom]) * scale
    _cloth(sketch, rig, outline, luff * scale, leech * scale, int(rng.integers(4, 8)))
    sketch.line(np.array([tack - [0, 0.012], clew - [0.02, 0.012]]) * scale, 0.014, rig.wood * 0.8)


def _headsails(sketch: Sketch, rng: np.random.Generator, rig: Rig) -> None:
    """Set one or two sails before the mainmast; the farther first."""
    scale = [rig.turn, 1]
    count = 1 if rng.random() < 0.45 else 2
    for number in range(count):
        share = 1 - 0.36 * number
        tack = np.array([rig.main_at + (rig.bow - rig.main_at) * share * 0.95, 0.28 + 0.02 * number])
        head = np.array([rig.main_at - 0.01, 0.3 + (rig.main - 0.3) * (0.93 - 0.2 * number)])
        clew = np.array([rig.main_at + between(rng, -0.06, 0.06) - 0.02 * number, 0.30 + between(rng, 0.0, 0.1)])
        luff = bezier([tack, (tack + head) / 2 + [-0.02, 0.0], head], 8)
        leech = bezier([clew, (clew + head) / 2 + [rig.belly * 0.9, 0], head], 8)
        foot = bezier([tack, (tack + clew) / 2 - [0, rig.belly * 0.6], clew], 6)
        outline = np.concatenate([luff, leech[::-1], foot[::-1]]) * scale
        _cloth(sketch, rig, outline, luff * scale, leech * scale, 5)


def _hull(sketch: Sketch, rng: np.random.Generator, rig: Rig) -> None:
    """Draw the hull: keel, topsides under a curved sheer line, rail, bowsprit, deckhouse and ports."""
    scale = [rig.turn, 1]
    bow, stern, dip = between(rng, 0.25, 0.32), between(rng, 0.21, 0.26), between(rng, 0.17, 0.20)
    sheer = bezier([[-0.49, stern], [-0.15, dip], [0.2, dip], [0.52, bow]], 16)
    flat = [[0.44, 0.08], [0.3, -0.01], [-0.1, 0.0], [-0.38, 0.0], [-0.43, 0.11]]
    keel = bezier([[0.52, bow], *flat, [-0.49, stern]], 20)
    sketch.line(np.array([[0.46, bow - 0.01], [max(rig.bow, 0.55), bow + 0.03]]) * scale, 0.018, rig.wood * 0.9)
    _deckhouse(sketch, rng, rig, dip)
    outline = np.concatenate([sheer, keel[1:-1]]) * scale
    shine = [0.5, 0.72, 1.05, 0.95]
    sketch.ramp(outline, [[0, 0.0], [0, 0.27]], np.outer(shine, rig.hull) + np.array([[6], [6], [12], [16]]))
    boot = np.array([p for p in keel if p[1] <= WATERLINE - 0.01])
    sketch.fill(boot * scale, mix(rig.hull, hsv(between(rng, 0.0, 0.1), 0.7, 0.4), 0.7) * 0.8)
    for offset, width, tone in ((0.0, 0.014, rig.wood), (-0.035, 0.005, rig.hull * 0.6 + 40)):
        sketch.line((sheer + vector(0, offset)) * scale, width, tone)


def _deckhouse(sketch: Sketch, rng: np.random.Generator, rig: Rig, deck: float) -> None:
    """Draw a low cabin between the masts, with its ports."""
    scale, low = [rig.turn, 1], deck - 0.01
    left, right = rig.mizzen_at + 0.1, rig.main_at + between(rng, 0.02, 0.14)
    high = deck + between(rng, 0.05, 0.085)
    house = np.array([[left, low], [right, low], [right - 0.03, high - 0.015], [left + 0.01, high]]) * scale
    tone = mix(rig.wood, [235.0, 230.0, 220.0], rng.random())
    sketch.ramp(house, [[0, low], [0, high]], np.outer([0.7, 1.05], tone))
    for x in np.linspace(left + 0.05, right - 0.07, 4):
        port = np.array([[x, high - 0.045], [x + 0.035, high - 0.045], [x + 0.035, high - 0.022], [x, high - 0.022]])
        sketch.fill(port * scale, np.array([40.0, 45.0, 55.0]))


def _flag(sketch: Sketch, rng: np.random.Generator, top: np.ndarray) -> None:
    wave = np.array([[0, 0], [-0.05, 0.012], [-0.1, 0.0], [-0.1, -0.05], [-0.05, -0.04], [0, -0.055]])
    sketch.fill(wave + top, hsv(rng.random(), 0.8, 0.75))
