"""Images without a part: thirds, objects, backgrounds."""

import numpy as np
import pytest

from helpers.explain import perturbation


def rng(seed=0):
    return np.random.default_rng(seed)


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


def test_an_object_on_a_plain_ground_vanishes():
    images, masks = np.full((2, 40, 50, 3), 90, np.uint8), np.zeros((2, 40, 50), bool)
    masks[0, 10:20, 15:30] = masks[1, 25:30, 5:9] = True
    images[masks] = (255, 0, 0)
    images[0, 7:10, 15:30] = (170, 45, 45)  # a soft edge, beside the mask
    out = perturbation.without_object(images, masks)
    assert np.abs(out.astype(int) - 90).max() <= 3  # Telea's rule rounds as it goes inwards
    assert out.shape == images.shape


def test_the_object_stays_and_the_background_is_that_of_another_class():
    labels = np.array([0, 0, 1, 1])
    images = rng().integers(0, 256, (4, 6, 7, 3), dtype=np.uint8)
    masks = rng(1).random((4, 6, 7)) < 0.3
    grounds = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1) * np.ones_like(images)  # each tells where it is from
    out = perturbation.on_other_background(images, masks, labels, grounds, rng())
    for n in range(4):
        assert np.array_equal(out[n][masks[n]], images[n][masks[n]])
        (source,) = np.unique(out[n][~masks[n]])
        assert labels[source] != labels[n]
    with pytest.raises(ValueError, match="another class"):
        perturbation.on_other_background(images, masks, labels * 0, grounds, rng())


def test_masks_must_fit():
    images = np.zeros((2, 6, 7, 3), np.uint8)
    for masks in (np.zeros((2, 7, 6), bool), np.zeros((2, 6, 7))):
        with pytest.raises(ValueError, match="do not fit"):
            perturbation.altered(images, np.arange(2), masks, rng=rng())


def test_alterations_that_need_masks_are_made_only_with_them():
    images, masks = rng().integers(0, 256, (2, 24, 24, 3), dtype=np.uint8), np.zeros((2, 24, 24), bool)
    masks[:, 8:14, 8:14] = True
    thirds = [f"no {part} third" for part in ("top", "middle", "bottom")]
    assert list(perturbation.altered(images, np.arange(2), None, rng=rng())) == thirds
    made = perturbation.altered(images, np.arange(2), masks, rng=rng())
    assert list(made) == [*thirds, "no object", "other background"]
    assert all(x.shape == images.shape and x.dtype == np.uint8 for x in made.values())
