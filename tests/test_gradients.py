"""The gradient check that the notebooks show, checked itself."""

import numpy as np
import pytest

from helpers.gradients import numerical_gradient, relative_error


def test_a_gradient_known_in_closed_form():
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    kept = x.copy()
    gradient = numerical_gradient(lambda: float((np.arange(24).reshape(x.shape) * x**3).sum()), x)
    assert gradient.shape == x.shape
    assert relative_error(gradient, np.arange(24).reshape(x.shape) * 3 * x**2) < 1e-8
    assert np.array_equal(x, kept)


def test_views_are_changed_in_place_too():
    whole = np.zeros((3, 4))
    gradient = numerical_gradient(lambda: float((whole[1, ::2] * [5, 7]).sum()), whole[1, ::2])
    assert np.allclose(gradient, [5, 7], rtol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_only_float64_is_fine_enough(dtype):
    with pytest.raises(ValueError, match="needs float64: "):
        numerical_gradient(lambda: 0.0, np.zeros(3, dtype))


def test_relative_error_by_hand():
    assert relative_error(np.array([3.0, 4]), np.array([3.0, 4])) == 0
    assert relative_error(np.array([3.0, 4]), np.array([-3.0, -4])) == 1
    assert relative_error(np.array([3.0, 4]), np.zeros(2)) == 1
    assert relative_error(np.zeros(2), np.zeros(2)) == 0
    assert relative_error(np.array([3.0]), np.array([1.0])) == 0.5


def test_a_relative_error_is_of_arrays_of_one_shape_whatever_their_type():
    assert relative_error(np.array([1], np.uint8), np.array([2], np.uint8)) == pytest.approx(1 / 3)
    assert relative_error(np.float32([1e-30]), np.float32([-1e-30])) == 1
    assert relative_error([1, 2], np.array([1.0, 2.0])) == 0
    with pytest.raises(ValueError, match=r"not \(4,\) and \(4, 1\)"):
        relative_error(np.ones(4), np.ones((4, 1)))
