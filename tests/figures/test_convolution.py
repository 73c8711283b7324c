"""What convolution does: the figures show the right numbers."""

import numpy as np

from helpers.figures import sliding as draw


def test_the_steps_of_a_convolution_add_up():
    figure = draw.convolution_steps(np.array([1, 3, 2]), np.array([2, 1, -1]))
    assert [ax.get_title(loc="left") for ax in figure.axes] == [
        f"n = {n}: sum {total}" for n, total in enumerate(("2", "7", "6", "−1", "−2"))
    ]
    second = {text.get_position(): text.get_text() for text in figure.axes[1].texts}
    assert second == {
        **{(2.5, 0.5): "1", (3.5, 0.5): "3", (4.5, 0.5): "2"},
        **{(1.5, 1.5): "−1", (2.5, 1.5): "1", (3.5, 1.5): "2"},
        **{(2.5, 2.5): "1", (3.5, 2.5): "6"},
    }


def test_the_products_on_a_patch_are_those_of_the_turned_kernel():
    kernel, patch = np.array([[1.0, 2], [3, 4]]), np.array([[0.5, 0], [0, 0.25]])
    products = draw.kernel_on_patch(patch, kernel).axes[3]
    assert [text.get_text() for text in products.texts] == ["2.00", "0.00", "0.00", "0.25"]
