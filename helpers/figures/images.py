"""Images in rows: of a data set, under heat maps, or both."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from helpers.figures.names import drawn_names, explain_names, shorten
from helpers.figures.style import HEIGHT, WIDTH, canvas, frame, note, outline, show_image

LARGEST, SMALLEST = 2.05, 0.6  # inches: the side of an image in a figure
MOST = 3  # classes of which a figure shows more than one image or a map
ROWS = 8  # classes that have a row of their own in a contact sheet
HEAT = "inferno"
OPACITY = 0.6  # of a heat map over an image
LETTERS = 13  # that fit on an inch


@dataclass
class Panel:
    """One image of a figure, with its title, a heat map (H, W) over it, an object's mask, boxes, or a frame."""

    image: np.ndarray
    title: str = ""
    heat: np.ndarray | None = None
    mask: np.ndarray | None = None
    boxes: Sequence[tuple] = ()  # of pairs (box, colour)
    color: str | None = None


def panels(rows: Sequence[Sequence], names: Sequence[str] = (), *, label: str = "", top: float = 1.0) -> Figure:
    """Draw rows of panels or images, as many as fit, beside their `names`; a `label` adds a colour bar to `top`."""
    rows = [[p if isinstance(p, Panel) else Panel(p) for p in row] for row in rows]
    columns, beside = max(map(len, rows)), 0.8 * bool(label) + 0.2 * bool(len(names))
    lines = [max((p.title.count("\n") + 1 if p.title else 0) for p in row) for row in rows]
    above = 0.02 + 0.15 * max(lines)
    side = max(SMALLEST, min((WIDTH - beside) / columns, LARGEST, (HEIGHT - 0.3) / len(rows) - above))
    shown = rows[: int((HEIGHT - 0.3) / (side + above))]
    figure = canvas(len(shown) * (side + 0.02) + 0.15 * sum(lines[: len(shown)]) + 0.1, side * columns + beside)
    axes = figure.subplots(len(shown), columns, squeeze=False)
    for line, row in zip(axes, shown, strict=True):
        for ax, panel in zip_longest(line, row):
            if panel:
                _draw(ax, panel, top, size=8 if side > 0.9 else 6.5)
            else:
                ax.set_visible(False)
    for ax, name in zip(axes[:, 0], names, strict=False):
        ax.set_ylabel(name, fontsize=8, parse_math=False)
    if len(shown) < len(rows):
        note(figure, f"… {len(rows) - len(shown)} more rows of images are not shown")
    if label:
        mappable = ScalarMappable(Normalize(0, top), HEAT)
        bar = figure.colorbar(mappable, ax=axes, shrink=0.9 / len(shown) ** 0.5, aspect=18)
        bar.set_label(label, fontsize=8)
        bar.outline.set_visible(False)
    return figure


def _draw(ax, panel: Panel, top: float, size: float) -> None:
    if panel.heat is None:
        show_image(ax, panel.image, panel.title, size)
    else:
        show_image(ax, panel.image.mean(axis=2), panel.title, size, vmin=0, vmax=255)
        ax.imshow(panel.heat, cmap=HEAT, vmin=0, vmax=top, alpha=OPACITY)
    if panel.mask is not None:
        ax.contour(panel.mask.astype(float), [0.5], colors="white", linewidths=0.6)
    for box, color in panel.boxes:
        outline(ax, box, color)
    if panel.color:
        frame(ax, panel.color)


def contact_sheet(images: np.ndarray, labels: np.ndarray, class_names: Sequence[str], columns: int = 9) -> Figure:
    """Show the first `columns` images of each class, a row a class; of more than `ROWS` classes one image each."""
    if len(class_names) <= ROWS:
        rows = [list(images[np.flatnonzero(labels == k)[:columns]]) for k in range(len(class_names))]
        figure = panels(rows, drawn_names(class_names, 11))
    else:
        columns = 9 if len(class_names) <= 63 else 12
        first = [int(np.argmax(labels == k)) for k in range(len(class_names))]
        figure = image_grid(images[first], drawn_names(class_names, int(14 * WIDTH / columns)), columns)
    explain_names(figure, class_names)
    return figure


def image_grid(images: Sequence[np.ndarray], titles: Sequence[str], columns: int = 6) -> Figure:
    """Show images in rows of `columns`, each with its title above."""
    shown = [Panel(image, title) for image, title in zip(images, titles, strict=True)]
    return panels([shown[k : k + columns] for k in range(0, len(shown), columns)])


def image_rows(rows: Sequence[Sequence[np.ndarray]], headers: Sequence[str], names: Sequence[str] = ()) -> Figure:
    """Show rows of images, each column under its header."""
    first = [Panel(image, header) for image, header in zip(rows[0], headers, strict=True)]
    return panels([first, *rows[1:]], names)


def input_to_map(images, grays, maps, class_names: Sequence[str]) -> Figure:
    """Show input, gray image and feature map of the first three images; a map from its least to its largest number.

    images: (N, H, W, 3), grays: N of (H, W), maps: N of (H', W'), one image of each class.
    """
    parts = {"input": images, "gray": grays, "feature map": maps}.items()
    rows = [[Panel(x[k], f"{name}, {' x '.join(map(str, x[k].shape))}") for name, x in parts] for k in range(len(maps))]
    return panels(rows[:MOST], drawn_names(class_names, 26))


def heat_maps(rows: Sequence[tuple], headers: Sequence[str], label: str, top: float = 1.0, masks=None) -> Figure:
    """Show rows (image, part, part, ...): a heat map (H, W) lies over the image, an RGB image stands alone.

    All heat maps share one scale from 0 to `top`, with a colour bar named `label`; a part may come with a title, as a
    pair. `masks` outlines what is known to be the object.
    """
    longest = int(LETTERS * (WIDTH - 0.8) / len(headers))
    drawn = []
    for number, (image, *parts) in enumerate(rows):
        row = []
        for part, header in zip([image, *parts], headers, strict=True):
            part, title = part if isinstance(part, tuple) else (part, "")
            lines = "\n".join(filter(None, (header if number == 0 else "", title))).split("\n")
            mask = masks[number] if masks is not None and part.ndim == 2 else None
            heat = {"image": image, "heat": part} if part.ndim == 2 else {"image": part}
            row.append(Panel(**heat, title="\n".join(shorten(line, longest) for line in lines), mask=mask))
        drawn.append(row)
    return panels(drawn, label=label, top=top)


def beside(parts: Sequence[tuple]) -> Figure:
    """Show (image, heat map, title) in columns: the images above, the maps over them below, one scale from 0 to 1."""
    above = [Panel(image) for image, *_ in parts]
    below = [Panel(image, shorten(title, 22), heat) for image, heat, title in parts]
    return panels([above, below], label="evidence (maximum 1)")
