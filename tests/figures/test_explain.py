"""The figures of chapters 4 to 6: what is drawn where. How they look is for the eye."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.figures import explain as draw
from helpers.figures import style as figures


def test_a_gradient_becomes_a_picture_with_gray_for_zero():
    gradient = np.zeros((4, 5, 3))
    gradient[0, 0] = [2, 0, -2]
    picture = draw.as_picture(gradient)
    assert picture[0, 0].tolist() == [1, 0.5, 0]
    assert (picture.reshape(-1, 3)[1:] == 0.5).all()
    assert draw.as_picture(gradient, bgr=True)[0, 0].tolist() == [0, 0.5, 1]
    assert (draw.as_picture(np.zeros((4, 5, 3))) == 0.5).all()


def test_the_focus_is_a_square_inside_the_image_around_what_counts():
    gradient = np.zeros((60, 80, 3))
    gradient[30, 40] = gradient[35, 52] = 1
    gradient[0, 0] = 0.01  # next to nothing
    assert draw.focus(gradient, least=10) == (26, 40, 39, 53)
    gradient[59, 79] = 1
    assert draw.focus(gradient, least=10) == (20, 40, 60, 80)
    assert draw.focus(np.zeros((60, 80, 3)), least=10) == (0, 0, 10, 10)
    assert draw.focus(np.ones((60, 80, 3))) == (0, 10, 60, 70)


@pytest.mark.parametrize("classes", [2, 4])
def test_every_figure_can_be_drawn(classes):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (classes, 64, 64, 3), dtype=np.uint8)
    heat, gradient = rng.random((64, 64), dtype=np.float32), rng.normal(size=(64, 64, 3))
    tops, name = [(1, 2, 3, 4.5)] * 5, "a very long class $name$ <b>"
    titles = [f"{name}\n{name}"] * classes
    scores = {"CNN": {"train": (0.1, 0.9)}, "VGG19": {"train": (0.01, 1.0)}}
    boxes = [(-9, -9, 30, 30)] * 5
    for figure in (
        draw.compare_networks(scores, {"CNN": {"train": (0.8, 1)}, "VGG19": {"train": (0.9, 1)}}),
        draw.image_grid(images, titles),
        draw.rules(images, [dict.fromkeys(("gradient", "deconvnet", "guided"), gradient)] * classes),
        draw.neurons_of_image(images[0], tops, [gradient] * 5),
        draw.many_neurons(images, [tops] * classes, [[gradient] * 5] * classes),
        draw.receptive_fields(images[0], tops, boxes, [(0, 0, 30, 30)] * 5),
        draw.heat_maps([(image, (heat, name), gradient) for image in images], ["image", "heat", ""], "evidence"),
        draw.heat_maps([(images[0], heat * 0)], ["image", name], "evidence", masks=[heat > 0.5]),
        draw.beside([(image, heat, name) for image in images]),
    ):
        assert isinstance(figure, Figure)
        assert figures.to_png(figure).startswith(b"\x89PNG")
