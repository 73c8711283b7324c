"""The report's style: what every figure has in common."""

import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from helpers.figures import style, to_png


def test_a_png_of_at_most_256_colours():
    figure = style.canvas(2)
    style.show_image(figure.subplots(), np.random.default_rng(0).random((40, 50, 3)), "noise")
    png = to_png(figure)
    image = Image.open(io.BytesIO(png))
    assert (image.format, image.mode) == ("PNG", "P")
    assert len(image.getcolors()) > 16
    assert to_png(figure) == png


def test_a_figure_is_no_larger_than_a_page():
    assert style.canvas(3, 5).get_size_inches().tolist() == [5, 3]
    assert style.canvas(300, 50).get_size_inches().tolist() == [style.WIDTH, style.HEIGHT]


def test_images_are_gray_or_as_they_are():
    one, two, three = Figure().subplots(1, 3)
    gray = style.show_image(one, np.zeros((4, 5)), "gray $x$")
    heat = style.show_image(two, np.zeros((4, 5)), cmap="inferno")
    colour = style.show_image(three, np.zeros((4, 5, 3)), "colour")
    assert [ax.get_title(loc="left") for ax in (one, three)] == ["gray $x$", "colour"]
    assert [image.get_cmap().name for image in (gray, heat)] == ["gray", "inferno"]
    assert [image.get_array().shape[:2] for image in (gray, colour)] == [(4, 5), (4, 5)]
    assert not any(len(ticks) for ax in (one, two, three) for ticks in (ax.get_xticks(), ax.get_yticks()))


def test_numbers_stand_in_their_cells_around_0():
    ax = Figure().subplots()
    style.show_numbers(ax, np.ma.masked_equal([[1.0, -4], [0.5, 9]], 9), "some", limits=(-4, 4))
    assert [(text.get_text(), text.get_position()) for text in ax.texts] == [
        ("1", (0.5, 0.5)), ("−4", (1.5, 0.5)), ("0.5", (0.5, 1.5)),
    ]  # fmt: skip
    assert ax.collections[0].get_clim() == (-4, 4)
    ax = Figure().subplots()
    style.show_numbers(ax, np.array([[1.0, -4]]))
    assert ax.collections[0].get_clim() == (-4, 4)


def test_a_headline_is_text():
    figure = Figure()
    style.headline(figure, "costs $5 and $6")
    assert figure.get_suptitle() == "costs $5 and $6"
    assert not figure.texts or not figure._suptitle.get_parse_math()
