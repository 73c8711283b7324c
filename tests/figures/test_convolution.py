"""What convolution does: the figures show the right numbers."""

import numpy as np

from helpers.figures import convolution as draw


def test_the_steps_of_a_convolution_add_up():
    figure = draw.convolution_steps(np.array([1, 3, 2]), np.array([2, 1, -1]))
    sums = [text.get_text() for ax in figure.axes for text in ax.texts if text.get_text().startswith("sum")]
    assert sums == ["sum 2", "sum 7", "sum 6", "sum -1", "sum -2"]


def test_the_products_on_a_patch_are_those_of_the_turned_kernel():
    kernel, patch = np.array([[1.0, 2], [3, 4]]), np.array([[0.5, 0], [0, 0.25]])
    products = draw.kernel_on_patch(patch, kernel).axes[3]
    assert [text.get_text() for text in products.texts] == ["2.00", "0.00", "0.00", "0.25"]
