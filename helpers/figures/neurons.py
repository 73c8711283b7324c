"""Single neurons: the gradients of their activations by the pixels, and the part of the image that they see."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from helpers.figures.images import Panel, panels
from helpers.figures.style import GRAY, ORANGE, SIX, canvas, frame, headline, outline, show_image


def gradient_image(gradient: np.ndarray, bgr: bool = False) -> np.ndarray:
    """Return a gradient (H, W, 3) as an RGB image: gray is 0; the 99.5th percentile of its size is full colour."""
    gradient = gradient[..., ::-1] if bgr else gradient
    scale = np.percentile(np.abs(gradient), 99.5) or np.abs(gradient).max() or 1
    return np.clip(0.5 + 0.5 * gradient / scale, 0, 1)


def focus(gradient: np.ndarray, least: int = 48) -> tuple[int, int, int, int]:
    """Return the square (top, left, bottom, right) in the image around what exceeds a tenth of the largest size."""
    sizes = np.abs(gradient).sum(axis=2)
    where = np.argwhere(sizes > 0.1 * sizes.max()) if sizes.any() else np.array([[0, 0]])
    (top, left), (bottom, right) = where.min(axis=0), where.max(axis=0) + 1
    side = min(max(bottom - top, right - left, least), *sizes.shape)
    top = int(np.clip((top + bottom - side) // 2, 0, sizes.shape[0] - side))
    left = int(np.clip((left + right - side) // 2, 0, sizes.shape[1] - side))
    return top, left, top + int(side), left + int(side)


def gradient_rules(images: Sequence[np.ndarray], gradients: Sequence[dict[str, np.ndarray]]) -> Figure:
    """Show each image, the region that counts, and that region of its gradients; gradients[i][rule] in VGG's order."""
    rows = []
    for image, by_rule in zip(images, gradients, strict=True):
        box = focus(by_rule["gradient"])
        shown = [gradient_image(_cut(gradient, box), bgr=True) for gradient in by_rule.values()]
        rows.append([Panel(image, boxes=[(box, ORANGE)]), Panel(_cut(image, box)), *map(Panel, shown)])
    for panel, title in zip(rows[0], ["image", "region", *gradients[0]], strict=True):
        panel.title = title
    return panels(rows)


def neurons_of_image(image: np.ndarray, neurons: Sequence[tuple], gradients: Sequence[np.ndarray]) -> Figure:
    """Show an image with the regions that its neurons' gradients fill; each region's gradient, and it cut out."""
    above, boxes = _regions(image, [_where(neuron) for neuron in neurons], gradients)
    cuts = [Panel(_cut(image, box), color=color) for box, color in zip(boxes, SIX, strict=False)]
    return panels([above, [Panel(image), *cuts]])


def many_neurons(images: Sequence[np.ndarray], neurons: Sequence[list], gradients: Sequence[list]) -> Figure:
    """Show images, one a row, with the regions that their neurons' gradients fill, and beside it these gradients."""
    titles = [[f"ch. {channel}: {activation:.3g}" for _, _, channel, activation in tops] for tops in neurons]
    return panels([_regions(*of_image)[0] for of_image in zip(images, titles, gradients, strict=True)])


def _regions(image: np.ndarray, titles: Sequence[str], gradients: Sequence[np.ndarray]) -> tuple[list[Panel], list]:
    """Return a row: the image with the regions that the gradients fill, and each of these; and the regions."""
    boxes = [focus(gradient) for gradient in gradients]
    row = [Panel(image, boxes=list(zip(boxes, SIX, strict=False)))]
    for title, gradient, box, color in zip(titles, gradients, boxes, SIX, strict=False):
        row.append(Panel(gradient_image(_cut(gradient, box), bgr=True), title, color=color))
    return row, boxes


def receptive_fields(image: np.ndarray, neurons: Sequence[tuple], boxes: Sequence, clipped: Sequence) -> Figure:
    """Draw the boxes that neurons see on and around an image, and cut out what lies on it."""
    figure = canvas(2.1)
    first, *others = figure.subplots(1, 1 + len(neurons), width_ratios=[2, *[1] * len(neurons)])
    height, width = image.shape[:2]
    show_image(first, image, "fields, on and around the image")
    for box, color in zip(boxes, SIX, strict=False):
        outline(first, box, color)
    tops, lefts, bottoms, rights = np.array([*boxes, (0, 0, height, width)]).T
    first.set(xlim=(lefts.min() - 4, rights.max() + 4), ylim=(bottoms.max() + 4, tops.min() - 4))
    for ax, neuron, box, color in zip(others, neurons, clipped, SIX, strict=False):
        show_image(ax, _cut(image, box), _where(neuron))
        frame(ax, color)
    return figure


def growing_fields(image: np.ndarray, fields: Sequence[tuple[str, int, tuple[int, int, int, int]]]) -> Figure:
    """Draw receptive fields around one place, nested, and their widths layer by layer, pooling as squares.

    fields: (layer, width in pixels, box) from the first layer to the last; a box may reach beyond the image.
    """
    figure = canvas(3.3)
    side, (first, last) = image.shape[1], (fields[0][1], fields[-1][1])
    beyond = ", and at last more than the image" if last > side else ""
    headline(figure, f"From {first} to {last} pixels: layer by layer a neuron sees more{beyond}")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    show_image(left, image)
    blocks = sorted({name.split("_")[0] for name, *_ in fields})
    for k, (name, width, box) in enumerate(fields):
        color = SIX[blocks.index(name.split("_")[0]) % len(SIX)]
        outline(left, box, color, 1)
        right.plot(k, width, "s" if name.endswith("pool") else "o", color=color, ms=4.5)
        right.annotate(f"{width}", (k, width), (-3, 4), textcoords="offset points", ha="right", fontsize=6.5)
    boxes = np.array([box for *_, box in fields])
    reach = min(0, boxes.min()) - 4, max(side, boxes.max()) + 3
    left.set(xlim=reach, ylim=reach[::-1])
    right.axhline(side, color=GRAY, ls=":", lw=1)
    right.annotate("the image's side", (0, side), (0, 3), textcoords="offset points", fontsize=7.5, color=GRAY)
    right.set_xticks(range(len(fields)), [name for name, *_ in fields], rotation=90, fontsize=6.5)
    right.set(ylabel="receptive field (pixels)", ylim=(0, last * 1.1), xlim=(-1.5, len(fields) - 0.4))
    return figure


def _where(neuron: tuple) -> str:
    row, col, channel, activation = neuron
    return f"{row}, {col}, ch. {channel}\n{activation:.3g}"


def _cut(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    top, left, bottom, right = box
    return image[top:bottom, left:right]
