"""The maps that chapter 6 compares, against the functions they are made of, on VGG19 with small images."""

import shutil

import numpy as np
import pytest

from helpers import explain, vgg19
from helpers.explain import comparison as compare_maps
from helpers.explain import deletion
from helpers.store import code, files

LAYER, SIDE = "block4_conv1", 48


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def model():
    return vgg19.add_head(vgg19.build("bundled", (SIDE, SIDE, 3)), 3, seed=0)


@pytest.fixture(scope="module")
def images():
    return rng().integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)


LABELS = np.array([0, 0, 1, 1, 2, 2])


def test_method_maps_are_what_explain_gives(model, images):
    c, x = 2, vgg19.preprocess(images[:1])[0]
    made = compare_maps.method_maps(model, images[:1], [c], LAYER)
    assert made.shape == (4, 1, SIDE, SIDE)
    assert made.dtype == np.float32
    maps = dict(zip(compare_maps.METHODS, made[:, 0], strict=True))
    cam = explain.enlarged(explain.class_map(model, x, c, LAYER), (SIDE, SIDE))
    plain, guided = (np.abs(explain.class_gradients(model, x[None], [c], r)[0]).max(2) for r in ("gradient", "guided"))
    expected = {"plain gradient": plain, "guided backprop": guided, "Grad-CAM": cam, "Guided Grad-CAM": guided * cam}
    for name, heat in expected.items():
        assert heat.max() > 0
        np.testing.assert_allclose(maps[name], heat, rtol=1e-3, atol=1e-4 * heat.max())


@pytest.mark.slow
def test_maps_of_more_images_than_a_batch_are_those_of_each(model, images):
    many, classes = np.concatenate([images, images[::-1]])[:9], [2, 0, 1, 1, 2, 0, 0, 2, 1]
    together = compare_maps.method_maps(model, many, classes, LAYER)
    for n in (0, 7, 8):
        alone = compare_maps.method_maps(model, many[n : n + 1], classes[n : n + 1], LAYER)[:, 0]
        np.testing.assert_allclose(together[:, n], alone, rtol=1e-3, atol=1e-4 * alone.max())


def test_grad_cam_of_more_activations_than_a_batch_is_that_of_each(model, images):
    activations = np.tile(vgg19.features(model, images, "block5_pool"), (4, 1, 1, 1))[:22]  # 20 are a batch
    classes = np.arange(22) % 3
    together = compare_maps.cam_maps(model, activations, classes, "block5_pool", (SIDE, SIDE))
    assert together.shape == (22, SIDE, SIDE)
    for n in (0, 19, 20, 21):
        alone = explain.class_maps(model, activations[n : n + 1], classes[n : n + 1], "block5_pool")[0]
        np.testing.assert_allclose(together[n], explain.enlarged(alone, (SIDE, SIDE)), rtol=1e-4, atol=1e-5)


def test_baselines_ask_no_network(images):
    maps = compare_maps.baseline_maps(images, rng(3))
    assert tuple(maps) == compare_maps.BASELINES
    assert np.array_equal(maps["edge"][1], compare_maps.baseline_maps(images[1:2], rng(3))["edge"][0])
    assert np.array_equal(maps["centre"][0], maps["centre"][5])
    assert np.array_equal(maps["random"], compare_maps.baseline_maps(images, rng(3))["random"])


def test_kept_maps_are_used_for_the_same_question_only(model, images, tmp_path, monkeypatch):
    ask = model, images[:2], np.array([0, 1]), LAYER, tmp_path / "maps.npz"
    first = compare_maps.method_maps(*ask)
    monkeypatch.setattr(compare_maps, "cam_maps", lambda *args: np.zeros((2, SIDE, SIDE), np.float32))
    assert np.array_equal(compare_maps.method_maps(*ask), first)
    assert first[2].any()
    assert not compare_maps.method_maps(*ask[:2], np.array([0, 2]), *ask[3:])[2].any()


@pytest.mark.slow
def test_in_mosaics_the_baselines_know_no_class(images):
    wide = vgg19.add_head(vgg19.build("bundled", (SIDE, 3 * SIDE, 3)), 3, seed=0)
    masks = np.zeros(images.shape[:3], bool)
    masks[:, 20:28, 20:28] = True
    found = compare_maps.distractor_game(wide, images, LABELS, masks, LAYER, rng=rng())
    assert set(found) == {"Grad-CAM", *compare_maps.BASELINES}
    for name in compare_maps.BASELINES:
        picture, on_object = found[name]
        assert picture.shape == on_object.shape == (2, 9)  # two groups of three mosaics, asked for three classes
        assert picture.sum(axis=1).tolist() == [3, 3]  # one map for all classes lies in one picture of each mosaic
        assert not (on_object & ~picture).any()
    assert np.array_equal(found["centre"][1], found["centre"][0])  # every object is in the middle of its picture
    assert np.array_equal(found["centre"][0], [[0, 1, 0, 1, 0, 0, 0, 0, 1]] * 2)  # the second, the first, the third
    plain = np.full_like(images, 127)
    plain[3] = images[3]
    edge, _ = compare_maps.distractor_game(wide, plain, LABELS, masks, LAYER, rng=rng())["edge"]
    assert np.array_equal(edge, [[0] * 9, [0, 1, 0] * 3])  # found wherever it is, and answered for it alone
    unknown = compare_maps.distractor_game(wide, images, LABELS, None, LAYER, rng=rng())
    assert np.array_equal(unknown["Grad-CAM"][0], found["Grad-CAM"][0])
    assert unknown["Grad-CAM"][1] is None


