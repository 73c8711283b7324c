"""The accuracies that say how hard a data set is, on pictures whose answer is known."""

from dataclasses import replace

import difficulty
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from helpers.data.datasets import Dataset, Split


def split(rng, count, *, told_by):
    """Noise of two classes, told by a bright square in the middle ("object"), by the upper border, or by nothing."""
    labels = np.arange(count) % 2
    images = rng.integers(0, 120, (count, 48, 48, 3)).astype(np.uint8)
    masks = np.zeros((count, 48, 48), dtype=bool)
    masks[:, 15:33, 15:33] = True
    place = {"object": np.s_[labels == 1, 15:33, 15:33], "border": np.s_[labels == 1, :3], "nothing": np.s_[:0]}[
        told_by
    ]
    images[place] += 120
    return Split(images, labels, tuple(map(str, range(count))), masks)


def dataset(told_by):
    rng = np.random.default_rng(3)
    parts = (split(rng, count, told_by=told_by) for count in (40, 20, 40))
    return Dataset("made up", *parts, ("dark", "bright"), np.zeros((2, 48, 48, 3), np.uint8))


def test_thumbnails_are_means():
    image = np.random.default_rng(0).integers(0, 256, (1, 48, 48, 3)).astype(np.uint8)
    pixels = difficulty.thumbnails(image)
    assert pixels.shape == (1, 16, 16, 3)
    assert np.abs(pixels[0, 15, 3] - image[0, 45:48, 9:12].mean(axis=(0, 1))).max() <= 0.5
    assert difficulty.thumbnails(image[:, :40, :40]).shape == (1, 16, 16, 3)


def test_borders_are_the_outermost_pixels():
    image = np.zeros((1, 32, 32, 3), np.uint8)
    image[:, 2:-2, 2:-2] = 255
    seen = difficulty.CLASSIFIERS["logistic regression, four borders"][1](Split(image, np.zeros(1, int), ("a",)))
    assert seen.shape == (1, 60, 3)
    assert not seen.any()


def test_background_shows_nothing_of_the_object():
    image = np.full((1, 32, 32, 3), 100, np.uint8)
    mask = np.zeros((1, 32, 32), dtype=bool)
    mask[0, 5:20, 9:31] = True
    image[mask] = 255
    assert (difficulty.background(image, mask) == 100).all()


def test_background_needs_some():
    with pytest.raises(ValueError, match="no background"):
        difficulty.background(np.zeros((1, 32, 32, 3), np.uint8), np.ones((1, 32, 32), dtype=bool))


def test_every_classifier_finds_what_it_looks_at_and_nothing_else():
    pixels, borders, background, neighbour = difficulty.CLASSIFIERS
    told_by_object, told_by_border, told_by_nothing = (dataset(name) for name in ("object", "border", "nothing"))
    for title, telling in (
        (pixels, told_by_object),
        (neighbour, told_by_object),
        (borders, told_by_border),
        (background, told_by_border),
    ):
        assert difficulty.accuracy(title, telling) == 1
    for title, blind in (
        (borders, told_by_object),
        (background, told_by_object),
        (pixels, told_by_nothing),
        (neighbour, told_by_nothing),
    ):
        assert 0.2 < difficulty.accuracy(title, blind) < 0.8


@pytest.mark.parametrize(("told", "chosen"), [(True, -1), (False, 0)])
def test_the_penalty_is_the_one_that_is_best_on_validation_pictures(told, chosen):
    """Where labels are noise, any fit of train is wrong on val; where a feature tells them, the closest fit is best."""
    rng = np.random.default_rng(0)
    (x, y), (seen, wanted) = ((rng.normal(size=(60, 40)), np.arange(60) % 3) for _ in range(2))
    if told:
        x[:, :3], seen[:, :3] = (20 * np.eye(3)[labels] for labels in (y, wanted))
    best = difficulty.fitted(*difficulty.REGRESSION, x, y, seen, wanted)
    assert difficulty.STRENGTHS["logisticregression__C"][chosen] == best[-1].C


def test_the_validation_pictures_choose_and_nothing_is_fitted_to_them():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 40)), np.arange(60) % 3
    best = difficulty.fitted(*difficulty.REGRESSION, x, y, x + 100, y)
    assert np.allclose(best[1].mean_, x.mean(axis=0))
    by_hand = LogisticRegression(C=best[-1].C, max_iter=10_000).fit((x - x.mean(axis=0)) / x.std(axis=0), y)
    assert np.allclose(best[-1].coef_, by_hand.coef_, atol=1e-4)


def test_an_unknown_data_set_is_told_in_a_sentence(capsys):
    assert difficulty.main(["/no/such/folder"]) == 2
    assert capsys.readouterr().err.startswith("Unknown data set '/no/such/folder': it must be")


@pytest.mark.parametrize("masks", [True, False])
def test_the_command_prints_what_can_be_known(monkeypatch, capsys, masks):
    known = dataset("object")
    if masks:
        known = replace(known, figure_masks=np.zeros((2, 48, 48), bool))
    monkeypatch.setattr(difficulty, "load", {"made up": known}.__getitem__)
    assert difficulty.main(["made up"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "logistic regression, 16 x 16 thumbnails     1.00"
    assert [line[:-6].strip() for line in lines] == [t for t in difficulty.CLASSIFIERS if masks or "masked" not in t]
