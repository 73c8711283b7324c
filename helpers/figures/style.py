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
BLUE, ORANGE, GREEN, GRAY, VIOLET, OCHRE = "#0b5cad", "#c8501e", "#2a7f4f", "#6b7280", "#8250df", "#b58900"
INK = "#1f2328"
SIGNED = "RdBu_r"  # the colours of what may be positive or negative: 0 is white
SIX = (BLUE, ORANGE, GREEN, VIOLET, OCHRE, "#0f766e")  # that can be told apart
FALLBACK = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Droid Sans Fallback", "Yu Gothic", "Microsoft YaHei",
            "Malgun Gothic", "Hiragino Sans", "PingFang SC", "Arial Unicode MS", "Segoe UI Symbol", "Noto Emoji",
            "Symbola", "Apple Symbols")  # fmt: skip
RC = {
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
    seaborn.set_theme("paper", "ticks", font_scale=0.92, palette=(*SIX[:3], GRAY), rc=RC | {"font.family": fonts})
    if shell := get_ipython():
        shell.display_formatter.formatters["image/png"].for_type(Figure, to_png)


def to_png(figure: Figure) -> bytes:
    """Return the figure as a PNG whose colours are reduced to 256: a third of the size, and no difference to see."""
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, dpi=DPI, facecolor="white", bbox_inches="tight", pad_inches=0.04)
    image = Image.open(full).convert("RGB")
    some = image.resize((image.width // 3, image.height // 3), Image.Resampling.NEAREST)  # K-means on all is slow
    reduced = image.quantize(palette=some.quantize(256, kmeans=1), dither=Image.Dither.NONE)
    colors, paper = reduced.getpalette(), 3 * reduced.getpixel((0, 0))
    reduced.putpalette(colors[:paper] + [255] * 3 + colors[paper + 3 :])  # else it would be off-white
    reduced.save(small, "PNG", optimize=True)
    return small.getvalue()


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


def frame(ax: Axes, color: str, width: float) -> None:
    """Draw a frame around an Axes."""
    ax.spines[:].set(visible=True, color=color, linewidth=width)


def outline(ax: Axes, box: tuple[int, int, int, int], color: str) -> None:
    """Draw a box (top, left, bottom, right) of pixels on an image and beyond."""
    top, left, bottom, right = box
    at, look = (left - 0.5, top - 0.5), {"fill": False, "ec": color, "lw": 1.3, "clip_on": False}
    ax.add_patch(Rectangle(at, right - left, bottom - top, **look))


def show_image(ax: Axes, image: np.ndarray, title: str = "", size: float = 8, **kwargs):
    """Draw an image on an Axes: RGB as it is, (H, W) in gray unless `cmap` says otherwise; the title literally."""
    kwargs = {"cmap": "gray"} | kwargs if image.ndim == 2 else kwargs
    ax.set_title(title, fontweight="normal", fontsize=size, parse_math=False)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax.imshow(image, **kwargs)


def show_numbers(ax: Axes, values, title: str = "", *, cmap=SIGNED, limits=None, text="{:g}".format) -> None:
    """Draw a matrix as cells with their numbers, around 0 unless `limits` are given; masked cells stay empty."""
    low, high = limits or (-np.abs(values).max(), np.abs(values).max())
    written = np.vectorize(lambda value: text(value).replace("-", "−"), otypes=[str])(np.ma.getdata(values))
    numbers = {"annot": written, "fmt": "", "annot_kws": {"fontsize": 8}, "mask": np.ma.getmaskarray(values)}
    look = {"cmap": cmap, "vmin": low, "vmax": high, "linewidths": 0.5, "linecolor": GRAY, "cbar": False}
    bare = {"xticklabels": False, "yticklabels": False, "square": True}
    seaborn.heatmap(np.ma.getdata(values), ax=ax, **numbers, **look, **bare)
    ax.set_title(title.replace("-", "−"), fontweight="normal", fontsize=8)
    frame(ax, GRAY, 0.6)
