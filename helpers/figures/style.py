"""The one style of the report's figures: colours, sizes, fonts, and how images and numbers are drawn."""

import io
import logging

import numpy as np
import seaborn
from IPython import get_ipython
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

WIDTH = 7.2  # inches: the width of the report's text
HEIGHT = 8.4  # inches: a page of the report without the caption
DPI = 150
MANY_COLOURS = 10_000
BLUE, ORANGE, GREEN, GRAY, VIOLET, OCHRE = "#0b5cad", "#c8501e", "#2a7f4f", "#6b7280", "#8250df", "#b58900"
INK = "#1f2328"
SIGNED = "RdBu_r"  # the colours of what may be positive or negative: 0 is white
SIX = (BLUE, ORANGE, GREEN, VIOLET, OCHRE, "#0f766e")  # that can be told apart
FALLBACK = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Droid Sans Fallback", "Yu Gothic", "Microsoft YaHei",
            "Malgun Gothic", "Hiragino Sans", "PingFang SC", "Arial Unicode MS", "Segoe UI Symbol", "Noto Emoji",
            "Symbola", "Apple Symbols")  # fmt: skip
RC = {
    **dict.fromkeys(("font.size", "axes.titlesize"), 9),
    **dict.fromkeys(("axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"), 8),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
    **dict.fromkeys(("text.color", "axes.labelcolor"), INK),
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "mathtext.fontset": "dejavusans",
}


def setup() -> None:
    """Set the report's style, and show a returned Figure as a PNG of at most 256 colours."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # a fallback may have no bold face
    known = set(font_manager.get_font_names())
    fonts = ["DejaVu Sans", *(name for name in FALLBACK if name in known)]
    seaborn.set_theme(context="paper", style="ticks", palette=(*SIX[:3], GRAY), rc=RC | {"font.family": fonts})
    if shell := get_ipython():
        shell.display_formatter.formatters["image/png"].for_type(Figure, to_png)


def to_png(figure: Figure) -> bytes:
    """Return the figure as a PNG whose colours are reduced to 256: a third of the size, and no difference to see."""
    buffer = io.BytesIO()
    quick = {"compress_level": 1}  # it is read again at once
    figure.savefig(buffer, dpi=DPI, facecolor="white", bbox_inches="tight", pad_inches=0.04, pil_kwargs=quick)
    small = io.BytesIO()
    _reduced(Image.open(buffer).convert("RGB")).save(small, format="PNG", optimize=True)
    return small.getvalue()


def _reduced(image: Image.Image) -> Image.Image:
    """Return the image with a palette of 256 colours; for many colours a part of the pixels chooses it."""
    if image.getcolors(MANY_COLOURS) is not None:
        return image.quantize(256, kmeans=1)
    # K-means on all pixels of twelve photographs takes a second, on a ninth of them nothing to speak of.
    sample = image.resize((image.width // 3, image.height // 3), Image.Resampling.NEAREST)
    reduced = image.quantize(palette=sample.quantize(256, kmeans=1), dither=Image.Dither.NONE)
    colors, paper = reduced.getpalette(), reduced.getpixel((0, 0))
    colors[3 * paper : 3 * paper + 3] = image.getpixel((0, 0))  # or the paper around would be off-white
    reduced.putpalette(colors)
    return reduced


def note(figure: Figure, text: str) -> None:
    """Write a small remark beneath a figure."""
    lines = "\n".join(filter(None, (figure.get_supxlabel(), text)))
    figure.supxlabel(lines, x=0.005, ha="left", fontsize=7, color=GRAY)


def headline(figure: Figure, text: str) -> None:
    """Write what a figure of several panels shows above them all."""
    figure.suptitle(text, x=0.005, ha="left", fontsize=9, fontweight="bold", parse_math=False)


def canvas(height: float, width: float = WIDTH) -> Figure:
    """Return an empty Figure of that size in inches, but no wider than the text and no higher than a page."""
    return Figure(figsize=(min(width, WIDTH), min(height, HEIGHT)), layout="constrained")


def bare(ax: Axes) -> None:
    """Take away an Axes' ticks and lines."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def frame(ax: Axes, color: str, width: float = 2) -> None:
    """Draw a frame around an Axes."""
    ax.spines[:].set(visible=True, color=color, linewidth=width)


def outline(ax: Axes, box: tuple[int, int, int, int], color: str, width: float = 1.4) -> None:
    """Draw a box (top, left, bottom, right) of pixels on an image."""
    top, left, bottom, right = box
    ax.add_patch(Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, ec=color, lw=width))


def show_image(ax: Axes, image: np.ndarray, title: str = "", size: float = 8, **kwargs):
    """Draw an image on an Axes: RGB as it is, (H, W) in gray unless `cmap` says otherwise; the title literally."""
    kwargs = {"cmap": "gray"} | kwargs if image.ndim == 2 else kwargs
    ax.set_title(title, fontweight="normal", fontsize=size, parse_math=False)
    bare(ax)
    return ax.imshow(image, **kwargs)


def show_numbers(ax: Axes, values, title: str = "", *, cmap=SIGNED, limits=None, text="{:g}".format) -> None:
    """Draw a matrix as cells with their numbers, around 0 unless `limits` are given; masked cells stay empty."""
    low, high = limits or (-np.abs(values).max(), np.abs(values).max())
    written = np.array([[text(value).replace("-", "−") for value in row] for row in np.ma.getdata(values)])
    seaborn.heatmap(
        np.ma.getdata(values), annot=written, fmt="", cmap=cmap, vmin=low, vmax=high, mask=np.ma.getmaskarray(values),
        square=True, cbar=False, xticklabels=False, yticklabels=False, linewidths=0.5, linecolor=GRAY,
        annot_kws={"fontsize": 8}, ax=ax,
    )  # fmt: skip
    ax.set_title(title, fontweight="normal", fontsize=8)
    frame(ax, GRAY, 0.6)
