"""The figures of chapter 6's measurements: what is drawn where. How they look is for the eye."""

import numpy as np
import pytest

from helpers.figures import scores as plot
from helpers.figures import style, to_png

NAMES = ("plain gradient", "Grad-CAM", "random")


def test_the_best_is_on_top_and_baselines_are_gray():
    values = {"random": (0.2, 0.1, 0.3), "Grad-CAM": (0.9, 0.8, 0.95), "plain gradient": (0.5, 0.4, 0.6)}
    figure = plot.intervals([("hits", values), ("energy", values)])
    assert len(figure.axes) == 2
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["random", "plain gradient", "Grad-CAM"]
    colors = [line.get_color() for line in figure.axes[0].lines]
    assert colors[0] == style.GRAY
    assert colors[-1] == style.BLUE
    assert to_png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("count", [1, 4])
def test_every_panel_has_its_place_two_on_a_line(count):
    figure = plot.intervals([(str(k), {"Grad-CAM": (0.5, 0.4, 0.6)}) for k in range(count)])
    assert [ax.get_xlabel() for ax in figure.axes] == [str(k) for k in range(count)]
    figure.draw_without_rendering()
    lines = {round(ax.get_position().y0, 2) for ax in figure.axes}
    assert len(lines) == (count + 1) // 2


def test_curves_of_methods_over_numbers():
    share, curves = np.linspace(0, 1, 5), {name: np.linspace(0, 1, 5) for name in NAMES}
    parts = [("put in", curves), ("taken out", {name: 1 - curve for name, curve in curves.items()})]
    left, right = plot.lines(parts, "share", "probability", share).axes
    assert [ax.get_title(loc="left") for ax in (left, right)] == ["put in", "taken out"]
    drawn = [[line.get_ydata()[-1] for line in ax.lines[:3]] for ax in (left, right)]
    assert drawn == [[1] * 3, [0] * 3]
    assert [line.get_linestyle() for line in right.lines] == ["-", "-", ":"]
    assert (left.get_xlabel(), left.get_ylabel(), right.get_xlabel()) == ("share", "probability", "share")


def test_the_limit_is_drawn_where_it_is_judged_and_no_curve_is_cut():
    curves = {name: np.array([1, 0.4, -0.3]) for name in NAMES}
    figure = plot.lines([("rank", curves), ("SSIM", curves)], "x", "y", ["none", "head", "block 5"], limit=0.5)
    left, right = figure.axes
    assert [len(ax.lines) for ax in (left, right)] == [4, 3]
    assert list(left.lines[-1].get_ydata()) == [0.5, 0.5]
    assert right.get_ylim()[0] <= -0.3
    assert [label.get_text() for label in left.get_xticklabels()] == ["none", "head", "block 5"]
    assert to_png(figure).startswith(b"\x89PNG")


def test_lines_of_different_lengths_are_numbered_from_1():
    parts = [(str(size), {"before": np.zeros(size), "after": np.ones(size)}) for size in (2, 3)]
    left, right = plot.lines(parts, "filter", "share").axes
    assert [line.get_xdata().tolist() for line in (left.lines[0], right.lines[0])] == [[1, 2], [1, 2, 3]]
    assert [line.get_color() for line in right.lines] == [style.GRAY, style.GREEN]
    assert [text.get_text() for text in right.get_legend().texts] == ["before", "after"]


def test_lines_on_a_log_scale_have_colours_of_their_own():
    (ax,) = plot.lines([("", {"a": np.ones(3), "b": 10.0 ** -np.arange(3)})], "layer", "size", range(3), log=True).axes
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] < 1e-2
    assert len({line.get_color() for line in ax.lines}) == 2


def test_accuracies_of_what_a_network_was_asked_about():
    headers = ["as it is", "no top third", "no object"]
    values = {
        "from scratch": dict.fromkeys(headers[::2], (0.5, 0.4, 0.6)),
        "VGG19": dict.fromkeys(headers, (0.5, 0.4, 0.6)),
    }
    (ax,) = plot.compare_networks(values, title="title", chance=1 / 3).axes
    assert [patch.get_height() for patch in ax.patches] == [0.5] * 5  # the first network was not asked about one
    middles = [patch.get_x() + patch.get_width() / 2 for patch in ax.patches]
    assert np.allclose(middles, [-0.2, 1.8, 0.2, 1.2, 2.2])
    assert [text.get_text() for text in ax.get_xticklabels()] == [h.replace(" ", "\n", 1) for h in headers]
    assert list(ax.lines[-1].get_ydata()) == [1 / 3, 1 / 3]


HISTORY = {"loss": [1.0, 0.1], "accuracy": [0.5, 0.9], "val_loss": [1.1, 0.3], "val_accuracy": [0.4, 0.8]}


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_curves_show_the_history():
    figure = plot.curves(HISTORY)
    loss, accuracy = figure.axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [HISTORY["loss"], HISTORY["val_loss"]]
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [HISTORY["accuracy"], HISTORY["val_accuracy"]]
    assert accuracy.lines[0].get_xdata().tolist() == [1, 2]
    assert loss.get_yscale() == "log"
    to_png(plot.curves({name: values[:1] for name, values in HISTORY.items()}))  # one epoch


