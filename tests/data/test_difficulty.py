"""The figures that say how hard a data set is, on pictures whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.data import difficulty
from helpers.data.datasets import Dataset, Split
from helpers.study.recipes import Recipe


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
    return Dataset("made up", *parts, ("dark", "bright"), np.zeros((2, 48, 48, 3), np.uint8), ("a", "b"))


def test_thumbnails_are_means_of_cells():
    image = np.arange(40 * 40 * 3, dtype=np.int64).reshape(1, 40, 40, 3) % 251
    cells = difficulty.thumbnails(image.astype(np.uint8))
    assert cells.shape == (1, 16, 16, 3)
    assert np.allclose(cells[0, 0, 0], image[0, :2, :2].mean(axis=(0, 1)) / 255)
    assert np.allclose(cells[0, 15, 3], image[0, 37:40, 7:10].mean(axis=(0, 1)) / 255)


def test_borders_are_the_outermost_cells():
    image = np.zeros((1, 32, 32, 3), np.uint8)
    image[:, 2:-2, 2:-2] = 255
    assert difficulty.borders(image).shape == (1, 60, 3)
    assert not difficulty.borders(image).any()


def test_background_shows_nothing_of_the_object():
    image = np.full((1, 32, 32, 3), 100, np.uint8)
    mask = np.zeros((1, 32, 32), dtype=bool)
    mask[0, 5:20, 9:31] = True
    image[mask] = 255
    assert np.allclose(difficulty.background(image, mask), 100 / 255)


def test_background_needs_some():
    with pytest.raises(ValueError, match="no background"):
        difficulty.background(np.zeros((1, 32, 32, 3), np.uint8), np.ones((1, 32, 32), dtype=bool))


def test_every_figure_finds_what_it_looks_at_and_nothing_else():
    told_by_object, told_by_border, told_by_nothing = (dataset(name) for name in ("object", "border", "nothing"))
    assert difficulty.thumbnails_accuracy(told_by_object) == 1
    assert difficulty.neighbour_accuracy(told_by_object) == 1
    assert difficulty.borders_accuracy(told_by_border) == 1
    assert difficulty.background_accuracy(told_by_border) == 1
    for figure, blind in (
        (difficulty.borders_accuracy, told_by_object),
        (difficulty.background_accuracy, told_by_object),
        (difficulty.thumbnails_accuracy, told_by_nothing),
        (difficulty.neighbour_accuracy, told_by_nothing),
    ):
        assert 0.2 < figure(blind) < 0.8


def test_the_gradient_leads_to_the_minimum():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    weights, bias = difficulty._fit(x, y, 0.5)

    def objective(w, b):
        return difficulty._loss(x, y, w, b) + 0.5 / 8 * (w**2).sum()

    best = objective(weights, bias)
    for _ in range(20):
        assert objective(weights + 0.01 * rng.normal(size=(4, 3)), bias + 0.01 * rng.normal(size=3)) > best


def test_the_networks_are_trained_by_the_studys_recipes(monkeypatch):
    from helpers.vgg19 import backbone as vgg19
    from helpers.vgg19 import head as transfer

    asked, made_up = [], dataset("nothing")
    recipes = {"scratch": Recipe(0.5, 7, 3, memory_gb=0), "vgg19_frozen": Recipe(0.25, 9, 2, memory_gb=0)}
    monkeypatch.setattr(difficulty, "RECIPES", recipes)
    monkeypatch.setattr(difficulty, "SEEDS", (5,))

    def fit(network, train, val, *, optimizer, epochs, batch_size, rng):
        assert (train, val) == (made_up.train, made_up.val)
        asked.append((optimizer.learning_rate, batch_size, epochs))

    def train_head(model, train, val, *, seed, epochs, batch_size, learning_rate):
        assert [len(labels) for _, labels in (train, val)] == [40, 20]
        asked.append((learning_rate, batch_size, epochs))

    monkeypatch.setattr(difficulty, "fit", fit)
    difficulty.scratch_accuracy(made_up)
    for module, name, stand_in in (
        (vgg19, "build", lambda weights: None),
        (vgg19, "features", lambda backbone, images: np.zeros((len(images), 1, 1, 4))),
        (transfer, "add_head", lambda *args, **kwargs: None),
        (transfer, "train_head", train_head),
        (transfer, "tail", lambda *args: None),
        (transfer, "predict", lambda model, x: np.zeros((len(x), 2))),
    ):
        monkeypatch.setattr(module, name, stand_in)
    difficulty.vgg19_accuracy(made_up)
    assert asked == [(0.5, 7, 3), (0.25, 9, 2)]


def test_an_unknown_data_set_is_told_in_a_sentence():
    with pytest.raises(SystemExit, match="Unknown data set '/no/such/folder': it must be"):
        difficulty.main(["/no/such/folder"])


def test_the_command_prints_data_sets_side_by_side(monkeypatch, capsys):
    known = {"seen": dataset("object"), "unseen": dataset("nothing")}
    known["unseen"] = replace(
        known["unseen"],
        **{part: replace(getattr(known["unseen"], part), masks=None) for part in ("train", "val", "test")},
    )
    monkeypatch.setattr(difficulty.data, "load", known.__getitem__)
    difficulty.main(["seen", "unseen"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[-2:] == ["seen", "unseen"]
    assert lines[1].split()[-2] == "1.00"
    assert lines[3].split()[-1] == "-"
    assert len(lines) == 1 + len(difficulty.FIGURES)
