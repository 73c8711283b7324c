"""Insertion and deletion on a network whose curves are known by hand."""

import cv2
import numpy as np
import pytest

from helpers import explain
from helpers.explain.deletion import ranks
from helpers.network import Dense, Flatten, Sequential, softmax

SHAPE = (4, 5)  # 20 pixels


def rng(seed=0):
    return np.random.default_rng(seed)


def linear(weights):
    """Output 1 is the sum of pixel times weight."""
    return lambda batch: np.stack([np.zeros(len(batch)), (batch[..., 0] * weights).sum(axis=(1, 2))], axis=1)


def test_deletion_on_a_linear_network_by_hand():
    """Weights 1..20 on an image of ones: what is left after the k largest are gone is the sum of the smallest."""
    weights = 1.0 + rng().permutation(20).reshape(SHAPE)
    curves = explain.insertion_deletion(linear(weights), np.ones((*SHAPE, 1)), weights, 1, steps=20)
    left = np.array([(20 - k) * (21 - k) / 2 for k in range(21)])
    np.testing.assert_allclose(curves.deletion, left)
    np.testing.assert_allclose(curves.share, np.arange(21) / 20)
    assert curves.areas[1] == pytest.approx((left.sum() - left[0] / 2) / 20)


def test_insertion_on_a_linear_network_by_hand():
    """The ideal order puts in the largest gain first; its area is exact, and every other order has a smaller one."""
    image = rng().normal(size=(*SHAPE, 1))
    blurred = cv2.GaussianBlur(image, (0, 0), 2.0).reshape(image.shape)
    weights = rng(1).normal(size=SHAPE)
    gain = ((image - blurred)[..., 0] * weights).ravel()
    start = (blurred[..., 0] * weights).sum()
    expected = start + np.concatenate([[0], np.cumsum(np.sort(gain)[::-1])])
    ideal = explain.insertion_deletion(linear(weights), image, gain.reshape(SHAPE), 1, steps=20, blur=2.0)
    np.testing.assert_allclose(ideal.insertion, expected, atol=1e-12)
    assert ideal.areas[0] == pytest.approx(np.mean((expected[1:] + expected[:-1]) / 2))
    others = rng(2).random((30, *SHAPE))
    areas = explain.insertion_deletion(linear(weights), image, others, 1, steps=20, blur=2.0).areas[0]
    assert areas.shape == (30,)
    assert areas.max() < ideal.areas[0]
    worst = explain.insertion_deletion(linear(weights), image, -gain.reshape(SHAPE), 1, steps=20, blur=2.0)
    assert worst.areas[0] < areas.min()


def test_steps_take_equal_shares_and_both_ends_are_whole():
    weights = np.ones(SHAPE)
    curves = explain.insertion_deletion(linear(weights), np.ones((*SHAPE, 1)), rng().random(SHAPE), 1, steps=3)
    assert curves.share.tolist() == [0, 7 / 20, 13 / 20, 1]
    np.testing.assert_allclose(curves.deletion, [20, 13, 7, 0])


def test_equal_values_go_in_reading_order():
    image = np.arange(20.0).reshape(*SHAPE, 1)
    curves = explain.insertion_deletion(linear(np.ones(SHAPE)), image, np.zeros(SHAPE), 1, steps=4)
    np.testing.assert_allclose(curves.deletion, [190, 180, 145, 85, 0])


def test_filling_and_colours():
    """All colours of a pixel go together, to the value asked for."""
    image, weights = rng().random((*SHAPE, 3)), rng(1).random((*SHAPE, 3))
    model = lambda batch: (batch * weights).sum(axis=(1, 2, 3))[:, None]  # noqa: E731
    heat = np.zeros(SHAPE)
    heat[1, 2] = 1
    curves = explain.insertion_deletion(model, image, heat, 0, steps=20, fill=0.5)
    lost = ((0.5 - image[1, 2]) * weights[1, 2]).sum()
    assert curves.deletion[1] - curves.deletion[0] == pytest.approx(lost)
    assert curves.deletion[-1] == pytest.approx(0.5 * weights.sum())


def test_a_stack_gives_each_map_its_own_curves_whatever_the_batch():
    image, weights, maps = np.ones((*SHAPE, 1)), rng().random(SHAPE), rng(1).random((2, 3, *SHAPE))
    ask = {"steps": 5, "blur": 1.0}
    together = explain.insertion_deletion(linear(weights), image, maps, 1, batch_size=7, **ask)
    assert together.insertion.shape == (2, 3, 6)
    assert together.areas[1].shape == (2, 3)
    alone = explain.insertion_deletion(linear(weights), image, maps[1, 2], 1, **ask)
    np.testing.assert_allclose(together.deletion[1, 2], alone.deletion)
    np.testing.assert_allclose(together.insertion[1, 2], alone.insertion)


def test_a_numpy_network_is_asked_for_probabilities():
    net = Sequential([Flatten(), Dense(20, 3, rng=rng(), dtype=np.float64)])
    image, weights = rng(1).random((*SHAPE, 1)), net.layers[1].params
    curves = explain.insertion_deletion(net, image, rng(2).random(SHAPE), 2, steps=2)
    whole, empty = (softmax(x.reshape(1, -1) @ weights["w"] + weights["b"])[0, 2] for x in (image, 0 * image))
    assert curves.insertion[-1] == curves.deletion[0] == pytest.approx(whole)
    assert curves.deletion[-1] == pytest.approx(empty)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"maps": np.ones((5, 4))}, "finite maps"),
        ({"maps": np.full(SHAPE, np.inf)}, "finite maps"),
        ({"image": np.ones(SHAPE)}, "finite maps"),
        ({"class_index": 2}, "no class 2"),
        ({"class_index": -1}, "no class -1"),
        ({"steps": 0}, "at least 1"),
    ],
)
def test_wrong_questions_get_a_sentence(change, says):
    ask = {"model": linear(np.ones(SHAPE)), "image": np.ones((*SHAPE, 1)), "maps": np.ones(SHAPE), "class_index": 1}
    with pytest.raises(ValueError, match=says):
        explain.insertion_deletion(**ask | change)


def test_equal_values_go_in_reading_order_in_a_large_map_too():
    heat = rng().integers(0, 3, (40, 50))
    order = sorted(range(2000), key=lambda at: -heat.flat[at])  # Python's own sorting keeps the order of equals
    assert np.array_equal(np.argsort(ranks(heat), axis=None), order)
