"""Images changed on purpose: insertion and deletion on a network whose curves are known by hand, thirds, objects."""

import itertools

import cv2
import numpy as np
import pytest

from helpers.explain import maps as explain
from helpers.explain import perturbation
from helpers.layers import Dense, Flatten
from helpers.network import Sequential, softmax

SHAPE = (4, 5)  # 20 pixels


def rng(seed=0):
    return np.random.default_rng(seed)


# --- insertion and deletion ------------------------------------------------------------------------------------------


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
    assert curves.deletion_area == pytest.approx((left.sum() - left[0] / 2) / 20)


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
    assert ideal.insertion_area == pytest.approx(np.mean((expected[1:] + expected[:-1]) / 2))
    others = rng(2).random((30, *SHAPE))
    areas = explain.insertion_deletion(linear(weights), image, others, 1, steps=20, blur=2.0).insertion_area
    assert areas.shape == (30,)
    assert areas.max() < ideal.insertion_area
    worst = explain.insertion_deletion(linear(weights), image, -gain.reshape(SHAPE), 1, steps=20, blur=2.0)
    assert worst.insertion_area < areas.min()


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
    assert together.deletion_area.shape == (2, 3)
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


# --- thirds, objects, mosaics ----------------------------------------------------------------------------------------


def test_a_third_becomes_the_mean_colour_and_nothing_else_changes():
    images = rng().integers(0, 256, (2, 9, 5, 3), dtype=np.uint8)
    before = images.copy()
    for k, part in enumerate(perturbation.THIRDS):
        out = perturbation.without_third(images, part)
        rows = np.arange(9) // 3 == k
        assert np.array_equal(out[:, ~rows], images[:, ~rows])
        for image, mean in zip(out, images.mean(axis=(1, 2)), strict=True):
            assert (image[rows] == np.rint(mean)).all()
    assert np.array_equal(images, before)
    with pytest.raises(ValueError, match="top, middle, bottom"):
        perturbation.without_third(images, "left")


def test_an_object_on_a_plain_ground_vanishes():
    images, masks = np.full((2, 40, 50, 3), 90, np.uint8), np.zeros((2, 40, 50), bool)
    masks[0, 10:20, 15:30] = masks[1, 25:30, 5:9] = True
    images[masks] = (255, 0, 0)
    out = perturbation.without_object(images, masks)
    assert np.abs(out.astype(int) - 90).max() <= 3  # Telea's rule rounds as it goes inwards
    assert out.shape == images.shape


def test_the_object_stays_and_the_background_is_that_of_another_class():
    labels = np.array([0, 0, 1, 1])
    images = rng().integers(0, 256, (4, 6, 7, 3), dtype=np.uint8)
    masks = rng(1).random((4, 6, 7)) < 0.3
    grounds = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1) * np.ones_like(images)  # each tells where it is from
    out = perturbation.on_other_background(images, masks, labels, grounds, rng=rng())
    for n in range(4):
        assert np.array_equal(out[n][masks[n]], images[n][masks[n]])
        (source,) = np.unique(out[n][~masks[n]])
        assert labels[source] != labels[n]
    with pytest.raises(ValueError, match="another class"):
        perturbation.on_other_background(images, masks, labels * 0, grounds, rng=rng())


def test_masks_must_fit():
    images = np.zeros((2, 6, 7, 3), np.uint8)
    for masks in (np.zeros((2, 7, 6), bool), np.zeros((2, 6, 7))):
        with pytest.raises(ValueError, match="do not fit"):
            perturbation.without_object(images, masks)


def test_alterations_that_need_masks_are_made_only_with_them():
    images, masks = rng().integers(0, 256, (2, 24, 24, 3), dtype=np.uint8), np.zeros((2, 24, 24), bool)
    masks[:, 8:14, 8:14] = True
    thirds = [f"no {part} third" for part in ("top", "middle", "bottom")]
    assert list(perturbation.altered(images, np.arange(2), None, rng=rng())) == thirds
    made = perturbation.altered(images, np.arange(2), masks, rng=rng())
    assert list(made) == [*thirds, "no object", "other background"]
    assert all(x.shape == images.shape and x.dtype == np.uint8 for x in made.values())


def test_in_mosaics_every_image_is_once_in_every_place_among_other_strangers():
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])  # the last finds no partner
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1) * np.ones((1, 4, 5, 3), np.uint8)
    wide, where = perturbation.mosaics(images, labels)
    assert wide.shape == (9, 4, 15, 3)
    assert np.array_equal(wide[:, 0, ::5, 0], where)
    assert [sorted(row) for row in labels[where].tolist()] == [[0, 1, 2]] * 9
    assert [sorted(column) for column in where.T.tolist()] == [list(range(9))] * 3
    met = [pair for row in where.tolist() for pair in itertools.permutations(row, 2)]
    assert len(set(met)) == len(met) == 9 * 3 * 2  # no two images meet twice
    assert perturbation.mosaics(images[:2], labels[:2])[1].tolist() == [[0, 1], [1, 0]]
    with pytest.raises(ValueError, match="two classes"):
        perturbation.mosaics(images, labels * 0)
