"""Makes the README's pictures from the committed notebooks' figures: `python -m helpers.report.readme_pictures`.

Nothing is trained. A figure is found by its cell's `#| label:`, a picture in it by its shape, so that both may move.
"""

import argparse
import base64
import io
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from helpers.report.cells import options
from helpers.store.console import print_anything
from helpers.store.files import ROOT, sentence, whole_file

FOLDER = ROOT / "reports" / "readme"
SIDE, GAP, FILTER = 224, 34, 120  # pixels of the strip: its pictures, what is between them, its filter
CARD, INK, MUTED = "#161b22", "#f0f6fc", "#a8b3c0"  # on its own dark ground it reads on a white page and on a black one
THUMBNAIL = 640, 210
# Of each chapter's thumbnail: the figure's label, which of its outputs, and the part of it (left, top, right, bottom).
THUMBNAILS = {
    "01_convolution": ("fig-filter", 0, (0, 0, 1, 1)),
    "02_conv_layers": ("fig-maps-1", 0, (0, 0, 1, 0.75)),
    "03_cnn_training": ("fig-curves", 0, (0, 0, 1, 1)),
    "04_vgg19": ("fig-hardest", 0, (0, 0, 0.67, 0.5)),
    "05_guided_backprop": ("fig-neurons", 1, (0, 0, 1, 1)),
    "06_gradcam": ("fig-class-by-class", 0, (0, 0, 0.86, 0.34)),
}


def figure(stem: str, label: str, number: int = 0) -> Image.Image:
    """Return a picture that the cell with this label shows in a committed notebook; ValueError if there is none."""
    import nbformat  # not at the top: it takes a second

    for cell in nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4).cells:
        if cell.cell_type == "code" and options(cell.source)[0].get("label") == label:
            found = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
            if number < len(found):
                return Image.open(io.BytesIO(base64.b64decode(found[number]))).convert("RGB")
    raise ValueError(f"{stem}.ipynb shows no picture {number} in a cell labelled {label}: see THUMBNAILS and `strip`.")


def panels(picture: Image.Image, least: int, most: int = 10**6) -> list[list[tuple[int, int, int, int]]]:
    """Return the squares in a white figure, row by row, with sides from `least` to `most` pixels, as Pillow's boxes."""
    ink = (np.asarray(picture.convert("L")) < 250).astype(np.uint8)
    stats = cv2.connectedComponentsWithStats(ink, connectivity=8)[2][1:]
    squares = [(x, y, x + w, y + h) for x, y, w, h, _ in stats.tolist() if least <= min(w, h) <= max(w, h) <= most]
    squares = [box for box in squares if 0.9 < (box[2] - box[0]) / (box[3] - box[1]) < 1.1]
    rows: list[list] = []
    for box in sorted(squares, key=lambda box: box[1]):
        if rows and box[1] < rows[-1][0][3]:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [sorted(row) for row in rows]


def strip() -> Image.Image:
    """Return the wide picture: a drawing, a filter that the NumPy network learned, two maps of it, VGG19's evidence."""
    from helpers.data import scenes

    drawing = Image.fromarray(scenes.picture("chandelier", "figure", 0)[0])
    kernel, first = _learned("fig-after-1")
    _, second = _learned("fig-after-2")
    _, heat, _, guided = _row(figure("06_gradcam", "fig-gradcam"), 1, 4)
    own = [
        (drawing, "a drawing", "from a seed"),
        (kernel, "a filter", "3 x 3"),
        (first, "its feature map", "layer 1"),
        (second, "a feature map", "layer 2"),
    ]
    explained = [(heat, "Grad-CAM", "where"), (guided, "Guided Grad-CAM", "which pixels")]
    return _card({"learned from scratch, in NumPy": own, "what VGG19 sees as chandelier": explained})


