"""The sliding kernel: its numbers are the correlation's, and its stills the right ones."""

import numpy as np

from helpers.convolution import convolve2d_loops
from helpers.figures import sliding, to_png

IMAGE = np.array([[0.0, 1, 2, 0], [3, 1, 0, 2], [1, 0, 2, 1]])
KERNEL = np.array([[1.0, -1], [0, 2]])
MAP = [[1, -1, 6], [2, 5, 0]]  # by hand: 1*0 - 1*1 + 0*3 + 2*1 = 1, and so on


def test_a_correlation_is_a_convolution_with_the_turned_kernel():
    assert sliding.correlate(IMAGE, KERNEL).tolist() == MAP
    assert np.array_equal(sliding.correlate(IMAGE, KERNEL), convolve2d_loops(IMAGE, KERNEL[::-1, ::-1]))


def test_the_strip_shows_the_map_so_far():
    figure = sliding.sliding_strip(IMAGE, KERNEL, [(0, 0), (1, 1)])
    above, _, below, later = figure.axes[:4]
    assert [t.get_text() for t in below.texts] == ["1"]
    assert [t.get_text() for t in later.texts] == ["1", "−1", "6", "2", "5"]
    assert above.patches[0].get_xy() == (0, 0)
    assert figure.axes[1].patches[0].get_xy() == (1, 1)
    assert (figure.axes[1].patches[0].get_width(), figure.axes[1].patches[0].get_height()) == (2, 2)
    assert to_png(figure).startswith(b"\x89PNG")
