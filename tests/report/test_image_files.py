"""The report's pictures: small in both formats, drawings untouched, the same bytes again."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from helpers.report import image_files as illustrations


def encoded(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "media").mkdir()
    return tmp_path


def write(png, folder):
    picture = illustrations.write("image/png", base64.b64encode(png).decode(), folder)
    return picture, folder / picture["src"], folder / picture["pdf"]


def photograph(height=300, width=1200):
    """Return large soft shapes in weak colours under a grain, as a camera has it."""
    rng = np.random.default_rng(0)
    shapes = rng.normal(0, 40, (height // 50, width // 50, 1)) + rng.normal(0, 10, (height // 50, width // 50, 3))
    image = Image.fromarray(np.clip(128 + shapes, 0, 255).astype(np.uint8)).resize((width, height), Image.BICUBIC)
    return np.clip(np.asarray(image) + rng.normal(0, 3, (height, width, 1)), 0, 255).astype(np.uint8)


def drawing(height=600, width=900, strokes=1500):
    pixels = np.full((height, width, 3), 255, np.uint8)
    rng = np.random.default_rng(0)
    for y, x in zip(rng.integers(0, height - 20, strokes), rng.integers(0, width - 20, strokes), strict=True):
        pixels[y, x : x + 17] = [11, 92, 173]
        pixels[y : y + 11, x] = [200, 80, 30]
    return pixels


def test_a_photograph_takes_less_and_looks_the_same(folder):
    pixels = photograph()
    png = encoded(pixels)
    _, page, pdf = write(png, folder)
    assert (page.suffix, pdf.suffix) == (".webp", ".jpg")
    for path in (page, pdf):
        assert path.stat().st_size < 0.5 * len(png)
        difference = np.asarray(Image.open(path).convert("RGB"), float) - pixels
        assert np.abs(difference).mean() < 2.5  # of 255


def test_a_drawing_keeps_every_pixel(folder):
    pixels = drawing()
    png = encoded(pixels)
    assert len(png) > illustrations.LARGE
    _, page, pdf = write(png, folder)
    assert page.stat().st_size < 0.7 * len(png)
    for path in (page, pdf):
        assert (np.asarray(Image.open(path).convert("RGB")) == pixels).all()


def test_what_is_transparent_lies_on_white(folder):
    pixels = np.dstack([photograph(), np.full((300, 1200), 255, np.uint8)])
    pixels[:, :600] = 0
    for path in write(encoded(pixels), folder)[1:]:
        assert path.suffix != ".png"
        assert np.asarray(Image.open(path).convert("RGB"))[:, :500].min() > 250


def test_what_is_small_stays_as_it_is(folder):
    png = encoded(drawing(40, 60, 9))
    picture, page, _ = write(png, folder)
    assert page.read_bytes() == png
    assert picture["src"] == picture["pdf"]


def test_the_same_bytes_again(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "media").mkdir()
    png = encoded(photograph())
    for one, two in zip(write(png, folder)[1:], write(png, other)[1:], strict=True):
        assert one.name == two.name
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(("width", "size", "inches"), [(300, ("192", "96"), "2.000"), (1200, ("1200", "600"), "6.530")])
def test_a_picture_has_its_drawn_size_up_to_the_width_of_the_text(folder, width, size, inches):
    picture, *_ = write(encoded(np.zeros((width // 2, width, 3), np.uint8)), folder)
    assert (picture["width"], picture["height"]) == size
    assert picture["inches"] == inches
    assert float(picture["tall"]) == pytest.approx(float(inches) / 2, abs=1e-3)


def test_a_drawing_of_vectors_fills_the_text(folder):
    picture = illustrations.write("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>", folder)
    assert picture["src"].endswith(".svg")
    assert "width" not in picture
