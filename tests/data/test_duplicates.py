"""Near-duplicates between splits: planted ones are found, and nothing else is; `planted.py` prints how many."""

import cv2
import numpy as np
import planted
import pytest

from helpers.data import duplicates, scenes
from helpers.data.duplicates import closest, laid_on

NOT_PROMISED = ("brighter, whites clipped", "a white stripe over it")


@pytest.fixture(scope="module")
def pictures():
    return planted.drawn("train", 6, 224)


@pytest.mark.parametrize("change", [name for name in planted.CHANGES if name not in NOT_PROMISED])
def test_planted_duplicates_are_found_and_nothing_else(pictures, change):
    train, test = pictures[:12], pictures[12:].copy()
    test[4], test[1] = (planted.CHANGES[change](train[i]) for i in (7, 2))
    pairs = closest({"train": train, "val": pictures[12:13], "test": test}, count=1)
    # what val and test share is there unplanted
    found = {(pair.splits, pair.indices) for pair in pairs if pair.is_duplicate}
    assert found == {(("train", "test"), (7, 4)), (("train", "test"), (2, 1)), (("val", "test"), (0, 0))}
    mirrored = change == "all of these" or "mirrored" in change
    assert [p.mirrored for p in pairs[:3] if p.splits == ("train", "test")] == [mirrored] * 2


def test_a_crop_is_found_in_the_earlier_split_too(pictures):
    crop = planted.cropped(0.8)(pictures[7])
    (pair, *_) = closest({"train": np.array([pictures[0], crop]), "test": pictures[7:9]})
    assert pair.is_duplicate
    assert pair.indices == (1, 0)


def test_scans_that_differ_in_one_spot_are_alike_and_not_the_same():
    scans = planted.scans(24)
    same, alike = planted.found(scans[::2], scans[1::2])
    assert (same, alike) == (0, 12)
    assert planted.found(scans, np.array([planted.jpeg(scan) for scan in scans]), planted=True) == (24, 24)


def test_digits_are_not_the_same():
    digits = planted.digits()[:200]
    assert planted.found(digits[:150], digits[150:])[0] == 0


def test_another_colour_is_another_picture():
    icons = np.full((3, 224, 224, 3), 255, np.uint8)
    for icon, colour in zip(icons, [(200, 30, 30), (30, 30, 200), (200, 30, 30)], strict=True):
        cv2.circle(icon, (105, 119), 70, colour, -1)
        cv2.rectangle(icon, (18, 18), (70, 42), (90, 90, 90), -1)
    pairs = closest({"train": icons[:1], "test": np.array([icons[1], planted.jpeg(icons[2])])})
    assert {pair.indices: pair.is_duplicate for pair in pairs} == {(0, 0): False, (0, 1): True}


def test_a_texture_in_another_colour_is_another_picture():
    texture = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 200, (96, 96, 1)), (0, 0), 4)[..., None]
    colours = np.array([[140, 100, 100], [100, 100, 140]])[:, None, None]
    cloths = np.clip(texture + colours, 0, 255).astype(np.uint8)
    (pair,) = closest({"train": cloths[:1], "test": cloths[1:]}, count=1)
    assert not pair.is_alike
    (pair,) = closest({"train": cloths[:1], "test": np.array([planted.jpeg(cloths[0])])}, count=1)
    assert pair.is_duplicate


def test_pictures_of_like_things_are_none():
    chosen = {"train": (7, 16, 28, 31), "test": (2, 6, 8, 11)}  # under sail at sea, and much alike
    ketches = {s: np.array([scenes.picture("ketch", s, i, 96)[0] for i in numbers]) for s, numbers in chosen.items()}
    pairs = closest(ketches, count=4)
    assert len(pairs) == 4
    assert not any(pair.is_alike for pair in pairs)
    assert [p.likeness for p in pairs] == sorted((p.likeness for p in pairs), reverse=True)


@pytest.mark.parametrize(("shift", "same"), [(0.25, True), (0.5, False)])
def test_a_part_that_is_shared_makes_no_duplicate(pictures, shift, same):
    wide = cv2.resize(pictures[8], (96, 64), interpolation=cv2.INTER_AREA)
    left = round(64 * shift)
    likeness, agreement = laid_on(wide[:, :64], wide[:, left : left + 64], (1, 0, shift))
    assert (likeness >= duplicates.ALIKE and agreement >= duplicates.SAME) == same


@pytest.mark.parametrize(("shear", "same"), [(0.01, True), (0.1, False)])
def test_what_must_be_sheared_to_be_alike_is_not_the_same(pictures, shear, same):
    small = cv2.resize(pictures[8], (64, 64), interpolation=cv2.INTER_AREA)
    matrix = np.array([[1, shear, -32 * shear], [0, 1, 0]])
    sheared = cv2.warpAffine(small, matrix, (64, 64), borderMode=cv2.BORDER_REPLICATE)
    likeness, agreement = laid_on(small, sheared, (1, 0, 0))
    assert (likeness >= duplicates.ALIKE and agreement >= duplicates.SAME) == same


def test_equal_plain_pictures_are_the_same_and_others_like_nothing(pictures):
    plain = np.stack([np.full_like(pictures[0], level) for level in (128, 130)])
    pairs = closest({"train": plain, "test": np.concatenate([plain[:1], pictures[:3]])})
    assert {pair.indices: pair.is_duplicate for pair in pairs if pair.is_alike} == {(0, 0): True}
    assert (pairs[0].likeness, pairs[0].agreement) == (1, 1)


def test_many_copies_give_one_pair_for_a_picture(pictures):
    copies = np.repeat(pictures[:1], 40, axis=0)
    pairs = closest({"train": copies[:24], "val": copies[:6], "test": copies[:10]})
    assert all(pair.is_duplicate for pair in pairs)
    assert len(pairs) == 6 + 10 + 10  # val in train, test in train, test in val


def test_of_equal_pictures_the_first_is_named(pictures):
    pairs = closest({"train": pictures[[0, 3, 3, 3]], "test": pictures[3:4]})
    assert [pair.indices for pair in pairs] == [(1, 0)]


def test_what_was_found_is_kept(pictures, tmp_path, monkeypatch):
    splits = {"train": pictures[:4], "test": pictures[2:6]}
    first = closest(splits, cache=tmp_path / "pairs.npz")
    assert sum(pair.is_duplicate for pair in first) == 2
    monkeypatch.setattr(duplicates, "laid_on", lambda *args: pytest.fail("computed again"))
    assert closest(splits, cache=tmp_path / "pairs.npz") == first


def test_other_images_get_a_sentence(pictures):
    with pytest.raises(ValueError, match=r"test is float64 \(18, 224, 224, 3\)"):
        closest({"train": pictures, "test": pictures / 255})
