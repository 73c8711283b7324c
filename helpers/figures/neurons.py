"""Single neurons: the gradients of their activations by the pixels, and the part of the image that they see."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.figure import Figure

from helpers.figures.images import Panel, draw, panels
from helpers.figures.style import GRAY, ORANGE, SIX, canvas, headline
from helpers.figures.text import thumbnail

FOCUS = 48  # pixels: the least side of the region that is shown of a gradient


def gradient_image(gradient: np.ndarray) -> np.ndarray:
    """Return a gradient by VGG's pixels (H, W, BGR) as an RGB image: gray is 0, the 99.5th percentile full colour."""
    scale = np.percentile(np.abs(gradient), 99.5) or np.abs(gradient).max() or 1
    return np.clip(0.5 + 0.5 * gradient[..., ::-1] / scale, 0, 1)


def focus(gradient: np.ndarray) -> tuple[int, int, int, int]:
    """Return the square (top, left, bottom, right) in the image around what exceeds a tenth of the largest size."""
    sizes = np.abs(gradient).sum(axis=2)
    where = np.argwhere(sizes > 0.1 * sizes.max()) if sizes.any() else np.array([[0, 0]])
    (top, left), (bottom, right) = where.min(axis=0), where.max(axis=0) + 1
    side = min(max(bottom - top, right - left, FOCUS), *sizes.shape)
    middle = np.array([top + bottom - side, left + right - side]) // 2
    top, left = np.clip(middle, 0, np.array(sizes.shape) - side).tolist()
    return top, left, top + int(side), left + int(side)


def gradient_rules(images: Sequence[np.ndarray], gradients: Sequence[dict[str, np.ndarray]]) -> Figure:
    """Show each image, the region that counts, and that region of its gradients; gradients[i][rule] in VGG's order."""
    rows = []
    for image, by_rule in zip(images, gradients, strict=True):
        box = focus(by_rule["gradient"])
        shown = [gradient_image(_cut(gradient, box)) for gradient in by_rule.values()]
        rows.append([Panel(image, boxes=[(box, ORANGE)]), _cut(image, box), *shown])
    return panels(rows, ["image", "region", *gradients[0]])


def neuron_gradients(images: Sequence, neurons: Sequence, gradients: Sequence, *, cut_out: bool = False) -> Figure:
    """Show images, one a row, with the regions that their neurons' gradients fill, and these gradients.

    neurons[i]: tuples (row, column, channel, activation) of image i; `cut_out` adds the regions themselves, beneath.
    """
    rows = []
    for image, of_image, by_neuron in zip(images, neurons, gradients, strict=True):
        boxes, shown = _filled(by_neuron)
        rows.append(_row(image, of_image, boxes, shown))
        if cut_out:
            rows.append([None, *(Panel(_cut(image, box), color=color) for box, color in zip(boxes, SIX, strict=False))])
    return panels(rows)


def regions(neurons: Sequence[tuple], gradients: Sequence[np.ndarray]) -> list[dict]:
    """Return what `neuron_gradients` shows of one image's neurons, for the report's page (`text.Live`)."""
    names = ("row", "column", "channel", "activation", "box", "gradient")
    each = (
        (*neuron, box, thumbnail((255 * shown).astype(np.uint8), 128))
        for neuron, box, shown in zip(neurons, *_filled(gradients), strict=True)
    )
    return [dict(zip(names, values, strict=True)) for values in each]


def _filled(gradients: Sequence[np.ndarray]) -> tuple[list, list]:
    """Return the regions that gradients fill, as boxes, and what the gradients are there, as images."""
    boxes = [focus(gradient) for gradient in gradients]
    return boxes, [gradient_image(_cut(gradient, box)) for gradient, box in zip(gradients, boxes, strict=True)]


def receptive_fields(images: Sequence[np.ndarray], neurons: Sequence[list], boxes: Sequence[list]) -> Figure:
    """Show images, one a row, with the boxes that their neurons see on and around it, and what of it lies in them."""
    each = zip(images, neurons, boxes, strict=True)
    return panels([_row(image, of_image, seen, (_cut(image, box) for box in seen)) for image, of_image, seen in each])


def _row(image: np.ndarray, neurons: Sequence[tuple], boxes: Sequence[tuple], parts: Iterable) -> list[Panel]:
    titles = [f"ch. {channel}: {activation:.3g}" for *_, channel, activation in neurons]
    row = [Panel(part, title, color=color) for part, title, color in zip(parts, titles, SIX, strict=False)]
    return [Panel(image, boxes=list(zip(boxes, SIX, strict=False))), *row]


def growing_fields(image: np.ndarray, fields: Sequence[tuple[str, int, tuple[int, int, int, int]]]) -> Figure:
    """Draw receptive fields around one place, nested, and their widths layer by layer, pooling as squares.

    fields: (layer, width in pixels, box) from the first layer to the last; a box may reach beyond the image.
    """
    figure = canvas(3.3)
    side, (first, last) = image.shape[1], (fields[0][1], fields[-1][1])
    beyond = ", and at last more than the image" if last > side else ""
    grows = f"From {first} to {last} pixels: layer by layer a neuron sees more{beyond}"
    headline(figure, grows if last > first else f"A neuron of the first layer sees {first} x {first} pixels")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    blocks = sorted({name.split("_")[0] for name, *_ in fields})
    colors = [SIX[blocks.index(name.split("_")[0]) % len(SIX)] for name, *_ in fields]
    draw(left, Panel(image, boxes=[(box, color) for (*_, box), color in zip(fields, colors, strict=True)]))
    for k, ((name, width, _), color) in enumerate(zip(fields, colors, strict=True)):
        right.plot(k, width, "s" if name.endswith("pool") else "o", color=color, ms=4.5)
        right.annotate(f"{width}", (k, width), (-3, 4), textcoords="offset points", ha="right", fontsize=6.5)
    right.axhline(side, color=GRAY, ls=":", lw=1)
    right.annotate("the image's side", (0, side), (0, 3), textcoords="offset points", fontsize=7.5, color=GRAY)
    right.set_xticks(range(len(fields)), [name for name, *_ in fields], rotation=90, fontsize=6.5)
    right.set(ylabel="receptive field (pixels)", ylim=(0, last * 1.1), xlim=(-1.5, len(fields) - 0.4))
    return figure


def _cut(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Return what of an image lies in a box (top, left, bottom, right)."""
    top, left, bottom, right = box
    return image[max(top, 0) : bottom, max(left, 0) : right]
