"""The report's figures: what they show, not how they look."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from helpers.figures import style as figures

HISTORY = {"loss": [1.0, 0.1], "accuracy": [0.5, 0.9], "val_loss": [1.1, 0.3], "val_accuracy": [0.4, 0.8]}


@pytest.fixture(autouse=True)
def style():
    figures.setup()


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_a_png_of_at_most_256_colours():
    figure, axes = figures.grid(1, 1)
    figures.show_image(axes[0, 0], np.random.default_rng(0).random((40, 50, 3)), "noise")
    png = figures.to_png(figure)
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.mode) == ("PNG", "P")
    assert len(picture.getcolors()) > 16
    assert figures.to_png(figure) == png


def test_a_table():
    table = figures.table(["class", "n", "F1"], [["a|b", 1, 0.5], ["c", 2, 1]])
    assert table.data.splitlines() == [
        "| class | n | F1 |",
        "| :--- | ---: | ---: |",
        r"| a\|b | 1 | 0.5 |",
        "| c | 2 | 1 |",
    ]
    assert "| :---: | :--- |" in figures.table(["a", "b"], [], align="cl").data


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("bonsai", "bonsai"),
        ("joshua_tree", r"joshua\_tree"),
        ("<script>alert(1)</script>", r"\<script\>alert\(1\)\<\/script\>"),
        ("a|b*c\n d", r"a\|b\*c d"),
        ("\\", "\\\\"),
        ("Bäume 🌳", "Bäume 🌳"),
    ],
)
def test_names_are_shown_as_they_are(name, safe):
    assert figures.code_safe(name) == safe


def test_a_grid_of_images():
    figure, axes = figures.grid(2, 3)
    assert isinstance(figure, Figure)
    assert axes.shape == (2, 3)
    assert not any(len(ticks) for ax in axes.flat for ticks in (ax.get_xticks(), ax.get_yticks()))
    gray = figures.show_image(axes[0, 0], np.zeros((4, 5)), "gray $x$")
    heat = figures.show_image(axes[0, 1], np.zeros((4, 5)), cmap="inferno")
    colour = figures.show_image(axes[1, 2], np.zeros((4, 5, 3)), "colour")
    assert [ax.get_title(loc="left") for ax in (axes[0, 0], axes[1, 2])] == [r"gray \$x\$", "colour"]
    assert [image.get_cmap().name for image in (gray, heat)] == ["gray", "inferno"]
    assert [image.get_array().shape[:2] for image in (gray, colour)] == [(4, 5), (4, 5)]


def test_curves_show_the_history():
    figure = figures.curves(HISTORY)
    loss, accuracy = figure.axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [HISTORY["loss"], HISTORY["val_loss"]]
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [HISTORY["accuracy"], HISTORY["val_accuracy"]]
    assert accuracy.lines[0].get_xdata().tolist() == [1, 2]
    assert loss.get_yscale() == "log"
    figures.to_png(figures.curves({name: values[:1] for name, values in HISTORY.items()}))  # one epoch


def test_a_confusion_matrix_has_rows_actual():
    figure = figures.confusion(np.array([[3, 1], [0, 7]]), ["a", "$b$"])
    (ax,) = figure.axes
    assert texts(figure) == ["3", "1", "0", "7"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "actual class")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", r"\$b\$"]
    assert ax.yaxis_inverted()  # the first class on top
    figures.to_png(figure)


def test_a_grid_has_no_ticks():
    figure, axes = figures.grid(2, 3)
    assert axes.shape == (2, 3)
    assert all(len(ax.get_xticks()) == len(ax.get_yticks()) == 0 for ax in figure.axes)


def test_a_confusion_matrix_shows_its_images():
    images = np.stack([np.full((6, 6, 3), value, np.uint8) for value in (10, 20, 30, 40, 50)])
    figure = figures.confusion_of(images, np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0]), ["a", "$b$"])
    (ax,) = figure.axes
    assert texts(figure) == ["2", "1", "1", "1"]  # rows actual
    where = {int(shown.get_array()[0, 0, 0]): shown.get_extent() for shown in ax.images}
    cells = {value: (int(top), int(left)) for value, (left, _, _, top) in where.items()}
    assert cells == {10: (0, 0), 20: (0, 0), 30: (0, 1), 40: (1, 1), 50: (1, 0)}
    assert where[10] != where[20]
    assert ax.get_title(loc="left").startswith("3 of 5 on the diagonal")
    assert ax.yaxis_inverted()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", r"\$b\$"]
    assert figures.to_png(figure).startswith(b"\x89PNG")


def test_a_full_cell_of_the_matrix_stays_in_its_bounds():
    images = np.zeros((90, 6, 6, 3), np.uint8)
    figure = figures.confusion_of(images, np.zeros(90, int), np.zeros(90, int), ["a", "b"])
    extents = np.array([shown.get_extent() for shown in figure.axes[0].images])
    assert len(extents) == 8 * 6  # of 90
    assert extents.min() >= 0
    assert extents.max() <= 1
    assert texts(figure) == ["90", "0", "0", "0"]


def test_images_of_many_classes_are_not_shown():
    labels = np.arange(5)
    figure = figures.confusion_of(np.zeros((5, 6, 6, 3), np.uint8), labels, labels, list("abcde"))
    assert len(figure.axes[0].images) == 0
    assert texts(figure).count("1") == 5


def test_a_headline_is_text():
    figure = Figure()
    figures.headline(figure, "costs $5 and $6")
    assert figure.get_suptitle() == r"costs \$5 and \$6"
