"""Cuts the README's pictures out of the committed notebooks' figures: `python tests/programs/readme_pictures.py`.

Nothing is trained. A figure is found by its cell's `#| label:`, so that it may move.
"""

import base64
import io

from PIL import Image

from helpers.report import cells
from helpers.store.files import ROOT, whole_file

FOLDER = ROOT / "reports" / "readme"
SIDE, GAP = 336, 16  # pixels of the strip: a picture of it, and what is between two
THUMBNAIL = 640, 210
# What is cut: the chapter, the figure's label, which of its outputs, and the part of it (left, top, right, bottom).
STRIP = [  # a drawing, what a kernel makes of it, and where VGG19 finds what it shows
    ("06_gradcam", "fig-gradcam", 0, (0.007, 0.067, 0.212, 0.333)),
    ("01_convolution", "fig-why", 0, (0.432, 0.513, 0.636, 0.983)),
    ("06_gradcam", "fig-gradcam", 0, (0.225, 0.067, 0.430, 0.333)),
    ("06_gradcam", "fig-gradcam", 0, (0.443, 0.067, 0.647, 0.333)),
]
THUMBNAILS = [
    ("01_convolution", "fig-filter", 0, (0, 0, 1, 1)),
    ("02_conv_layers", "fig-maps-1", 0, (0, 0, 1, 0.75)),
    ("03_cnn_training", "fig-curves", 0, (0, 0, 1, 1)),
    ("04_vgg19", "fig-hardest", 0, (0, 0, 0.67, 0.5)),
    ("05_guided_backprop", "fig-neurons", 1, (0, 0, 1, 1)),
    ("06_gradcam", "fig-class-by-class", 0, (0, 0, 0.86, 0.34)),
]


def figure(stem: str, label: str, number: int) -> Image.Image:
    """Return a picture that the cell with this label shows in a committed notebook; ValueError if there is none."""
    for cell in cells.read(ROOT / "notebooks" / f"{stem}.ipynb").cells:
        if cells.options(cell).get("label") == label:
            found = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
            if number < len(found):
                return Image.open(io.BytesIO(base64.b64decode(found[number]))).convert("RGB")
    raise ValueError(f"{stem}.ipynb shows no picture {number} in a cell labelled {label}: mend STRIP or THUMBNAILS.")


def cut(stem: str, label: str, number: int, part: tuple[float, float, float, float]) -> Image.Image:
    """Return a part of a figure, given by fractions of its width and height."""
    picture = figure(stem, label, number)
    return picture.crop([int(share * size) for share, size in zip(part, picture.size * 2, strict=True)])


def pictures() -> dict[str, Image.Image]:
    """Return every picture by its file's name: those of STRIP in a row, and a chapter's on white paper of one size."""
    strip = Image.new("RGB", (len(STRIP) * (SIDE + GAP) - GAP, SIDE), "white")
    for place, part in enumerate(STRIP):
        strip.paste(cut(*part).resize((SIDE, SIDE), Image.Resampling.LANCZOS), (place * (SIDE + GAP), 0))
    made = {"strip.png": strip}
    for part in THUMBNAILS:
        picture = cut(*part)
        picture.thumbnail((THUMBNAIL[0] - 20, THUMBNAIL[1] - 20), Image.Resampling.LANCZOS)
        paper = Image.new("RGB", THUMBNAIL, "white")
        paper.paste(picture, ((paper.width - picture.width) // 2, (paper.height - picture.height) // 2))
        made[f"{part[0]}.png"] = paper.quantize(256, Image.Quantize.MEDIANCUT, 1, dither=Image.Dither.NONE)
    return made


def main() -> None:
    """Write the pictures into reports/readme."""
    for name, picture in pictures().items():
        with whole_file(FOLDER / name) as part:
            picture.save(part, format="PNG", optimize=True)
        print(FOLDER / name)


if __name__ == "__main__":
    main()