def of_counts(counts, names):
    """The figure of a confusion matrix that has these counts."""
    actual, predicted = np.repeat(np.argwhere(np.ones_like(counts)), np.ravel(counts), axis=0).T
    return plot.confusion(np.zeros((len(actual), 6, 6, 3), np.uint8), actual, predicted, names)


def test_a_confusion_matrix_has_rows_actual():
    counts = np.diag([9, 1, 1, 1, 25])
    counts[0, 2] = 4
    (ax,) = of_counts(counts, ["a", "$b$", *"cde"]).axes
    assert [text.get_text() for text in ax.texts] == list(map(str, counts.ravel()))
    assert not ax.images  # of more than four classes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "actual class")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "$b$", *"cde"]
    assert ax.yaxis_inverted()  # the first class on top
    assert ax.get_title(loc="left") == "37 of 41 right (on the diagonal), 4 wrong"
    colors = ax.collections[0].to_rgba(ax.collections[0].get_array()).reshape(5, 5, 4)
    right, wrong = colors[0, 0], colors[0, 2]
    assert right[2] > right[0]  # blue
    assert wrong[0] > wrong[2]  # orange
    values = ax.collections[0].norm([9, -4, 25])
    assert np.allclose(values, [0.8, 0.3, 1])  # roots: 3, -2 and 5 of 5


def test_a_confusion_matrix_shows_its_images():
    images = np.stack([np.full((6, 6, 3), value, np.uint8) for value in (10, 20, 30, 40, 50)])
    figure = plot.confusion(images, np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0]), ["a", "$b$"])
    (ax,) = figure.axes
    assert texts(figure) == ["2", "1", "1", "1"]  # rows actual
    where = {int(shown.get_array()[0, 0, 0]): shown.get_extent() for shown in ax.images}
    cells = {value: (int(top), int(left)) for value, (left, _, _, top) in where.items()}
    assert cells == {10: (0, 0), 20: (0, 0), 30: (0, 1), 40: (1, 1), 50: (1, 0)}
    assert where[10] != where[20]
    assert ax.get_title(loc="left").startswith("3 of 5 right")
    assert ax.yaxis_inverted()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "$b$"]
    assert to_png(figure).startswith(b"\x89PNG")


def test_a_full_cell_of_the_matrix_stays_in_its_bounds():
    figure = of_counts([[90, 0], [0, 0]], ["a", "b"])
    extents = np.array([shown.get_extent() for shown in figure.axes[0].images])
    assert len(extents) == 8 * 6  # of 90
    assert extents.min() >= 0
    assert extents.max() <= 1
    assert texts(figure) == ["90", "0", "0", "0"]


def test_of_many_classes_the_worst_pairs_are_named():
    matrix = np.diag(np.full(30, 5))
    matrix[3, 7], matrix[8, 2], matrix[20, 21] = 4, 9, 1
    heat, beside, _ = of_counts(matrix, [f"name {k}" for k in range(1, 31)]).axes
    assert len(heat.texts) == 0  # no counts
    assert beside.texts[0].get_text().splitlines()[1:] == [
        "9: 9 name 9 →", "     3 name 3", "4: 4 name 4 →", "     8 name 8", "1: 21 name 21 →", "     22 name 22",
    ]  # fmt: skip
    assert [label.get_text() for label in heat.get_xticklabels()] == ["5", "10", "15", "20", "25", "30"]
    right = of_counts(np.eye(30, dtype=int), list(map(str, range(30)))).axes[1].texts[0].get_text()
    assert right == "no image is taken for another class"
    wrong = of_counts(np.ones((30, 30), int), list(map(str, range(30)))).axes[1].texts[0].get_text()
    assert wrong.endswith(f"… {30 * 29 - plot.WORST} more pairs")


def test_networks_are_compared_with_intervals():
    accuracy = {"CNN": {"train": (0.9, 0.8, 0.95)}, "VGG19": {"train": (1.0, 0.9, 1 - 1e-16)}}
    figure = plot.compare_networks(accuracy, {"CNN": {"train": 0.1}, "VGG19": {"train": 0.01}}, title="title")
    left, right = figure.axes
    assert [patch.get_height() for patch in left.patches] == [0.9, 1]
    spans = [lines.get_segments()[0][:, 1] for lines in left.collections]
    assert np.allclose(spans, [(0.8, 0.95), (0.9, 1)])
    assert [float(line.get_ydata()[0]) for line in right.lines] == [0.1, 0.01]


def test_a_confusion_matrix_is_drawn_from_lists_as_well():
    figure = plot.confusion(np.zeros((3, 6, 6, 3), np.uint8), [0, 1, 2], [0, 1, 1], ["a", "b", "c"])
    assert sorted(text.get_text() for text in figure.axes[0].texts).count("1") == 3
