"""Figures of the network itself: drawn to scale, winners where the gradient goes, boxes where the fields are."""

import numpy as np
import pytest
from matplotlib.patches import Polygon, Rectangle

from helpers.figures import network as draw
from helpers.figures import to_png
from helpers.network import Conv2D, Dense, Flatten, MaxPool2D, ReLU, Sequential

X = np.array([[1.0, 3, 2], [4, 0, 1], [2, 2, 5]])


def texts(ax):
    return [text.get_text() for text in ax.texts]


def small_network():
    rng = np.random.default_rng(0)
    layers = [Conv2D(3, 5, rng=rng), ReLU(), MaxPool2D(2, 1), Flatten(), Dense(5 * 37 * 27, 8, rng=rng), ReLU()]
    return Sequential([*layers, Dense(8, 2, rng=rng)], input_shape=(40, 30, 3))


def test_boxes_have_the_scale_of_the_shapes():
    network = small_network()
    (ax,) = draw.architecture(network).axes
    fronts = [patch.get_xy() for patch in ax.patches if isinstance(patch, Polygon)][::3]
    sizes = [tuple(np.round(np.ptp(front, axis=0), 9)) for front in fronts]
    assert sizes == [(3, 40), (5, 38), (5, 37)]  # (depth, height): input, convolution, pooling
    bars = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_y() == 0]
    heights = [bar.get_height() / draw.DOUBLING for bar in bars]
    assert np.allclose(heights, np.log2([5 * 37 * 27, 8, 2]))
    assert ax.get_aspect() == 1
    for words in ("convolution\n38 x 28 x 5", "max pooling\n37 x 27 x 5", "flatten\n4,995", "dense\n8", "dense\n2"):
        assert words in texts(ax)


def test_squares_have_the_area_of_the_parameters():
    network = small_network()
    (ax,) = draw.architecture(network).axes
    squares = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_y() < 0]
    areas = np.array([square.get_width() * square.get_height() for square in squares])
    sizes = np.array([3 * 9 * 5 + 5, 4995 * 8 + 8, 8 * 2 + 2])
    assert np.allclose(areas / draw.LARGEST**2, sizes / sizes.max())
    assert [f"{size:,}" for size in sizes] == [text for text in texts(ax) if text.replace(",", "").isdigit()]
    title = ax.figure.get_suptitle()
    assert f"{sizes.max() / network.size:.2%}" in title


def test_winners_and_their_gradient():
    assert draw.winners(X) == [(1, 0), (0, 1), (1, 0), (2, 2)]
    assert draw.winners(np.zeros((2, 3))) == [(0, 0), (0, 1)]  # the first of equals
    figure = draw.pooling_gradient(X, np.array([[1.0, 10], [100, 1000]]))
    before, arriving, after = figure.axes
    assert texts(before) == ["1", "3", "2", "4", "0", "1", "2", "2", "5"]
    assert texts(arriving) == ["1", "10", "100", "1000"]
    assert texts(after) == ["0", "10", "0", "101", "0", "0", "0", "0", "1000", "1 + 100"]
    assert "who wins 2 windows" in figure.get_suptitle()
    ends = [tuple(int(at) for at in reversed(arrow.xy2)) for arrow in figure.artists]
    assert ends == draw.winners(X)
    assert to_png(figure).startswith(b"\x89PNG")


def test_too_many_windows_are_refused():
    with pytest.raises(ValueError, match="9 windows are too many to tell apart: at most 6"):
        draw.pooling_gradient(np.zeros((4, 4)), np.zeros((3, 3)))