def _learned(label: str) -> tuple[Image.Image, Image.Image]:
    """Return the filter after training whose map has the most contrast, and that map, of a figure of chapter 3."""
    picture = figure("03_cnn_training", label)
    rows = panels(picture, 60, 150)
    if [len(row) for row in rows] != [10] * 8:
        raise ValueError(f"{label} no longer shows ten filters before and after training: mend `_learned`.")
    after = [_inside(picture, box) for row in rows[3::2] for box in row]
    best = int(np.argmax([np.asarray(part.convert("L"), float).std() for part in after]))
    return _inside(picture, rows[1][best % 10]), after[best]


def _row(picture: Image.Image, row: int, count: int) -> list[Image.Image]:
    """Return the `count` squares in a row of a figure; ValueError when there are not as many."""
    rows = panels(picture, 150)
    if len(rows) <= row or len(rows[row]) != count:
        raise ValueError(f"A figure no longer shows {count} pictures in its row {row}: mend `strip`.")
    return [_inside(picture, box) for box in rows[row]]


def _inside(picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Cut out a square without its outermost pixels, which the paper around has brightened."""
    left, top, right, bottom = box
    return picture.crop((left + 1, top + 1, right - 1, bottom - 1))


def _card(groups: dict[str, Sequence[tuple[Image.Image, str, str]]]) -> Image.Image:
    """Set groups of (picture, title, line) side by side on a dark ground: a heading above each, arrows within."""
    widths = [sum(_side(picture) + GAP for picture, *_ in parts) for parts in groups.values()]
    card, top, left = Image.new("RGB", (sum(widths) + GAP * len(groups), SIDE + 168), CARD), 68, GAP
    draw = ImageDraw.Draw(card)
    for heading, parts in groups.items():
        if left > GAP:
            draw.line([(left - GAP, 24), (left - GAP, card.height - 24)], MUTED, 2)
        draw.text((left, 22), heading, MUTED, _font("DejaVuSans", 24))
        for number, (picture, title, line) in enumerate(parts):
            side = _side(picture)
            if number:
                draw.text((left - GAP // 2, top + SIDE // 2), "›", INK, _font("DejaVuSans-Bold", 34), anchor="mm")
            how = Image.Resampling.LANCZOS if side == SIDE else Image.Resampling.NEAREST
            card.paste(picture.resize((side, side), how), (left, top + (SIDE - side) // 2))
            draw.text((left + side // 2, top + SIDE + 12), title, INK, _font("DejaVuSans-Bold", 24), anchor="ma")
            draw.text((left + side // 2, top + SIDE + 48), line, MUTED, _font("DejaVuSans", 22), anchor="ma")
            left += side + GAP
        left += GAP
    return card


def _side(picture: Image.Image) -> int:
    """Return how wide a picture stands on the card: a filter is smaller than the maps."""
    return FILTER if picture.width < 150 else SIDE


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf", size)


def thumbnail(stem: str) -> Image.Image:
    """Return the part of a chapter's figure that stands for it, on white paper of one size."""
    label, number, (left, top, right, bottom) = THUMBNAILS[stem]
    picture = figure(stem, label, number)
    width, height = picture.size
    picture = picture.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))
    picture.thumbnail((THUMBNAIL[0] - 20, THUMBNAIL[1] - 20), Image.Resampling.LANCZOS)
    paper = Image.new("RGB", THUMBNAIL, "white")
    paper.paste(picture, ((paper.width - picture.width) // 2, (paper.height - picture.height) // 2))
    return paper.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)


def pictures() -> dict[str, Image.Image]:
    """Return every picture of the README by the name of its file."""
    return {"strip.png": strip()} | {f"{stem}.png": thumbnail(stem) for stem in THUMBNAILS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pictures into reports/readme; return 0, or 2 after an error (told in a sentence)."""
    about = __doc__.split(":")[0] + "."
    parser = argparse.ArgumentParser(prog="python -m helpers.report.readme_pictures", description=about)
    print_anything()
    parser.parse_args(arguments)
    try:
        for name, picture in pictures().items():
            with whole_file(FOLDER / name) as part:
                picture.save(part, format="PNG", optimize=True)
            print(FOLDER / name)
    except (OSError, ValueError) as error:
        print(sentence(error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
