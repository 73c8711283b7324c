"""The drawn data set: the same pictures everywhere, alone or together, at every size; masks; variety; hardness."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import difficulty
import numpy as np
import pytest

from helpers.data import scenes
from helpers.data.scenes.drawing import Canvas, bezier, blend, noise
from helpers.data.scenes.sketch import Pose, Sketch

# What `python -m tests.test_scenes` records: after a change of the drawing, and a look at what it drew.
THUMBNAILS = Path(__file__).with_name("scenes_thumbnails.npz")
RECORDED = [(split, index) for split, count in (("figure", 1), ("train", 4), ("test", 3)) for index in range(count)]


def generator(*seed):
    return np.random.Generator(np.random.PCG64(seed))


def means(image, cells=16):
    """Return the area means (cells, cells, ...) of an image whose side is a multiple of `cells`."""
    block = len(image) // cells
    return image.reshape(cells, block, cells, block, *image.shape[2:]).mean(axis=(1, 3))


def unfinished(image, mask, rng):
    """Leave a picture as it was drawn, in place of `camera.finish`."""
    return image, mask


def recorded_thumbnails(name):
    return np.stack([means(scenes.picture(name, split, index)[0]) for split, index in RECORDED])


@pytest.fixture(scope="module")
def crowd():
    """1,002 pictures that are not in the data set, small: images, masks and labels."""
    jobs = [(label, number) for number in range(334) for label in range(3)]
    drawn = [scenes.draw(scenes.CLASS_NAMES[label], generator(5, label, number), 64) for label, number in jobs]
    images, masks = (np.stack(part) for part in zip(*drawn, strict=True))
    return images, masks, np.array([label for label, _ in jobs])


@pytest.mark.parametrize("name", scenes.CLASS_NAMES)
def test_pictures_are_those_recorded_on_another_machine(name):
    with np.load(THUMBNAILS, allow_pickle=False) as recorded:
        difference = np.abs(recorded_thumbnails(name) - recorded[name].astype(float))
    assert difference.max() <= 2, f"{name}: {RECORDED[difference.reshape(len(RECORDED), -1).max(axis=1).argmax()]}"


@pytest.mark.parametrize("name", scenes.CLASS_NAMES)
def test_a_picture_alone_is_the_picture_among_others(name):
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(lambda index: scenes.picture(name, "val", index, 96), range(6)))
    alone = scenes.picture(name, "val", 4, 96)
    assert np.array_equal(alone[0], together[4][0])
    assert np.array_equal(alone[1], together[4][1])
    assert not np.array_equal(alone[0], together[3][0])


def test_a_ketch_afloat_is_the_same_at_every_size(monkeypatch):
    """The broken reflection takes random numbers: as many for a small picture as for a large one."""
    monkeypatch.setitem(scenes.SEA, "ketch", 1.0)
    monkeypatch.setattr(scenes.camera, "finish", unfinished)
    for seed in range(4):
        small, large = (scenes.draw("ketch", generator(4, seed), size)[0] for size in (112, 224))
        assert np.abs(means(small) - means(large)).mean() < 3


def test_splits_and_classes_do_not_share_pictures():
    drawn = [scenes.picture(name, split, 0, 64)[0] for name in scenes.CLASS_NAMES for split in scenes.COUNTS]
    assert len({image.tobytes() for image in drawn}) == len(scenes.CLASS_NAMES) * len(scenes.COUNTS)


@pytest.mark.parametrize("name", scenes.CLASS_NAMES)
@pytest.mark.parametrize(("size", "levels", "share"), [(64, 9, 0.09), (128, 4, 0.04), (224, 2, 0.01), (512, 3, 0.02)])
def test_every_size_shows_the_same_composition(name, size, levels, share, monkeypatch):
    monkeypatch.setattr(scenes.camera, "finish", unfinished)  # grain and JPEG are a pixel's size at any size
    for seed in range(1 if size == 512 else 3):
        expected = scenes.draw(name, generator(3, seed), 256)
        image, mask = scenes.draw(name, generator(3, seed), size)
        assert image.shape == (size, size, 3)
        assert mask.shape == (size, size)
        assert (image.dtype, mask.dtype) == (np.uint8, bool)
        assert np.abs(means(image) - means(expected[0])).mean() < levels  # thin lines are a pixel wide at least
        assert np.abs(means(mask) - means(expected[1])).mean() < share


@pytest.mark.parametrize(("name", "size", "said"), [("ship", 64, "ship"), ("ketch", 63, "63"), ("ketch", 513, "513")])
def test_draw_refuses_what_it_cannot_draw(name, size, said):
    with pytest.raises(ValueError, match=said):
        scenes.draw(name, generator(0), size)


@pytest.mark.parametrize(
    ("name", "split", "index", "said"),
    [("ship", "train", 0, "ship"), ("ketch", "dev", 0, "dev"), ("ketch", "val", 10, "10"), ("ketch", "val", -1, "-1")],
)
def test_picture_refuses_what_the_data_set_does_not_have(name, split, index, said):
    with pytest.raises(ValueError, match=said):
        scenes.picture(name, split, index, 64)


@pytest.mark.slow
def test_masks_cover_a_fair_share_of_every_picture(crowd):
    _, masks, labels = crowd
    share = masks.mean(axis=(1, 2))
    assert share.min() >= 0.03
    assert share.max() <= 0.8
    rows, columns = masks.any(axis=2).sum(axis=1), masks.any(axis=1).sum(axis=1)
    box = rows * columns / masks[0].size
    assert box.min() >= 0.2  # 0.25 where no caption or border covers the rim of the object
    assert box.max() <= 0.85
    assert np.ptp([share[labels == label].mean() for label in range(3)]) < 0.2


@pytest.mark.parametrize("name", scenes.CLASS_NAMES)
def test_the_mask_is_where_the_object_is(name, monkeypatch):
    """Without its object a picture differs where the mask is, and hardly anywhere else."""
    monkeypatch.setattr(scenes.camera, "finish", unfinished)
    image, mask = scenes.draw(name, generator(8), 128)
    monkeypatch.setattr(Sketch, "paint", lambda self, canvas, pose: None)
    empty, nothing = scenes.draw(name, generator(8), 128)
    differs = np.abs(empty.astype(int) - image).max(axis=2) > 8
    assert not nothing.any()
    assert differs[mask].mean() > 0.85
    assert differs[~mask].mean() < 0.15  # edges, reflections and the light that lamps throw


@pytest.mark.slow
def test_no_two_of_a_thousand_pictures_are_nearly_alike(crowd):
    images, _, _ = crowd
    gray = images.astype(float).mean(axis=3)
    cells = gray.reshape(len(gray), 16, 4, 16, 4).mean(axis=(2, 4))
    bits = np.concatenate([np.diff(cells, axis=axis).reshape(len(cells), -1) > 0 for axis in (1, 2)], axis=1)
    signs = bits.astype(np.float32) * 2 - 1
    agreement = signs @ signs.T / bits.shape[1]
    np.fill_diagonal(agreement, 0)
    assert agreement.max() < 0.8  # of 1; 0 is what two random pictures come to


@pytest.mark.slow
def test_colours_and_backgrounds_do_not_give_the_class_away(crowd):
    images, masks, labels = crowd
    parts = np.split(np.arange(len(labels)), [240, 402])
    for features, bound in ((difficulty.thumbnails(images), 0.7), (difficulty.background(images, masks), 0.55)):
        train, val, test = ((features[part], labels[part]) for part in parts)
        assert difficulty.fitted(*difficulty.REGRESSION, *train, *val).score(*test) <= bound


def test_a_filled_square_is_covered_where_it_is_and_nowhere_else():
    canvas = Canvas(64)
    canvas.wash(np.zeros(3), np.zeros(3))
    canvas.fill(np.array([[0.25, 0.5], [0.75, 0.5], [0.75, 0.75], [0.25, 0.75]]), np.array([200.0, 100.0, 50.0]), 255)
    averaged = canvas.averaged()
    assert np.array_equal(averaged[36:44, 20:44], np.broadcast_to(np.uint8([200, 100, 50, 255]), (8, 24, 4)))
    assert not averaged[:30].any()
    assert not averaged[:, :14].any()
    assert not averaged[50:].any()


def test_blend_goes_all_the_way_and_not_at_all():
    region = np.full((2, 3, 4), 200, dtype=np.uint8)
    colour = np.full((2, 3, 4), 10, dtype=np.uint8)
    share = np.array([[0, 64, 128], [128, 64, 0]], dtype=np.uint8)
    blend(region, colour, share)
    assert np.array_equal(region[..., 0], [[200, 105, 10], [10, 105, 200]])


def test_a_pose_turns_scales_mirrors_and_moves():
    points = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert np.allclose(Pose(np.array([0.5, 0.5]), 0.25)(points), [[0.75, 0.5], [0.5, 0.25]])
    assert np.allclose(Pose(np.array([0.5, 0.5]), 0.25, mirrored=True)(points), [[0.25, 0.5], [0.5, 0.25]])
    assert np.allclose(Pose(np.zeros(2), 1.0, np.pi / 2)(points), [[0, 1], [1, 0]])


def test_bezier_meets_its_ends_and_noise_its_range():
    curve = bezier([[0, 0], [1, 2], [2, 0]], 5)
    assert np.allclose(curve[[0, 2, 4]], [[0, 0], [1, 1], [2, 0]])
    field = noise(generator(1), 40, 60, (4, 6))
    assert field.shape == (40, 60)
    assert field.std() > 20


if __name__ == "__main__":
    np.savez_compressed(THUMBNAILS, **{k: np.rint(recorded_thumbnails(k)).astype(np.uint8) for k in scenes.CLASS_NAMES})
