"""Single neurons: their gradients as images, the regions and fields that are drawn."""

import numpy as np
import pytest

from helpers.figures import neurons as draw
from helpers.figures import to_png


def test_a_gradient_becomes_an_image_with_gray_for_zero():
    gradient = np.zeros((4, 5, 3))
    gradient[0, 0] = [2, 0, -2]
    image = draw.gradient_image(gradient)
    assert image[0, 0].tolist() == [0, 0.5, 1]  # blue comes first in VGG's order
    assert (image.reshape(-1, 3)[1:] == 0.5).all()
    assert (draw.gradient_image(np.zeros((4, 5, 3))) == 0.5).all()


def test_the_focus_is_a_square_inside_the_image_around_what_counts(monkeypatch):
    gradient = np.zeros((60, 80, 3))
    gradient[30, 40] = gradient[35, 52] = 1
    gradient[0, 0] = 0.01  # next to nothing
    monkeypatch.setattr(draw, "FOCUS", 10)
    assert draw.focus(gradient) == (26, 40, 39, 53)
    gradient[59, 79] = 1
    assert draw.focus(gradient) == (20, 40, 60, 80)
    assert draw.focus(np.zeros((60, 80, 3))) == (0, 0, 10, 10)
    monkeypatch.undo()
    assert draw.focus(np.ones((60, 80, 3))) == (0, 10, 60, 70)


@pytest.mark.parametrize(("last", "said"), [(12, True), (8, False)])
def test_fields_are_drawn_where_they_are(last, said):
    fields = [
        ("block1_conv1", 3, (4, 4, 7, 7)),
        ("block1_pool", 4, (3, 3, 7, 7)),
        ("block2_conv1", last, (-1, 0, 11, 12)),
    ]
    figure = draw.growing_fields(np.zeros((10, 10, 3)), fields)
    left, right = figure.axes
    for patch, (_, _, (top, start, bottom, end)) in zip(left.patches, fields, strict=True):
        assert patch.get_xy() == (start - 0.5, top - 0.5)
        assert (patch.get_width(), patch.get_height()) == (end - start, bottom - top)
    assert [float(line.get_ydata()[0]) for line in right.lines[:3]] == [3, 4, last]
    assert [line.get_marker() for line in right.lines[:3]] == ["o", "s", "o"]
    assert left.patches[0].get_edgecolor() == left.patches[1].get_edgecolor() != left.patches[2].get_edgecolor()
    assert ("more than the image" in figure.get_suptitle()) == said
    assert (left.get_xlim(), left.get_ylim()) == ((-0.5, 11.5), (10.5, -1.5))
    assert to_png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("classes", [2, 3])
def test_neurons_of_images(classes):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (classes, 64, 64, 3), dtype=np.uint8)
    gradient, tops = np.zeros((64, 64, 3)), [(1, 2, 3, 4.5)] * 5
    gradient[20:30, 20:30] = rng.normal(size=(10, 10, 3))
    figure = draw.neuron_gradients(images, [tops] * classes, [[gradient] * 5] * classes)
    assert len(figure.axes) == 6 * classes
    assert [patch.get_xy() for patch in figure.axes[0].patches] == [(0.5, 0.5)] * 5  # 48 pixels around the middle
    assert figure.axes[1].get_title(loc="left") == "ch. 3: 4.5"
    figure = draw.neuron_gradients(images[:1], [tops], [[gradient] * 5], cut_out=True)
    assert [ax.get_visible() for ax in figure.axes[6:]] == [False, *[True] * 5]
    assert np.array_equal(figure.axes[7].images[0].get_array(), images[0][1:49, 1:49])
    figure = draw.gradient_rules(images, [dict.fromkeys(("gradient", "deconvnet", "guided"), gradient)] * classes)
    titles = [ax.get_title(loc="left") for ax in figure.axes[:5]]
    assert titles == ["image", "region", "gradient", "deconvnet", "guided"]
    assert figure.axes[1].images[0].get_array().shape == (48, 48, 3)


def test_fields_beyond_the_image_are_drawn_around_it_and_cut_at_its_edge():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    figure = draw.receptive_fields([image, image], [[(1, 2, 3, 4.5)]] * 2, [[(-9, -4, 12, 17)], [(2, 3, 8, 9)]])
    first, cut, second, inside = figure.axes
    assert first.patches[0].get_bbox().bounds == (-4.5, -9.5, 21, 21)
    assert (first.get_xlim(), first.get_ylim()) == ((-4.5, 29.5), (19.5, -9.5))
    assert np.array_equal(cut.images[0].get_array(), image[:12, :17])
    assert (second.get_xlim(), second.get_ylim()) == ((-0.5, 29.5), (19.5, -0.5))
    assert np.array_equal(inside.images[0].get_array(), image[2:8, 3:9])
    assert to_png(figure).startswith(b"\x89PNG")
