"""The report's figures in one style. Each function returns a matplotlib Figure; Jupyter shows what a cell ends with."""

import io
import re
import string
from collections.abc import Sequence

import numpy as np
import seaborn
from IPython import get_ipython
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

WIDTH = 7.2  # inches: the width of the report's text
DPI = 150
MANY_COLOURS = 10_000
LEGIBLE = 15  # classes whose counts can be read in a confusion matrix
PICTURED = 4  # classes whose images can be made out in it
CELL_HEIGHT = 0.86  # of a cell of that matrix, beneath its count, as a part of the images' width
BLUE, ORANGE, GREEN, GRAY = "#0b5cad", "#c8501e", "#2a7f4f", "#6b7280"
INK = "#1f2328"


def setup() -> None:
    """Set the report's style, and show a returned Figure as a PNG of at most 256 colours."""
    seaborn.set_theme(
        context="paper",
        style="ticks",
        palette=[BLUE, ORANGE, GREEN, GRAY],
        rc={
            "font.family": "DejaVu Sans",
            "font.size": 9,
            "axes.titlesize": 9,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 8.5,
            "xtick.labelsize": 8,
            "ytick.labelsize": 8,
            "legend.fontsize": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "text.color": INK,
            "axes.labelcolor": INK,
            "legend.frameon": False,
            "mathtext.fontset": "dejavusans",
            "image.interpolation": "nearest",
        },
    )
    if shell := get_ipython():
        shell.display_formatter.formatters["image/png"].for_type(Figure, to_png)


def to_png(figure: Figure) -> bytes:
    """Return the figure as a PNG whose colours are reduced to 256: a third of the size, and no difference to see."""
    buffer = io.BytesIO()
    quick = {"compress_level": 1}  # it is read again at once
    figure.savefig(
        buffer, format="png", dpi=DPI, facecolor="white", bbox_inches="tight", pad_inches=0.04, pil_kwargs=quick
    )
    small = io.BytesIO()
    _reduced(Image.open(buffer).convert("RGB")).save(small, format="PNG", optimize=True)
    return small.getvalue()


def _reduced(picture: Image.Image) -> Image.Image:
    """Return the picture with a palette of 256 colours; for many colours a part of the pixels chooses it."""
    if picture.getcolors(MANY_COLOURS) is not None:
        return picture.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=1)
    # K-means on all pixels of twelve photographs takes a second, on a ninth of them nothing to speak of.
    sample = picture.resize((picture.width // 3, picture.height // 3), Image.Resampling.NEAREST)
    chosen = sample.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=1)
    reduced = picture.quantize(palette=chosen, dither=Image.Dither.NONE)
    colors, paper = reduced.getpalette(), reduced.getpixel((0, 0))
    colors[3 * paper : 3 * paper + 3] = picture.getpixel((0, 0))  # or the paper around would be off-white
    reduced.putpalette(colors)
    return reduced


def table(headers: Sequence[str], rows: Sequence[Sequence], align: str | None = None) -> Markdown:
    """Return a Markdown table for Jupyter to show; `align` holds one of l, c, r a column (default: l, then r)."""
    align = align or "l" + "r" * (len(headers) - 1)
    rule = {"l": ":---", "c": ":---:", "r": "---:"}
    lines = [headers, [rule[a] for a in align], *rows]
    cells = [[re.sub(r"(?<!\\)\|", r"\\|", str(cell)) for cell in line] for line in lines]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in cells))


def code_safe(name: str) -> str:
    """Return a class or file name so that Markdown shows it as it is, whatever signs it holds."""
    flat = " ".join(name.split())
    return "".join("\\" + c if c in string.punctuation else c for c in flat)


