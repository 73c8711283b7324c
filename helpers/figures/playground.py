"""A kernel to play with: nine numbers that the reader changes in JupyterLab, and the feature map that follows them."""

import io
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

from helpers.figures.moving import correlate
from helpers.figures.style import INK, WIDTH, headline, show_image

SIDE = 300  # pixels of a picture in the panel, at least
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


def colored(feature_map: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return a feature map as a picture (H, W, 3), uint8.

    A kernel whose numbers add up to 0 sees changes only: its map is white where it is 0, red where it is positive and
    blue where it is negative, up to the 99th percentile of its sizes. Any other map is gray as in the image: 0 is
    black, 1 white.
    """
    if np.isclose(kernel.sum(), 0, atol=1e-6):
        sizes = np.abs(feature_map)
        limit = np.percentile(sizes, 99) or sizes.max() or 1
        return colormaps["RdBu_r"](np.clip(0.5 + 0.5 * feature_map / limit, 0, 1), bytes=True)[..., :3]
    return colormaps["gray"](np.clip(feature_map, 0, 1), bytes=True)[..., :3]


def told(feature_map: np.ndarray, kernel: np.ndarray) -> str:
    """Return a sentence on the numbers that a map has, to at most three digits."""
    sizes = f"the map goes from {feature_map.min():.3g} to {feature_map.max():.3g}"
    return f"The kernel's numbers add up to {kernel.sum():.3g}; {sizes}."


def stills(gray: np.ndarray, names: Sequence[str] = tuple(KERNELS)[1:6]) -> Figure:
    """Draw the kernels of those names with their numbers, and beneath each what it makes of a gray image (0 to 1)."""
    figure = Figure(figsize=(WIDTH, 2.95), layout="constrained")
    headline(figure, "What the kernel's numbers add up to decides: 1 keeps the picture, 0 leaves only its changes")
    axes = figure.subplots(2, len(names), height_ratios=[0.72, 1])
    for (above, below), name in zip(axes.T, names, strict=True):
        kernel = np.array(KERNELS[name], float)
        limit = np.abs(kernel).max()
        show_image(above, kernel, name, cmap="RdBu_r", vmin=-limit, vmax=limit)
        for (i, j), value in np.ndenumerate(kernel):
            ink = "white" if abs(value) > 0.7 * limit else INK
            text = str(Fraction(value).limit_denominator(100)).replace("-", "−")
            above.text(j, i, text, ha="center", va="center", fontsize=8, color=ink)
        show_image(below, colored(correlate(gray, kernel), kernel))
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    return figure


class Playground:
    """The panel: nine fields, ready-made kernels, a choice of images; `panel` is the widget for Jupyter to show.

    images: gray (H, W) from 0 to 1, by name. Nothing is computed again that has not changed.
    """

    def __init__(self, images: dict[str, np.ndarray], kernel: str = "vertical edges"):
        import ipywidgets as widgets  # only for those who look at it: it takes a while

        self.images = images
        narrow, wide, half = (widgets.Layout(width=width) for width in ("4.5em", "18em", "100%"))
        self.numbers = [widgets.FloatText(step=0.5, layout=narrow) for _ in range(9)]
        for place, number in enumerate(self.numbers):
            number.tooltip = f"row {place // 3 + 1}, column {place % 3 + 1} of the kernel"
        self.choice = widgets.Dropdown(options=[*KERNELS, REST], value=kernel, description="kernel", layout=wide)
        self.image = widgets.Dropdown(options=list(images), description="image", layout=wide)
        self.turn = widgets.Button(description="turn by 180°", tooltip="what convolution does to a kernel")
        self.relu = widgets.Checkbox(description="ReLU: negative numbers become 0", indent=False)
        self.before, self.after = (widgets.Image(format="png", layout=half) for _ in range(2))
        self.text = widgets.Label()
        grid = widgets.GridBox(self.numbers, layout=widgets.Layout(grid_template_columns="repeat(3, 5em)"))
        controls = widgets.VBox([self.choice, grid, self.turn, self.image, self.relu])
        controls.layout = widgets.Layout(flex="0 0 auto", margin="0 1em 0 0")
        share = widgets.Layout(flex="1 1 0", min_width="0", max_width="28em")
        pictures = [widgets.VBox([widgets.Label(name), shown], layout=share) for name, shown in self._pictures()]
        self.panel = widgets.VBox([widgets.HBox([controls, *pictures]), self.text])
        self._fill(np.array(KERNELS[kernel], float))
        self._listen()

    @property
    def kernel(self) -> np.ndarray:
        """The nine numbers as they stand in the panel, (3, 3)."""
        return np.array([number.value for number in self.numbers], float).reshape(3, 3)

    def _pictures(self) -> list[tuple]:
        return [("the image", self.before), ("the map that the kernel makes of it", self.after)]

    def _listen(self) -> None:
        for number in self.numbers:
            number.observe(self._typed, "value")
        self.choice.observe(self._chosen, "value")
        self.turn.on_click(lambda _: self._fill(self.kernel[::-1, ::-1]))
        for control in (self.image, self.relu):
            control.observe(lambda _: self._show(), "value")

    def _typed(self, _) -> None:
        if not self._filling:
            self._fill(self.kernel)

    def _chosen(self, change: dict) -> None:
        if change["new"] != REST:
            self._fill(np.array(KERNELS[change["new"]], float))

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
        feature_map = correlate(image, kernel)
        feature_map = np.maximum(feature_map, 0) if self.relu.value else feature_map
        self.before.value = png(colored(image, np.ones(1)))
        self.after.value = png(colored(feature_map, kernel))
        self.text.value = told(feature_map, kernel)


def png(picture: np.ndarray) -> bytes:
    """Return a picture (H, W, 3) as PNG, each pixel enlarged by a whole number to at least `SIDE` across."""
    times = -(-SIDE // picture.shape[1])
    file = io.BytesIO()
    Image.fromarray(picture.repeat(times, axis=0).repeat(times, axis=1)).save(file, "PNG", compress_level=1)
    return file.getvalue()
