"""Images in rows: of a data set, under heat maps, with boxes; every figure of images is made of `panels`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from helpers.figures.names import drawn_names, explain_names, shorten
from helpers.figures.style import GRAY, HEIGHT, ORANGE, WIDTH, canvas, frame, note, outline, show_image

LARGEST, SMALLEST = 2.05, 0.6  # inches: the side of an image in a figure
ROWS, COLUMNS = 8, 9  # of a contact sheet whose classes have a row each
HEAT = "inferno"
OPACITY = 0.6  # of a heat map over an image
LETTERS = 116  # of a title of 1 point that fit on an inch


@dataclass
class Panel:
    """One image of a figure, (H, W, 3) or (H, W), with its title and what lies over and around it."""

    image: np.ndarray
    title: str = ""
    heat: np.ndarray | None = None  # (H, W), drawn over the image in gray
    mask: np.ndarray | None = None  # (H, W), of which the outline is drawn
    boxes: Sequence[tuple] = ()  # pairs (box, colour); the panel grows with those that reach beyond the image
    color: str | None = None  # of a frame
    said: str = ""  # in its corner
    look: dict = field(default_factory=dict)  # how `imshow` draws the image


def panels(rows: Sequence, headers=(), names: Sequence[str] = (), *, label: str = "", top: float = 1.0) -> Figure:
    """Draw rows of panels, images or None, as many as fit; `label`: of a colour bar for heat maps from 0 to `top`."""
    rows = [[Panel(p) if isinstance(p, np.ndarray) else p for p in row] for row in rows]
    for panel, header in zip(rows[0], headers, strict=False):
        panel.title = "\n".join(filter(None, (header, panel.title)))
    columns, beside = max(map(len, rows)), 0.8 * bool(label) + 0.2 * bool(len(names))
    lines = [max((p.title.count("\n") + 1 if p and p.title else 0) for p in row) for row in rows]
    above = 0.02 + 0.15 * max(lines)
    side = max(SMALLEST, min((WIDTH - beside) / columns, LARGEST, (HEIGHT - 0.3) / len(rows) - above))
    shown = rows[: int((HEIGHT - 0.3) / (side + above))]
    figure = canvas(len(shown) * (side + 0.02) + 0.15 * sum(lines[: len(shown)]) + 0.1, side * columns + beside)
    axes = figure.subplots(len(shown), columns, squeeze=False)
    for line, row, name in zip_longest(axes, shown, names[: len(shown)], fillvalue=""):
        for ax, panel in zip_longest(line, row):
            ax.set_visible(panel is not None)
            if panel:
                draw(ax, panel, side, top)
        line[0].set_ylabel(name, fontsize=8 if side > 1.25 else 7, parse_math=False)
    if len(shown) < len(rows):
        note(figure, f"… {len(rows) - len(shown)} more rows of images are not shown")
    if label:
        colors = ScalarMappable(Normalize(0, top), HEAT)
        figure.colorbar(colors, ax=axes, shrink=0.9 / len(shown) ** 0.5, aspect=18, label=label).outline.set_visible(
            False
        )
    return figure


def draw(ax: Axes, panel: Panel, side: float = LARGEST, top: float = 1.0) -> None:
    """Draw a panel on an Axes of so many inches."""
    size = 8 if side > 1.25 else 7
    title = "\n".join(shorten(line, int(LETTERS / size * side)) for line in panel.title.split("\n"))
    if panel.heat is None:
        show_image(ax, panel.image, title, size, **panel.look)
    else:
        show_image(ax, panel.image.mean(axis=2), title, size, vmin=0, vmax=255)
        ax.imshow(panel.heat, cmap=HEAT, vmin=0, vmax=top, alpha=OPACITY)
    if panel.mask is not None:
        ax.contour(panel.mask.astype(float), [0.5], colors="white", linewidths=0.6)
    for box, color in panel.boxes:
        outline(ax, box, color)
    if len(panel.boxes):
        boxes = np.array([(0, 0, *panel.image.shape[:2]), *(box for box, _ in panel.boxes)])
        (upper, left), (lower, right) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
        ax.set(xlim=(left - 0.5, right - 0.5), ylim=(lower - 0.5, upper - 0.5))
    if panel.color:
        frame(ax, panel.color, 0.5 if panel.color == GRAY else 2)
    if panel.said:
        box = {"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"}
        ax.text(0.03, 0.95, panel.said, va="top", fontsize=6, color=ORANGE, bbox=box, transform=ax.transAxes)


def contact_sheet(images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Show the first images of each class, a row a class; of more than `ROWS` one each. ValueError for one without."""
    there, first = np.unique(labels, return_index=True)
    if there.tolist() != list(range(len(class_names))):
        raise ValueError(f"{len(class_names)} classes need an image each: the labels are of {there.tolist()}.")
    if len(class_names) <= ROWS:
        rows = [list(images[np.flatnonzero(np.equal(labels, k))[:COLUMNS]]) for k in range(len(class_names))]
        figure = panels(rows, names=drawn_names(class_names, 11))
    else:
        columns = COLUMNS if len(class_names) <= 7 * COLUMNS else 12
        letters = int(LETTERS / 7 * (WIDTH / columns - 0.03))
        figure = image_grid(images[first], drawn_names(class_names, letters), columns)
    explain_names(figure, class_names)
    return figure


def image_grid(images: Sequence[np.ndarray], titles: Sequence[str], columns: int = 6) -> Figure:
    """Show images in rows of `columns`, each with its title above."""
    shown = [Panel(image, title) for image, title in zip(images, titles, strict=True)]
    return panels([shown[k : k + columns] for k in range(0, len(shown), columns)])
