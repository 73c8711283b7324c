"""A kernel to play with: nine numbers that the reader changes in JupyterLab, and the feature map that follows them."""

from collections.abc import Sequence
from fractions import Fraction
from html import escape

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

from helpers.figures.names import drawn_names
from helpers.figures.sliding import correlate
from helpers.figures.style import GRAY, SIGNED, canvas, headline, show_image, show_numbers
from helpers.figures.text import data_uri

KERNELS = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "blur": [[1 / 16, 1 / 8, 1 / 16], [1 / 8, 1 / 4, 1 / 8], [1 / 16, 1 / 8, 1 / 16]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "vertical edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "horizontal edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "all edges": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "relief": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
}
REST = "your own"
SUMS = "What the kernel's numbers add up to decides: 1 keeps the image, 0 leaves only its changes"


def color_range(feature_map: np.ndarray, kernel: np.ndarray) -> tuple[str, float, float]:
    """Return the colours in which a map is drawn, and the numbers at their ends.

    Where the kernel's numbers add up to 0, red is positive, white 0 and blue negative, up to the 99th percentile of the
    sizes; where they add up to 1, gray from 0 to 1 as in the image; else gray from the 1st to the 99th percentile.
    """
    total, feature_map = kernel.sum(), feature_map.round(9)  # what only rounding has left is 0
    if np.isclose(total, 0, atol=1e-6):
        limit = np.percentile(np.abs(feature_map), 99) or np.abs(feature_map).max() or 1
        return SIGNED, -float(limit), float(limit)
    low, high = (0, 1) if np.isclose(total, 1) else np.percentile(feature_map, (1, 99))
    return "gray", float(low), float(high if high > low else low + 1)


def colored(feature_map: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return a feature map in the colours of `color_range`, (H, W, 3) uint8."""
    cmap, low, high = color_range(feature_map, kernel)
    return colormaps[cmap](np.clip((feature_map - low) / (high - low), 0, 1), bytes=True)[..., :3]


def described(feature_map: np.ndarray, kernel: np.ndarray) -> str:
    """Return a sentence on the numbers that a map has and the colours they are drawn in, to three digits."""
    cmap, low, high = color_range(feature_map, kernel)
    dark, light = ("blue", "red") if cmap == SIGNED else ("black", "white")
    reach = f"the map goes from {feature_map.min().round(9) + 0:.3g} to {feature_map.max().round(9) + 0:.3g}"
    ends = f"{dark} is {low:.3g} or less, {light} {high:.3g} or more"
    return f"The kernel's numbers add up to {kernel.sum():.3g}; {reach}: {ends}."


def kernel_effects(gray: np.ndarray, names: Sequence[str] = tuple(KERNELS)[1:6], title: str = SUMS) -> Figure:
    """Draw the kernels of those names with their numbers, and beneath each what it makes of a gray image (0 to 1)."""
    figure = canvas(2.95)
    headline(figure, title)
    axes = figure.subplots(2, len(names), height_ratios=[0.72, 1])
    for (above, below), name in zip(axes.T, names, strict=True):
        kernel = np.array(KERNELS[name], float)
        show_numbers(above, kernel, name, text=lambda value: str(Fraction(value).limit_denominator(100)))
        show_image(below, colored(correlate(gray, kernel), kernel))
    return figure


class Playground:
    """The panel: nine fields, ready-made kernels, stride, padding, a choice of images; Jupyter shows its `panel`.

    images: gray (H, W) from 0 to 1, by name.
    """

    def __init__(self, images: dict[str, np.ndarray], kernel: str = "vertical edges"):
        import ipywidgets as widgets  # only for those who look at it: it takes a while

        self.images = dict(zip(drawn_names(list(images), 30), images.values(), strict=True))
        small, wide = (
            {"layout": {"width": "6em"}, "style": {"description_width": "1.6em"}},
            {"layout": {"width": "20em"}},
        )
        places = [f"{row + 1},{column + 1}" for row, column in np.ndindex(3, 3)]
        self.numbers = [widgets.FloatText(step=0.5, description=at, tooltip=f"kernel: {at}", **small) for at in places]
        self.choice = widgets.Dropdown(options=[*KERNELS, REST], value=kernel, description="kernel", **wide)
        self.image = widgets.Dropdown(options=list(self.images), description="image", **wide)
        self.turn = widgets.Button(description="turn by 180°", tooltip="what convolution does to a kernel")
        self.stride = widgets.BoundedIntText(1, min=1, max=16, description="stride", **wide)
        self.pad = widgets.BoundedIntText(0, min=0, max=16, description="padding", **wide)
        share = {"flex": "1 1 0", "min_width": "0", "max_width": "28em", "margin": "0 0 0 1em"}
        self.before, self.after = widgets.HTML(layout=share), widgets.HTML(layout=share)
        self.text = widgets.Label()
        fields = widgets.GridBox(self.numbers, layout={"grid_template_columns": "repeat(3, 6.5em)"})
        controls = widgets.VBox([self.image, self.choice, fields, self.turn, self.stride, self.pad])
        self.panel = widgets.VBox([widgets.HBox([controls, self.before, self.after]), self.text])
        self._filling = False
        self._fill(np.array(KERNELS[kernel], float))
        self._listen()

    @property
    def kernel(self) -> np.ndarray:
        """The nine numbers as they stand in the panel, (3, 3)."""
        return np.array([number.value for number in self.numbers], float).reshape(3, 3)

    def _listen(self) -> None:
        for number in self.numbers:
            number.observe(lambda _: self._filling or self._fill(self.kernel), "value")
        self.choice.observe(lambda now: now.new == REST or self._fill(np.array(KERNELS[now.new], float)), "value")
        self.turn.on_click(lambda _: self._fill(self.kernel[::-1, ::-1]))
        for control in (self.image, self.stride, self.pad):
            control.observe(lambda _: self._show(), "value")

    def _fill(self, kernel: np.ndarray) -> None:
        """Put nine numbers into the fields, name them if they have a name, and show what they do."""
        self._filling = True
        for number, value in zip(self.numbers, kernel.flat, strict=True):
            number.value = float(value)
        self._filling = False
        same = [name for name, known in KERNELS.items() if np.array_equal(kernel, known)]
        self.choice.value = same[0] if same else REST
        self._show()

    def _show(self) -> None:
        image, kernel = self.images[self.image.value], self.kernel
        feature_map = correlate(image, kernel, self.stride.value, self.pad.value)
        self.text.value = described(feature_map, kernel)
        height, width = feature_map.shape
        self.before.value = framed(colored(image, np.ones(1)), "the image", f"The image {self.image.value} in gray.")
        self.after.value = framed(colored(feature_map, kernel), f"its map, {height} x {width}", self.text.value)


def framed(image: np.ndarray, title: str, alt: str) -> str:
    """Return an image (H, W, 3) as HTML: a title, and a frame in which it fills the width, each pixel a square."""
    style = f"width: 100%; border: 1px solid {GRAY}; image-rendering: pixelated"
    return f'<div>{title}</div><img alt="{escape(alt)}" style="{style}" src="{data_uri(Image.fromarray(image))}">'
