"""Rows of images: any number of classes on a page, titles and heat maps where they belong."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from helpers import figures
from helpers.figures import images as draw
from helpers.figures import style
from helpers.figures.images import Panel

ODD = ["猫", "شجرة", "🌳 tree", "$x$", "*b*", "<b>", "-dash", "W" * 60, "$\\frac$", "a_b", "nan", " "]


def photos(classes):
    return np.random.default_rng(0).integers(0, 256, (classes, 24, 24, 3), dtype=np.uint8)


def name(k):
    return ODD[k] if k < len(ODD) else f"n{k:08}-a_rather_long_name"


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 12, 200])
def test_every_figure_of_classes_fits_a_page(classes):
    images, names, heat = photos(classes), [name(k) for k in range(classes)], np.eye(24)
    drawn, labels = figures.drawn_names(names), np.arange(classes)
    maps = np.random.default_rng(1).random((classes, 8, 9, 10))
    kernels = np.ones((3, 3, 10))
    made = [
        figures.contact_sheet(images, labels, names),
        figures.confusion(images, labels, labels[::-1], names),
        figures.filters_and_maps({"": kernels}, {"": maps}, range(10), names),
        figures.filters_and_maps(dict.fromkeys("ab", kernels), dict.fromkeys("ab", maps), range(10), names),
        figures.image_grid(images[:12], [f"{n}\\n→ {n} 1.00" for n in drawn[:12]]),
        figures.panels(
            [[image, Panel(image, n, heat)] for image, n in zip(images, drawn, strict=True)], ["a", "b"], label="x"
        ),
        figures.panels([images[:3], [Panel(image, n, heat) for image, n in zip(images[:3], drawn, strict=False)]]),
        figures.panels([[image, image, image] for image in images], ["a", "b", "c"], names=drawn),
    ]
    for figure in made:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # missing glyphs, layouts that do not converge
            width, height = np.array(Image.open(io.BytesIO(figures.to_png(figure))).size) / style.DPI
        assert width <= style.WIDTH + 0.1
        assert height <= style.HEIGHT + 0.1


def test_a_contact_sheet_has_a_row_a_class_or_an_image_a_class():
    labels = np.repeat(np.arange(3), 4)
    figure = draw.contact_sheet(photos(12), labels, ["a", "$b$", "c"])
    assert [ax.get_ylabel() for ax in figure.axes[::4]] == ["a", "$b$", "c"]
    assert np.array_equal(figure.axes[5].images[0].get_array(), photos(12)[5])
    figure = draw.contact_sheet(photos(24), np.repeat(np.arange(2), 12), ["a", "b"])
    assert len(figure.axes) == 2 * draw.COLUMNS  # of twelve a class
    figure = draw.contact_sheet(photos(101), np.arange(101), [f"c {k}" for k in range(101)])
    assert [ax.get_title(loc="left") for ax in figure.axes[:101]] == [f"c {k}" for k in range(101)]
    assert sum(ax.get_visible() for ax in figure.axes) == 101


def test_rows_that_do_not_fit_are_counted():
    figure = draw.panels([[image] for image in photos(200)])
    shown = len(figure.axes)
    assert 5 < shown < 20
    assert figure.get_supxlabel() == f"… {200 - shown} more rows of images are not shown"


def test_a_heat_map_lies_over_its_image_in_gray():
    images, heat = photos(2), np.eye(24)
    mask = np.zeros((24, 24), bool)
    mask[5:9, 5:9] = True
    rows = [[image, Panel(image, title, heat, mask), image] for image, title in zip(images, ("0.5", ""), strict=True)]
    figure = draw.panels(rows, ["image", "Grad-CAM", "guided"], label="evidence", top=2.0)
    first, over, alone = figure.axes[:3]
    assert [len(ax.images) for ax in (first, over, alone)] == [1, 2, 1]
    assert np.array_equal(over.images[0].get_array(), images[0].mean(axis=2))
    assert over.images[1].get_clim() == (0, 2)
    assert [len(ax.collections) for ax in (first, over, alone)] == [0, 1, 0]  # the outline of the object
    assert [ax.get_title(loc="left") for ax in figure.axes[:4]] == ["image", "Grad-CAM\n0.5", "guided", ""]
    assert figure.axes[-1].get_ylabel() == "evidence"


def test_a_panel_shows_what_lies_over_and_around_it():
    images, heat = photos(2), np.eye(24)
    boxed = Panel(images[1], boxes=[((-5, 2, 9, 30), "red")], color="blue", said="dead")
    figure = draw.panels([images, [None, boxed], [Panel(images[0], "$b$", heat)]], names=["x", "$y$"])
    assert [ax.get_visible() for ax in figure.axes] == [True, True, False, True, True, False]
    assert [ax.get_ylabel() for ax in figure.axes[::2]] == ["x", "$y$", ""]
    around = figure.axes[3]
    assert np.array_equal(around.images[0].get_array(), images[1])
    assert (around.get_xlim(), around.get_ylim()) == ((-0.5, 29.5), (23.5, -5.5))
    assert [text.get_text() for text in around.texts] == ["dead"]
    assert figure.axes[4].get_title(loc="left") == "$b$"


def test_a_title_is_no_wider_than_its_image():
    wide = draw.panels([[Panel(image, "W" * 60 + "\nshort") for image in photos(6)]])
    lines = wide.axes[0].get_title(loc="left").split("\n")
    assert len(lines[0]) < 20
    assert lines[1] == "short"


@pytest.mark.parametrize("count", [3, 10])
def test_a_contact_sheet_shows_each_class_under_its_own_name(count):
    names = [f"c{k}" for k in range(count)]
    assert draw.contact_sheet(photos(count), list(range(count)), names)
    with pytest.raises(ValueError, match=rf"{count} classes need an image each: the labels are of \[0, 1\]"):
        draw.contact_sheet(photos(4), np.array([0, 0, 1, 1]), names)
