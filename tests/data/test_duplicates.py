"""Near-duplicates between splits: planted ones are found, whatever was done to them, and nothing else is."""

import cv2
import numpy as np
import pytest

from helpers.data import duplicates, scenes
from helpers.data.duplicates import closest


@pytest.fixture(scope="module")
def pictures():
    return np.array([scenes.picture(name, "train", i, 96)[0] for name in scenes.CLASS_NAMES for i in range(6)])


def jpeg(image):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)


def resized(image):
    return cv2.resize(cv2.resize(image, (40, 40), interpolation=cv2.INTER_AREA), image.shape[:2])


CHANGES = {
    "the same": lambda image: image,
    "resized": resized,
    "compressed": jpeg,
    "brighter": lambda image: cv2.convertScaleAbs(image, alpha=1.15, beta=12),
    "darker": lambda image: (image * 0.6).astype(np.uint8),
    "mirrored": lambda image: image[:, ::-1],
    "cropped": lambda image: cv2.resize(image[3:-2, 4:-1], image.shape[:2]),
    "all of it": lambda image: jpeg(resized(image[:, ::-1])),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_planted_duplicate_is_found_and_nothing_else(pictures, change):
    train, test = pictures[:12], pictures[12:].copy()
    test[4] = CHANGES[change](train[7])
    pairs = closest({"train": train, "val": pictures[12:13], "test": test}, count=1)
    # train's picture 7 is in test; and the picture that val and test share is there unplanted
    found = {(pair.splits, pair.indices) for pair in pairs if pair.is_duplicate}
    assert found == {(("train", "test"), (7, 4)), (("val", "test"), (0, 0))}
    assert [p.mirrored for p in pairs if p.splits == ("train", "test")] == [change in ("mirrored", "all of it")]


def test_pictures_of_like_things_are_none():
    chosen = {"train": (7, 16, 28, 31), "test": (2, 6, 8, 11)}  # under sail at sea, and much alike
    ketches = {s: np.array([scenes.picture("ketch", s, i, 96)[0] for i in numbers]) for s, numbers in chosen.items()}
    pairs = closest(ketches, count=4)
    assert len(pairs) == 4
    assert not any(pair.is_duplicate for pair in pairs)
    assert pairs[0].likeness > 0.85
    assert [p.likeness for p in pairs] == sorted((p.likeness for p in pairs), reverse=True)


def test_a_plain_picture_is_like_no_other(pictures):
    plain = np.full_like(pictures[:2], 128)
    pairs = closest({"train": plain, "test": pictures[:3]})
    assert [pair.is_duplicate for pair in pairs] == [False] * 3


def test_what_was_found_is_kept(pictures, tmp_path, monkeypatch):
    splits = {"train": pictures[:4], "test": pictures[2:6]}
    first = closest(splits, cache=tmp_path / "pairs.npz")
    assert sum(pair.is_duplicate for pair in first) == 2
    monkeypatch.setattr(duplicates, "likeness", lambda *args: pytest.fail("computed again"))
    assert closest(splits, cache=tmp_path / "pairs.npz") == first


def test_other_images_get_a_sentence(pictures):
    with pytest.raises(ValueError, match=r"test is float64 \(18, 96, 96, 3\)"):
        closest({"train": pictures, "test": pictures / 255})