def grid(rows: int, columns: int, *, width: float = WIDTH, cell: float | None = None, extra: float = 0.2):
    """Return a Figure and its (rows, columns) array of Axes without ticks, square cells, `extra` inches above each."""
    side = cell or width / columns
    figure = Figure(figsize=(side * columns, rows * (side + extra)), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        seaborn.despine(ax=ax, left=True, bottom=True)
    return figure, axes


def show_image(ax: Axes, image: np.ndarray, title: str = "", **kwargs):
    """Draw an image on an Axes: RGB as it is, (H, W) in gray unless `cmap` says otherwise."""
    kwargs = {"cmap": "gray"} | kwargs if image.ndim == 2 else kwargs
    ax.set_title(title.replace("$", r"\$"), fontweight="normal", fontsize=8)
    return ax.imshow(image, **kwargs)


def headline(figure: Figure, text: str) -> None:
    """Write what a figure of several panels shows above them all."""
    figure.suptitle(text.replace("$", r"\$"), x=0.005, ha="left", fontsize=9, fontweight="bold")


def curves(history: dict) -> Figure:
    """Plot loss (log scale) and accuracy of training and validation by epoch."""
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = np.arange(1, len(history["loss"]) + 1)
    for ax, name in ((left, "loss"), (right, "accuracy")):
        ax.plot(epochs, history[name], "o-", ms=3, color=BLUE)
        ax.plot(epochs, history[f"val_{name}"], "s--", ms=3, color=ORANGE)
        ax.annotate(" train", (epochs[-1], history[name][-1]), color=BLUE, fontsize=8, va="center")
        ax.annotate(" val", (epochs[-1], history[f"val_{name}"][-1]), color=ORANGE, fontsize=8, va="center")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="epoch", xlim=(0.5, epochs[-1] + max(1, 0.12 * len(epochs))))
    left.set(yscale="log", ylabel="cross-entropy (nats)")
    right.set(ylim=(0, 1.03), ylabel="accuracy")
    return figure


def confusion_of(images: np.ndarray, actual: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Draw a confusion matrix with its images in its cells: rows actual, columns predicted; each cell has its count.

    Of a cell too full the first are shown. With more than `PICTURED` classes the images could not be made out, and it
    is the matrix of counts alone (`confusion`).
    """
    classes, cells = len(class_names), {}
    for i, j in np.ndindex(classes, classes):
        cells[i, j] = np.flatnonzero((actual == i) & (predicted == j))
    counts = np.array([len(cell) for cell in cells.values()]).reshape(classes, classes)
    right = np.trace(counts)
    title = f"{right} of {counts.sum()} on the diagonal, as they should be; {counts.sum() - right} beside it"
    if classes > PICTURED:
        return confusion(counts, class_names, title)
    side = min(1.8 * classes, WIDTH - 0.5)
    figure = Figure(figsize=(side + 0.4, side + 0.6), layout="constrained")
    ax = figure.subplots()
    columns = next((n for n in range(4, 8) if n * int(n * CELL_HEIGHT) >= counts.max()), 8)
    for (i, j), cell in cells.items():
        shade = 0.15 + 0.3 * len(cell) / counts.max()
        color = (BLUE if i == j else ORANGE) if len(cell) else GRAY
        ax.add_patch(
            Rectangle((j, i), 1, 1, facecolor=color, alpha=shade if len(cell) else 0.08, ec="white", zorder=-1)
        )
        ax.text(j + 0.03, i + 0.085, f"{len(cell)}", va="center", fontweight="bold")
        _thumbnails(ax, images[cell], j + 0.025, i + 0.155, columns)
    _class_ticks(ax, class_names)
    ax.set_title(title)
    return figure


def _thumbnails(ax: Axes, images: np.ndarray, left: float, top: float, columns: int) -> None:
    """Put as many images as fit into a cell of the matrix, row by row."""
    step = 0.95 / columns
    for k, image in enumerate(images[: columns * int(columns * CELL_HEIGHT)]):
        x, y = left + k % columns * step, top + k // columns * step
        ax.imshow(image, extent=(x, x + 0.95 * step, y + 0.95 * step, y), interpolation="antialiased")


def _class_ticks(ax: Axes, class_names: Sequence[str]) -> None:
    names, middles = [name.replace("$", r"\$") for name in class_names], np.arange(len(class_names)) + 0.5
    ax.set(xlim=(0, len(names)), ylim=(len(names), 0), aspect="equal", xlabel="predicted class", ylabel="actual class")
    ax.set_xticks(middles, names)
    ax.set_yticks(middles, names, rotation=90, va="center")
    ax.tick_params(length=0)
    seaborn.despine(ax=ax, left=True, bottom=True)


def confusion(matrix: np.ndarray, class_names: Sequence[str], title: str = "") -> Figure:
    """Draw a confusion matrix, rows actual, columns predicted; the counts are written in it where they can be read."""
    side = min(max(2.8, 0.5 * len(class_names) + 1.3), WIDTH)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    ax = figure.subplots()
    names = [name.replace("$", r"\$") for name in class_names]
    seaborn.heatmap(
        matrix, annot=len(class_names) <= LEGIBLE, fmt="d", cmap="Blues", vmin=0, square=True, cbar=False, ax=ax,
        xticklabels=names, yticklabels=names, linewidths=1, linecolor="white",
    )  # fmt: skip
    ax.set(xlabel="predicted class", ylabel="actual class", title=title)
    ax.tick_params(length=0)
    return figure
