"""The figures of the chapters on VGG19 and on what the networks look at."""

from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.figures.style import BLUE, GREEN, INK, ORANGE, WIDTH, grid, show_image

NEURON_COLORS = (BLUE, ORANGE, GREEN, "#8250df", "#b58900")
HEAT = "inferno"
OPACITY = 0.6  # of a heat map over an image


def compare_networks(scores: dict[str, dict[str, tuple[float, float]]], intervals: dict, title: str = "") -> Figure:
    """Plot loss and accuracy of networks side by side; scores[network][split] = (loss, accuracy).

    intervals[network][split] = (low, high) are drawn as error bars on the accuracies.
    """
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    splits = list(next(iter(scores.values())))
    width = 0.8 / len(scores)
    for number, (network, values) in enumerate(scores.items()):
        at = np.arange(len(splits)) + (number - (len(scores) - 1) / 2) * width
        color = NEURON_COLORS[number]
        left.bar(at, [values[split][1] for split in splits], width * 0.92, color=color, label=network)
        for x, split in zip(at, splits, strict=True):
            left.plot([x, x], intervals[network][split], color=INK, lw=1)
        right.plot(at, [values[split][0] for split in splits], "o", color=color, label=network)
    left.set(ylim=(0, 1.05), ylabel="accuracy", title=title)
    right.set(yscale="log", ylabel="cross-entropy (nats)")
    for ax in (left, right):
        ax.set_xticks(range(len(splits)), splits)
    right.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def image_grid(images: Sequence[np.ndarray], titles: Sequence[str], columns: int = 6) -> Figure:
    """Show images in rows of `columns`, each with its title above."""
    rows = -(-len(images) // columns)
    lines = 1 + max(title.count("\n") for title in titles)
    figure, axes = grid(rows, columns, extra=0.16 * lines)
    for ax in axes.flat[len(images) :]:
        ax.set_visible(False)
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        show_image(ax, image, title)
    return figure


def shorten(name: str, longest: int = 14) -> str:
    """Return a class name that fits above a small picture."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def as_picture(gradient: np.ndarray, bgr: bool = False) -> np.ndarray:
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


def rules(images: Sequence[np.ndarray], gradients: Sequence[dict[str, np.ndarray]]) -> Figure:
    """Show each image, the region that counts, and that region of its gradients; gradients[i][rule] in VGG's order."""
    names = list(gradients[0])
    figure, axes = grid(len(images), 2 + len(names), extra=0.06)
    for row, image, by_rule in zip(axes, images, gradients, strict=True):
        box = focus(by_rule["gradient"])
        show_image(row[0], image)
        _outline(row[0], box, ORANGE)
        show_image(row[1], _cut(image, box))
        for ax, name in zip(row[2:], names, strict=True):
            show_image(ax, as_picture(_cut(by_rule[name], box), bgr=True))
    for ax, title in zip(axes[0], ["image", "region", *names], strict=True):
        ax.set_title(title, fontweight="normal", fontsize=8)
    return figure


def neurons_of_image(image: np.ndarray, neurons: Sequence[tuple], gradients: Sequence[np.ndarray]) -> Figure:
    """Show an image with the regions that its neurons' gradients fill; each region's gradient, and it cut out."""
    figure = Figure(figsize=(WIDTH, 2.35), layout="constrained")
    parts = figure.add_gridspec(2, 2 + len(neurons))
    whole = figure.add_subplot(parts[:, :2])
    show_image(whole, image, "image, with the regions")
    boxes = [focus(gradient) for gradient in gradients]
    for k, (neuron, gradient, box, color) in enumerate(zip(neurons, gradients, boxes, NEURON_COLORS, strict=False)):
        _outline(whole, box, color)
        above, below = (figure.add_subplot(parts[row, 2 + k]) for row in (0, 1))
        row, col, channel, activation = neuron
        show_image(above, as_picture(_cut(gradient, box), bgr=True), f"{row}, {col}, ch. {channel}\n{activation:.3g}")
        show_image(below, _cut(image, box))
        _frame(above, color)
        _frame(below, color)
    for ax in figure.axes:
        ax.set(xticks=[], yticks=[])
    return figure


def many_neurons(images: Sequence[np.ndarray], neurons: Sequence[list], gradients: Sequence[list]) -> Figure:
    """Show images, one a row, with the regions that their neurons' gradients fill, and beside it these gradients."""
    figure, axes = grid(len(images), 1 + len(neurons[0]), extra=0.2)
    for row, image, tops, pictures in zip(axes, images, neurons, gradients, strict=True):
        show_image(row[0], image)
        for ax, (_, _, channel, activation), gradient, color in zip(
            row[1:], tops, pictures, NEURON_COLORS, strict=True
        ):
            box = focus(gradient)
            _outline(row[0], box, color)
            show_image(ax, as_picture(_cut(gradient, box), bgr=True), f"ch. {channel}: {activation:.3g}")
            _frame(ax, color)
    return figure


def receptive_fields(image: np.ndarray, neurons: Sequence[tuple], boxes: Sequence, clipped: Sequence) -> Figure:
    """Draw the boxes that neurons see on and around an image, and cut out what lies on it."""
    figure = Figure(figsize=(WIDTH, 2.1), layout="constrained")
    shares = [2, *[1] * len(neurons)]
    first, *others = figure.subplots(1, len(shares), gridspec_kw={"width_ratios": shares})
    height, width = image.shape[:2]
    show_image(first, image, "fields, on and around the image")
    for box, color in zip(boxes, NEURON_COLORS, strict=False):
        _outline(first, box, color)
    tops, lefts, bottoms, rights = np.array([*boxes, (0, 0, height, width)]).T
    first.set(xlim=(lefts.min() - 4, rights.max() + 4), ylim=(bottoms.max() + 4, tops.min() - 4))
    for ax, neuron, box, color in zip(others, neurons, clipped, NEURON_COLORS, strict=False):
        row, col, channel, activation = neuron
        show_image(ax, _cut(image, box), f"{row}, {col}, ch. {channel}\n{activation:.3g}")
        _frame(ax, color)
    for ax in (first, *others):
        ax.set(xticks=[], yticks=[])
    for spine in first.spines.values():
        spine.set_visible(False)
    return figure


def heat_maps(rows: Sequence[tuple], headers: Sequence[str], label: str, top: float = 1.0, masks=None) -> Figure:
    """Show rows (image, picture, picture, ...): a heat map (H, W) lies over the image, an RGB picture stands alone.

    All heat maps share one scale from 0 to `top`, with a colour bar named `label`; a picture may come with a title, as
    a pair. `masks` outlines what is known to be the object.
    """
    side = (WIDTH - 0.8) / len(headers)
    figure, axes = grid(len(rows), len(headers), cell=side)
    figure.set_size_inches(WIDTH, len(rows) * (side + 0.2) + 0.15)
    for number, (line, (image, *pictures)) in enumerate(zip(axes, rows, strict=True)):
        for column, (ax, picture) in enumerate(zip(line, [image, *pictures], strict=True)):
            picture, title = picture if isinstance(picture, tuple) else (picture, "")
            header = headers[column] if number == 0 else ""
            _heat(ax, image, picture, "\n".join(filter(None, (header, title))), top)
            if masks is not None and picture.ndim == 2:
                smooth = cv2.GaussianBlur(masks[number].astype(np.float32), (0, 0), 2)
                ax.contour(smooth, [0.5], colors="white", linewidths=0.6)
    _heat_bar(figure, axes, top, label, 0.9 / len(rows) ** 0.5)
    return figure


def beside(parts: Sequence[tuple]) -> Figure:
    """Show (image, heat map, title) in columns: the images above, the maps over them below, one scale from 0 to 1."""
    side = min(2.1, (WIDTH - 0.8) / len(parts))
    figure, axes = grid(2, len(parts), cell=side)
    figure.set_size_inches(side * len(parts) + 0.8, 2 * side + 0.25)
    for (above, below), (image, heat, title) in zip(axes.T, parts, strict=True):
        show_image(above, image)
        _heat(below, image, heat, title, 1.0)
    _heat_bar(figure, axes, 1.0, "evidence (maximum 1)", 0.6)
    return figure


def _heat_bar(figure: Figure, axes, top: float, label: str, shrink: float) -> None:
    bar = figure.colorbar(ScalarMappable(Normalize(0, top), HEAT), ax=axes, shrink=shrink, aspect=18)
    bar.set_label(label, fontsize=8)
    bar.outline.set_visible(False)


def _heat(ax, image: np.ndarray, picture: np.ndarray, title: str, top: float) -> None:
    title = "\n".join(shorten(line, 26) for line in title.split("\n"))
    if picture.ndim == 3:
        show_image(ax, picture, title)
        return
    show_image(ax, image.mean(axis=2), title, vmin=0, vmax=255)
    ax.imshow(picture, cmap=HEAT, vmin=0, vmax=top, alpha=OPACITY)


def _frame(ax, color) -> None:
    for spine in ax.spines.values():
        spine.set(visible=True, color=color, linewidth=2)


def _cut(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    top, left, bottom, right = box
    return image[top:bottom, left:right]


def _outline(ax, box: tuple[int, int, int, int], color) -> None:
    top, left, bottom, right = box
    ax.add_patch(Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, ec=color, lw=1.4))