def test_mosaics_ask_for_the_classes_that_are_there(images, monkeypatch):
    asked, zeros = [], np.zeros((4, SIDE, 2 * SIDE), np.float32)
    monkeypatch.setattr(compare_maps, "cam_maps", lambda model, a, classes, *args: asked.append(classes) or zeros)
    monkeypatch.setattr(vgg19, "features", lambda *args, **kwargs: None)
    compare_maps.distractor_game(None, images[:4], np.array([0, 0, 2, 2]), None, LAYER, rng=rng())
    assert np.array_equal(asked, [[0] * 4, [2] * 4])


@pytest.mark.parametrize("changed", ["vgg19/backbone.py", "explain/comparison.py", "explain/deletion.py"])
def test_kept_curves_are_used_for_the_same_code_only(model, images, tmp_path, monkeypatch, changed):
    curves, made = deletion.Curves(np.arange(2.0), np.zeros((1, 2)), np.ones((1, 2))), []
    monkeypatch.setattr(compare_maps, "insertion_deletion", lambda *args, **kwargs: made.append(1) or curves)
    monkeypatch.setattr(code, "ROOT", tmp_path)
    shutil.copytree(files.ROOT / "helpers", tmp_path / "helpers")

    def times():
        maps = np.ones((1, 1, SIDE, SIDE))
        compare_maps.fading_curves(model, images[:1], maps, [1], steps=1, cache=tmp_path / "curves.npz")
        return len(made)

    assert [times(), times()] == [1, 1]
    (tmp_path / "helpers" / changed).write_text("x = 1")
    assert [times(), times()] == [2, 2]


def test_curves_begin_and_end_at_what_the_network_says(model, images, tmp_path):
    maps = rng().random((2, 2, SIDE, SIDE))
    curves = compare_maps.fading_curves(model, images[:2], maps, [1, 2], steps=2, cache=tmp_path / "curves.npz")
    whole = vgg19.predict(model, vgg19.preprocess(images[:2]))[[0, 1], [1, 2]]
    gray = vgg19.predict(model, np.zeros((1, SIDE, SIDE, 3), np.float32))[0, [1, 2]]
    assert curves.insertion.shape == (2, 2, 3)
    for k in range(2):
        np.testing.assert_allclose(curves.insertion[:, k, -1], whole, atol=1e-4)
        np.testing.assert_allclose(curves.deletion[:, k, 0], whole, atol=1e-4)
        np.testing.assert_allclose(curves.deletion[:, k, -1], gray, atol=1e-4)
    pixels = images[0].astype(np.float32)
    forward = lambda batch: vgg19.predict(model, vgg19.preprocess(batch))  # noqa: E731
    alone = explain.insertion_deletion(forward, pixels, maps[1, 0], 1, steps=2, fill=[123.68, 116.779, 103.939])
    np.testing.assert_allclose(curves.insertion[0, 1], alone.insertion, atol=1e-4)  # its own map, in its own order
    np.testing.assert_allclose(curves.deletion[0, 1], alone.deletion, atol=1e-4)
    again = compare_maps.fading_curves(model, images[:2], maps, [1, 2], steps=2, cache=tmp_path / "curves.npz")
    assert np.array_equal(curves.insertion, again.insertion)


def test_baselines():
    maps = compare_maps.baseline_maps(np.zeros((2, 5, 9, 3), np.uint8), rng(3))
    centre = maps["centre"][1]
    assert np.unravel_index(centre.argmax(), centre.shape) == (2, 4)
    np.testing.assert_allclose(centre, centre[::-1, ::-1])
    assert centre[2, 4] / centre[2, 0] == pytest.approx(np.exp((4 / (0.25 * 9)) ** 2 / 2))
    assert np.array_equal(maps["random"], rng(3).random((2, 5, 9)).astype(np.float32))
    image = np.zeros((8, 10, 3), np.uint8)
    image[:, 5:] = 200
    edges = compare_maps.baseline_maps(image[None], rng(3))["edge"][0]
    assert np.flatnonzero(edges[4]).tolist() == [4, 5]
    np.testing.assert_allclose(edges[:, 4], 4 * 200)
